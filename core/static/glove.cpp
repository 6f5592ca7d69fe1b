#include "static/glove.h"

#include "base/random.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace qianru {

namespace {

// What a block's state takes at most, so that the two of a tile lie in a third-level cache with those of other threads.
// Blocks of 640 KiB, which fit into a second-level cache of 1 MiB, were slower by a third: tiles had too few entries for their rows.
constexpr std::size_t kCacheBytes = std::size_t{2} << 20;
constexpr std::size_t kMinBlock = 16, kMaxBlock = 65536;  // an entry has 16 bits for a word of a block
// Enough blocks that every thread finds work in a round, few enough that the tiles can be numbered in a table.
constexpr std::size_t kManyBlocks = 64, kMaxBlocks = 2048;
constexpr float kNeverMoves = 1e36f;

constexpr std::uint64_t kInitStream = 4, kTileStream = 5, kEpochStream = 6;
std::uint64_t stream_key(std::uint64_t seed, std::uint64_t stream) { return mix64(mix64(seed + 0x632BE59BD9B4E019u) + stream); }

template <typename T>
void shuffle(T* values, std::size_t n, std::uint64_t key) {
  for (std::size_t i = n; i > 1; --i) {
    const std::size_t j = random_at(key, i) % i;
    std::swap(values[i - 1], values[j]);
  }
}

std::size_t count_blocks(std::size_t n_keys, int dim) {
  const std::size_t row_bytes = (static_cast<std::size_t>(dim) + 2 + 15) / 16 * 16 * sizeof(float);
  std::size_t block = kCacheBytes / (4 * row_bytes);
  block = std::min(block, n_keys / kManyBlocks);
  block = std::max({block, kMinBlock, (n_keys + kMaxBlocks - 1) / kMaxBlocks});
  block = std::min(block, kMaxBlock);
  return std::max<std::size_t>((n_keys + block - 1) / block, 1);
}

}  // namespace

GloveTrainer::GloveTrainer(const SparseRows& counts, const GloveOptions& options)
    : n_keys_(counts.n_keys),
      options_(options),
      symmetric_(counts.symmetric),
      n_blocks_(count_blocks(n_keys_, options.dim)),
      block_((n_keys_ + n_blocks_ - 1) / n_blocks_),
      state_(n_blocks_ * block_ * 4, static_cast<std::size_t>(options.dim) + 2) {
  if (n_keys_ < 2) throw std::invalid_argument("GloVe needs at least two words");
  if (options.dim < 1 || options.threads < 1 || !(options.x_max > 0) || !(options.learning_rate > 0))
    throw std::invalid_argument("dim and threads must be at least 1, x_max and learning_rate above 0");
  if (n_keys_ > kMaxBlocks * kMaxBlock) throw std::invalid_argument("more words than tiles can hold");
  const int width = glove_kernels().width;
  n_floats_ = (options.dim + 2 + width - 1) / width * width;
  build_tiles(counts);
  init_state();
}

GloveTrainer::~GloveTrainer() { stop(); }

void GloveTrainer::init_state() {
  const std::uint64_t key = stream_key(options_.seed, kInitStream);
  const auto dim = static_cast<std::size_t>(options_.dim);
  const auto bias_g = static_cast<float>(options_.learning_rate * options_.learning_rate);
  std::uint64_t counter = 0;
  auto draw = [&] {
    const auto bits = static_cast<float>(random_at(key, counter++) >> 40);  // 24 bits: exact in a float
    return (bits / 16777216.0f - 0.5f) / static_cast<float>(options_.dim);
  };
  for (std::size_t word = 0; word < n_keys_; ++word) {
    for (std::size_t part = 0; part < 4; part += 2) {
      float* const values = state(word, part);
      float* const sums = state(word, part + 1);
      for (std::size_t k = 0; k < dim; ++k) values[k] = draw();
      const std::size_t bias = dim + part / 2, one = dim + 1 - part / 2;
      values[bias] = draw();
      values[one] = 1.0f;
      std::fill_n(sums, state_.stride(), 1.0f);
      sums[bias] = bias_g;
      sums[one] = kNeverMoves;
    }
  }
}

// Counting sort of the entries by tile; threads take one block of rows at a time.
void GloveTrainer::build_tiles(const SparseRows& counts) {
  tile_starts_.assign(n_blocks_ * n_blocks_ + 1, 0);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> bad{false};
  auto for_blocks = [&](auto work) {
    next = 0;
    auto run = [&] {
      for (std::size_t block; (block = next.fetch_add(1)) < n_blocks_;) work(block);
    };
    std::vector<std::thread> workers;
    for (int i = 1; i < options_.threads; ++i) workers.emplace_back(run);
    run();
    for (std::thread& worker : workers) worker.join();
  };
  for_blocks([&](std::size_t block) {
    for (std::size_t row = block; row < n_keys_; row += n_blocks_) {
      for (std::uint64_t e = counts.offsets[row]; e < counts.offsets[row + 1]; ++e) {
        const std::size_t column = counts.columns[e];
        if (column >= n_keys_ || (symmetric_ && column < row) || !(counts.values[e] > 0) || !std::isfinite(counts.values[e])) {
          bad = true;
          return;
        }
        ++tile_starts_[tile(block, block_of(column)) + 1];
      }
    }
  });
  if (bad) throw std::invalid_argument("counts: a column out of range or below the diagonal, or a value that is not above 0");
  std::partial_sum(tile_starts_.begin(), tile_starts_.end(), tile_starts_.begin());
  entries_ = std::make_unique_for_overwrite<GloveEntry[]>(tile_starts_.back());  // first touched by the threads that fill it
  n_entries_ = tile_starts_.back() * (symmetric_ ? 2 : 1);
  if (symmetric_)
    for (std::size_t row = 0; row < n_keys_; ++row)
      n_entries_ -= counts.offsets[row] < counts.offsets[row + 1] && counts.columns[counts.offsets[row]] == row;
  for_blocks([&](std::size_t block) { build_block(counts, block); });
}

void GloveTrainer::build_block(const SparseRows& counts, std::size_t block) {
  std::vector<std::uint64_t> next(tile_starts_.begin() + static_cast<std::ptrdiff_t>(tile(block, 0)),
                                  tile_starts_.begin() + static_cast<std::ptrdiff_t>(tile(block, n_blocks_)));
  const auto log_max = static_cast<float>(std::log(options_.x_max)), alpha = static_cast<float>(options_.alpha);
  for (std::size_t row = block; row < n_keys_; row += n_blocks_) {
    for (std::uint64_t e = counts.offsets[row]; e < counts.offsets[row + 1]; ++e) {
      const std::size_t column = counts.columns[e];
      const float log_count = std::log(counts.values[e]);
      entries_[next[block_of(column)]++] = {static_cast<std::uint16_t>(place_of(row)), static_cast<std::uint16_t>(place_of(column)),
                                            log_count, log_count < log_max ? std::exp(alpha * (log_count - log_max)) : 1.0f};
    }
  }
  // Columns in a random order, the rows of each in a random order: a column's state is then in the first-level cache.
  const std::uint64_t key = stream_key(options_.seed, kTileStream);
  std::vector<GloveEntry> sorted;
  std::vector<std::uint32_t> places(block_), starts(block_ + 1);
  for (std::size_t column_block = 0; column_block < n_blocks_; ++column_block) {
    GloveEntry* const entries = entries_.get() + tile_starts_[tile(block, column_block)];
    const std::size_t n = tile_starts_[tile(block, column_block) + 1] - tile_starts_[tile(block, column_block)];
    if (n < 2) continue;
    const std::uint64_t tile_key = mix64(key + tile(block, column_block));
    shuffle(entries, n, tile_key);
    std::iota(places.begin(), places.end(), 0u);
    shuffle(places.data(), block_, mix64(tile_key));
    std::fill(starts.begin(), starts.end(), 0u);
    for (std::size_t e = 0; e < n; ++e) ++starts[places[entries[e].column] + 1];
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    sorted.assign(entries, entries + n);
    for (const GloveEntry& entry : sorted) entries[starts[places[entry.column]]++] = entry;
  }
}

void GloveTrainer::start_epoch() {
  stop();
  stop_ = false;
  n_done_ = 0;
  // The circle method: the last seat stays, the others move on by one after each round, opposite seats meet. An odd number of
  // blocks gets an empty seat. One more round is each block's meeting with itself.
  seats_.resize(n_blocks_ + n_blocks_ % 2);
  n_rounds_ = n_blocks_ == 1 ? 1 : seats_.size();  // a round without pairs would be taken for the end
  losses_.assign(n_blocks_ * n_blocks_, 0.0);
  ++epoch_;
  start_half(false);
  pairs_.reserve(n_blocks_);
  barrier_ = std::make_unique<std::barrier<NextRound>>(options_.threads, NextRound{this});
  next_round();
  n_running_ = options_.threads;
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run_worker(); });
}

// One half of an epoch: X, or its transpose where only one triangle is kept. In halves, because w_i and w~_i would else meet the same
// entries at the same time and get the same noise, of which their sum then loses less.
void GloveTrainer::start_half(bool transposed) noexcept {
  transposed_ = transposed;
  round_ = 0;
  const auto half = 2 * static_cast<std::uint64_t>(epoch_) + transposed;
  std::iota(seats_.begin(), seats_.end(), 0u);
  shuffle(seats_.data(), seats_.size(), mix64(stream_key(options_.seed, kEpochStream) + half));
}

// Fills pairs_ with the next round.
void GloveTrainer::next_round() noexcept {
  pairs_.clear();
  next_pair_ = 0;
  if (round_ == n_rounds_ && symmetric_ && !transposed_) start_half(true);
  if (round_ == n_rounds_ || stop_) return;
  if (round_ == n_rounds_ / 2) {  // in the middle, so that it is neither always first nor last
    for (std::uint32_t block = 0; block < n_blocks_; ++block) pairs_.push_back({block, block});
  } else {
    const std::size_t turn = round_ < n_rounds_ / 2 ? round_ : round_ - 1, n = seats_.size() - 1;
    auto meet = [&](std::uint32_t a, std::uint32_t b) {
      if (std::max(a, b) < n_blocks_) pairs_.push_back({a, b});
    };
    meet(seats_[n], seats_[turn % n]);
    for (std::size_t i = 1; i <= n / 2; ++i) meet(seats_[(turn + i) % n], seats_[(turn + n - i) % n]);
  }
  ++round_;
}

void GloveTrainer::run_worker() {
  while (!pairs_.empty()) {
    for (std::size_t i; (i = next_pair_.fetch_add(1)) < pairs_.size();) {
      if (stop_.load(std::memory_order_relaxed)) break;
      train_pair(pairs_[i]);
    }
    barrier_->arrive_and_wait();  // the last to arrive sets up the next round
  }
  const std::lock_guard lock(mutex_);
  if (--n_running_ == 0) finished_.notify_all();
}

void GloveTrainer::train_pair(const Pair& pair) {
  const std::size_t a = pair.first, b = pair.second;
  double loss = train_tile(a, b);
  if (a != b) loss += train_tile(b, a);
  if (!std::isfinite(loss)) diverged_ = stop_ = true;
}

double GloveTrainer::train_tile(std::size_t row_block, std::size_t column_block) {
  const std::size_t at = tile(row_block, column_block), part = transposed_ ? 2 : 0;
  const GloveTile work{state_.row(row_block * block_ * 4 + part),
                       state_.row(column_block * block_ * 4 + 2 - part),
                       entries_.get() + tile_starts_[at],
                       tile_starts_[at + 1] - tile_starts_[at],
                       transposed_ && row_block == column_block};
  if (work.n_entries == 0) return 0;
  const double loss = glove_kernels().train(work, n_floats_, state_.stride(), static_cast<float>(options_.learning_rate));
  losses_[at] += loss;
  n_done_.fetch_add(work.n_entries, std::memory_order_relaxed);
  return loss;
}

double GloveTrainer::loss() const { return std::accumulate(losses_.begin(), losses_.end(), 0.0); }

bool GloveTrainer::wait(double seconds) {
  {
    std::unique_lock lock(mutex_);
    if (!finished_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return n_running_ == 0; })) return false;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return true;
}

void GloveTrainer::stop() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace qianru
