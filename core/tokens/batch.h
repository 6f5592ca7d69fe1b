// Many texts, or a block of lines, encoded by several threads into one array of ids. The result does not depend on the threads.
//
// What drives the threads is the same for every kind of vocabulary. A Worker is one thread's state (its caches):
//   void Worker::encode(std::string_view text, IdBuffer& out);       appends the ids of one text
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace qianru {

// A growing array of ids that is not cleared before it is written.
class IdBuffer {
 public:
  IdBuffer() = default;
  IdBuffer(IdBuffer&& other) noexcept { swap(other); }
  IdBuffer& operator=(IdBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~IdBuffer() { std::free(data_); }

  std::size_t size() const { return size_; }
  std::uint32_t* data() const { return data_; }
  std::span<const std::uint32_t> ids() const { return {data_, size_}; }
  std::uint32_t& operator[](std::size_t i) { return data_[i]; }
  std::uint32_t operator[](std::size_t i) const { return data_[i]; }

  // Keeps the first n and gives the memory of the others back, in place where the system can.
  void shrink(std::size_t n) {
    size_ = n;
    void* const data = std::realloc(data_, std::max<std::size_t>(n, 1) * sizeof(std::uint32_t));
    if (!data) return;
    data_ = static_cast<std::uint32_t*>(data);
    capacity_ = std::max<std::size_t>(n, 1);
  }

  // Room for n more; the place where they go. `advance` then says how many were written.
  std::uint32_t* room(std::size_t n) {
    if (capacity_ - size_ < n) grow(n);
    return data_ + size_;
  }
  void advance(std::size_t n) { size_ += n; }
  void push(std::uint32_t id) {
    *room(1) = id;
    ++size_;
  }
  void append(std::span<const std::uint32_t> ids) {
    if (!ids.empty()) std::memcpy(room(ids.size()), ids.data(), ids.size() * sizeof(std::uint32_t));
    size_ += ids.size();
  }

 private:
  void swap(IdBuffer& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  void grow(std::size_t n) {
    const std::size_t capacity = std::max(size_ + n, capacity_ + capacity_ / 2 + 64);
    void* const data = std::realloc(data_, capacity * sizeof(std::uint32_t));
    if (!data) throw std::bad_alloc();
    data_ = static_cast<std::uint32_t*>(data);
    capacity_ = capacity;
  }

  std::uint32_t* data_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
};

// The state of threads that are not running: kept between calls, so that caches stay warm.
template <class Worker>
class WorkerPool {
 public:
  template <class Make>
  std::unique_ptr<Worker> take(Make make) {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto worker = std::move(idle_.back());
        idle_.pop_back();
        return worker;
      }
    }
    return make();
  }
  std::vector<std::unique_ptr<Worker>> take_all() {
    const std::lock_guard lock(mutex_);
    return std::exchange(idle_, {});
  }
  template <class F>
  void for_idle(F f) {
    const std::lock_guard lock(mutex_);
    for (const auto& worker : idle_) f(*worker);
  }
  void give(std::unique_ptr<Worker> worker) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(worker));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;
};

// Runs job(worker, i) for each i < n_jobs, each worker in a thread of its own, jobs taken in order. The first exception is
// thrown again here after all threads have ended.
template <class Worker, class Make, class Job>
void run_jobs(WorkerPool<Worker>& pool, Make make, std::size_t n_jobs, int threads, Job job) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto run = [&] {
    try {
      auto worker = pool.take(make);
      for (std::size_t i; (i = next.fetch_add(1)) < n_jobs;) job(*worker, i);
      pool.give(std::move(worker));
    } catch (...) {
      next = n_jobs;
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  const std::size_t n_threads = std::min<std::size_t>(n_jobs, static_cast<std::size_t>(std::max(threads, 1)));
  std::vector<std::thread> started;
  for (std::size_t i = 1; i < n_threads; ++i) started.emplace_back(run);
  run();
  for (std::thread& thread : started) thread.join();
  if (failure) std::rethrow_exception(failure);
}

inline IdBuffer joined(std::vector<IdBuffer>& parts) {
  if (parts.size() == 1) return std::move(parts[0]);
  std::size_t total = 0;
  for (const IdBuffer& part : parts) total += part.size();
  IdBuffer all;
  all.room(total);
  for (IdBuffer& part : parts) {
    all.append(part.ids());
    part = IdBuffer();
  }
  return all;
}

// The ids of all texts one after the other; text i has those from splits[i] up to splits[i + 1].
template <class Worker, class Make>
IdBuffer encode_batch(WorkerPool<Worker>& pool, Make make, std::span<const std::string_view> texts, int threads,
                      std::vector<std::int64_t>& splits) {
  constexpr std::size_t kJobBytes = 1 << 16;
  std::vector<std::size_t> starts;  // the first text of each job
  std::size_t n_bytes = kJobBytes;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (n_bytes >= kJobBytes) {
      starts.push_back(i);
      n_bytes = 0;
    }
    n_bytes += texts[i].size() + 16;
  }
  starts.push_back(texts.size());
  splits.assign(texts.size() + 1, 0);
  std::vector<IdBuffer> parts(starts.size() - 1);
  run_jobs(pool, make, parts.size(), threads, [&](Worker& worker, std::size_t job) {
    for (std::size_t i = starts[job]; i < starts[job + 1]; ++i) {
      const std::size_t before = parts[job].size();
      worker.encode(texts[i], parts[job]);
      splits[i + 1] = static_cast<std::int64_t>(parts[job].size() - before);
    }
  });
  for (std::size_t i = 0; i < texts.size(); ++i) splits[i + 1] += splits[i];
  return joined(parts);
}

// Calls text(line) for each line of the block, without its \n; what follows the last \n is a line if it is not empty.
template <class F>
void for_lines(std::string_view block, F text) {
  while (!block.empty()) {
    const std::size_t end = block.find('\n');
    text(block.substr(0, end));
    if (end == block.npos) return;
    block.remove_prefix(end + 1);
  }
}

// Pieces of about n_bytes that end after a \n.
inline std::vector<std::string_view> cut_at_lines(std::string_view block, std::size_t n_bytes) {
  std::vector<std::string_view> pieces;
  while (!block.empty()) {
    std::size_t end = block.size() > n_bytes ? block.find('\n', n_bytes) : block.npos;
    end = end == block.npos ? block.size() : end + 1;
    pieces.push_back(block.substr(0, end));
    block.remove_prefix(end);
  }
  return pieces;
}

// One text a line; the ids of all lines in order, `line_end`, if there is one, after each that has any.
template <class Worker, class Make>
IdBuffer encode_lines(WorkerPool<Worker>& pool, Make make, std::string_view block, int threads,
                      std::optional<std::uint32_t> line_end) {
  const auto pieces = cut_at_lines(block, 1 << 17);
  std::vector<IdBuffer> parts(pieces.size());
  run_jobs(pool, make, pieces.size(), threads, [&](Worker& worker, std::size_t job) {
    for_lines(pieces[job], [&](std::string_view line) {
      const std::size_t n_before = parts[job].size();
      worker.encode(line, parts[job]);
      if (line_end && parts[job].size() > n_before) parts[job].push(*line_end);
    });
  });
  return joined(parts);
}

}  // namespace qianru
