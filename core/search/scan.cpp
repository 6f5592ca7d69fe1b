#include "search/scan.h"

#include "search/scan_kernel.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <system_error>
#include <thread>
#include <vector>

namespace qianru {

namespace {

constexpr float kCosMulEpsilon = 1e-3f;
// Sums of squares from here on have all bits of a float32, whose smallest normal number is 1.2e-38.
constexpr float kLeastSquare = 1e-30f;
// A block of rows fits the second-level cache beside the queries; queries are taken in groups that fit it too.
constexpr std::size_t kBlockFloats = 24 * 1024;
constexpr std::size_t kGroupFloats = 128 * 1024;
// Queries whose scores are taken together: as many as the widest register tile has.
constexpr std::size_t kTogether = 4;
// The scores of a group's shared queries with a block of rows fit the second-level cache.
constexpr std::size_t kTableFloats = 128 * 1024;
// Bounds the memory of a group of results that share few queries.
constexpr std::size_t kGroupResults = 8192;
// Below this many multiplications a thread costs more than it saves.
constexpr std::size_t kWorkPerThread = std::size_t{1} << 20;

struct Hit {
  float score;
  std::uint32_t row;
};

// Rank order; as the heap's "less" it keeps the worst hit on top.
bool better(const Hit& a, const Hit& b) { return a.score != b.score ? a.score > b.score : a.row < b.row; }

// The k best hits so far of one result. Rows arrive in rising order, so a later row with an equal score never replaces.
class Best {
 public:
  void offer(Hit hit, std::size_t k) {
    if (hits_.size() == k) {
      std::pop_heap(hits_.begin(), hits_.end(), better);
      hits_.back() = hit;
    } else {
      hits_.push_back(hit);
    }
    std::push_heap(hits_.begin(), hits_.end(), better);
  }
  float threshold(std::size_t k) const {
    return hits_.size() < k ? -std::numeric_limits<float>::infinity() : hits_.front().score;
  }
  std::vector<Hit>& hits() { return hits_; }

 private:
  std::vector<Hit> hits_;
};

std::size_t thread_count(std::size_t asked, std::size_t work) {
  const std::size_t available = asked ? asked : std::max(1u, std::thread::hardware_concurrency());
  return std::clamp<std::size_t>(work / kWorkPerThread, 1, available);
}

// Runs job(thread) on n threads, the calling one included; the first exception is thrown on when all have ended.
template <typename Job>
void run_threads(std::size_t n, const Job& job) {
  std::vector<std::exception_ptr> failures(n);
  const auto guarded = [&](std::size_t t) {
    try {
      job(t);
    } catch (...) {
      failures[t] = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(n);
  try {
    for (std::size_t t = 1; t < n; ++t) threads.emplace_back(guarded, t);
  } catch (const std::system_error&) {
    // No more threads to be had: this one does what they would have done.
    for (std::size_t t = threads.size() + 1; t < n; ++t) guarded(t);
  }
  guarded(0);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

// Some results in a row, and the queries that they name, packed.
struct Group {
  std::size_t first = 0, n_results = 0, n_queries = 0;
  std::vector<float> packed;
  std::vector<std::uint32_t> triples;  // [n_results, 3] among the group's own queries
};

// Scores the rows for one group of results on one thread.
class GroupScan {
 public:
  GroupScan(const ScanRequest& request, const ScanKernels& kernels, const Group& group, std::size_t packed_size,
            std::size_t block_rows)
      : request_(request), kernels_(kernels), group_(group), packed_size_(packed_size), block_rows_(block_rows), best_(group.n_results),
        table_((request.score == ScanScore::cosine ? kTogether : group.n_queries) * block_rows), scores_(block_rows),
        positions_(block_rows) {
    if (request.among) gathered_.resize(block_rows * request.dim), gathered_norms_.resize(block_rows);
  }

  // Positions begin..end count in `among` where there is one, in the matrix otherwise.
  void block(std::size_t begin, std::size_t end) {
    const float* rows = request_.matrix + begin * request_.dim;
    const float* norms = request_.inverse_norms + begin;
    if (request_.among) {
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t row = request_.among[i];
        std::memcpy(gathered_.data() + (i - begin) * request_.dim, request_.matrix + row * request_.dim, request_.dim * sizeof(float));
        gathered_norms_[i - begin] = request_.inverse_norms[row];
      }
      rows = gathered_.data(), norms = gathered_norms_.data();
    }
    const std::size_t n_rows = end - begin;
    if (request_.score != ScanScore::cosine) {
      cosines(0, group_.n_queries, rows, norms, n_rows);
      for (std::size_t r = 0; r < best_.size(); ++r) combine(r, begin, n_rows);
      return;
    }
    for (std::size_t r = 0; r < best_.size(); r += kTogether) {
      const std::size_t n = std::min(kTogether, best_.size() - r);
      cosines(r, n, rows, norms, n_rows);
      for (std::size_t i = 0; i < n; ++i) keep(r + i, table_.data() + i * block_rows_, begin, n_rows);
    }
  }

  std::vector<Hit>& hits(std::size_t result) { return best_[result].hits(); }

 private:
  // Cosines of the rows with n queries of the group, into the first n lines of the table.
  void cosines(std::size_t query, std::size_t n, const float* rows, const float* norms, std::size_t n_rows) {
    kernels_.dots(group_.packed.data() + query * packed_size_, n, rows, n_rows, request_.dim, table_.data(), block_rows_);
    for (std::size_t q = 0; q < n; ++q) kernels_.scale(table_.data() + q * block_rows_, norms, n_rows);
  }

  void combine(std::size_t result, std::size_t begin, std::size_t n_rows) {
    const std::uint32_t* triple = group_.triples.data() + 3 * result;
    const float* a = table_.data() + triple[0] * block_rows_;
    const float* b = table_.data() + triple[1] * block_rows_;
    const float* c = table_.data() + triple[2] * block_rows_;
    if (request_.score == ScanScore::cos_add)
      kernels_.cos_add(a, b, c, scores_.data(), n_rows);
    else
      kernels_.cos_mul(a, b, c, kCosMulEpsilon, scores_.data(), n_rows);
    keep(result, scores_.data(), begin, n_rows);
  }

  void keep(std::size_t result, const float* scores, std::size_t begin, std::size_t n_rows) {
    Best& best = best_[result];
    const std::size_t n = kernels_.above(scores, n_rows, best.threshold(request_.k), positions_.data());
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t position = begin + positions_[i];
      const auto row = request_.among ? request_.among[position] : static_cast<std::uint32_t>(position);
      const float score = scores[positions_[i]];
      if (score > best.threshold(request_.k) && !excluded(group_.first + result, row)) best.offer({score, row}, request_.k);
    }
  }

  bool excluded(std::size_t result, std::uint32_t row) const {
    const std::int64_t* list = request_.exclude + result * request_.n_exclude;
    return std::find(list, list + request_.n_exclude, static_cast<std::int64_t>(row)) != list + request_.n_exclude;
  }

  const ScanRequest& request_;
  const ScanKernels& kernels_;
  const Group& group_;
  std::size_t packed_size_, block_rows_;
  std::vector<Best> best_;
  std::vector<float> table_, scores_, gathered_, gathered_norms_;
  std::vector<std::uint32_t> positions_;
};

void merge(std::vector<GroupScan>& scans, std::size_t result, std::size_t k, std::int64_t* rows, float* scores) {
  std::vector<Hit>& all = scans[0].hits(result);
  for (std::size_t t = 1; t < scans.size(); ++t) all.insert(all.end(), scans[t].hits(result).begin(), scans[t].hits(result).end());
  std::sort(all.begin(), all.end(), better);
  for (std::size_t i = 0; i < k; ++i) {
    rows[i] = i < all.size() ? static_cast<std::int64_t>(all[i].row) : -1;
    scores[i] = i < all.size() ? all[i].score : 0.0f;
  }
}

// Packs the queries of the results from `first` on, as many results as go together.
class Groups {
 public:
  Groups(const ScanRequest& request, const ScanKernels& kernels, std::size_t packed_size, std::size_t block_rows)
      : request_(request), kernels_(kernels), packed_size_(packed_size),
        n_queries_(std::max(kTogether, kGroupFloats / packed_size / kTogether * kTogether)) {
    if (request.score == ScanScore::cosine) return;
    n_queries_ = std::max<std::size_t>(3, std::min(n_queries_, kTableFloats / block_rows));
    place_.assign(request.n_queries, kNowhere);
  }

  void fill(Group& group, std::size_t first) {
    group.first = first, group.n_results = group.n_queries = 0;
    group.packed.clear(), group.triples.clear();
    for (std::size_t r = first; r < request_.n_results; ++r) {
      if (request_.score == ScanScore::cosine) {
        if (group.n_queries == n_queries_) break;
        add(group, r);
      } else {
        if (group.n_queries + 3 > n_queries_ || group.n_results == kGroupResults) break;
        for (std::size_t i = 3 * r; i < 3 * r + 3; ++i) {
          std::uint32_t& place = place_[request_.triples[i]];
          if (place == kNowhere) {
            place = static_cast<std::uint32_t>(group.n_queries);
            named_.push_back(request_.triples[i]);
            add(group, request_.triples[i]);
          }
          group.triples.push_back(place);
        }
      }
      ++group.n_results;
    }
    for (const std::uint32_t query : named_) place_[query] = kNowhere;
    named_.clear();
  }

 private:
  static constexpr std::uint32_t kNowhere = UINT32_MAX;

  void add(Group& group, std::size_t query) {
    group.packed.resize(++group.n_queries * packed_size_);
    float* packed = group.packed.data() + (group.n_queries - 1) * packed_size_;
    kernels_.pack(request_.queries + query * request_.dim, request_.dim, packed);
  }

  const ScanRequest& request_;
  const ScanKernels& kernels_;
  std::size_t packed_size_, n_queries_;
  std::vector<std::uint32_t> place_, named_;  // where in the group a query is; those that are in it
};

}  // namespace

void scan(const ScanRequest& request, std::int64_t* rows, float* scores) {
  const ScanKernels& kernels = scan_kernels();
  const std::size_t n_candidates = request.among ? request.n_among : request.n_rows;
  const std::size_t block_rows = std::clamp<std::size_t>(kBlockFloats / request.dim / 16 * 16, 16, 1024);
  const std::size_t n_blocks = (n_candidates + block_rows - 1) / block_rows;
  const std::size_t packed_size = kernels.packed_size(request.dim);
  Groups groups(request, kernels, packed_size, block_rows);
  Group group;
  for (std::size_t first = 0; first < request.n_results; first += group.n_results) {
    groups.fill(group, first);
    const std::size_t work = n_candidates * (request.dim * group.n_queries + group.n_results);
    const std::size_t n_threads = std::min(thread_count(request.n_threads, work), std::max<std::size_t>(n_blocks, 1));
    std::vector<GroupScan> scans;
    scans.reserve(n_threads);
    for (std::size_t t = 0; t < n_threads; ++t) scans.emplace_back(request, kernels, group, packed_size, block_rows);
    std::atomic<std::size_t> next{0};
    run_threads(n_threads, [&](std::size_t t) {
      for (std::size_t b = next++; b < n_blocks; b = next++)
        scans[t].block(b * block_rows, std::min((b + 1) * block_rows, n_candidates));
    });
    for (std::size_t i = 0; i < group.n_results; ++i)
      merge(scans, i, request.k, rows + (first + i) * request.k, scores + (first + i) * request.k);
  }
}

void inverse_norms(const float* matrix, std::size_t n_rows, std::size_t dim, float* out, std::size_t n_threads) {
  const ScanKernels& kernels = scan_kernels();
  const std::size_t n = thread_count(n_threads, n_rows * dim);
  run_threads(n, [&](std::size_t t) {
    const std::size_t begin = n_rows * t / n, end = n_rows * (t + 1) / n;
    kernels.squares(matrix + begin * dim, end - begin, dim, out + begin);
    for (std::size_t r = begin; r < end; ++r) {
      double square = out[r];
      if (!(out[r] > kLeastSquare && out[r] <= std::numeric_limits<float>::max())) {
        square = 0;  // float32 has no such square, or few bits of it
        for (std::size_t c = 0; c < dim; ++c) square += static_cast<double>(matrix[r * dim + c]) * matrix[r * dim + c];
      }
      const double inverse = 1 / std::sqrt(square);
      // Below the normal numbers 1 / |row| has no place in float32, above them |row| has none.
      const bool has_length = square > 0 && inverse <= std::numeric_limits<float>::max() && std::sqrt(square) <= std::numeric_limits<float>::max();
      out[r] = has_length ? static_cast<float>(inverse) : 0.0f;
    }
  });
}

std::int64_t first_row_not_finite(const float* matrix, std::size_t n_rows, std::size_t dim, std::size_t n_threads) {
  const std::size_t n = thread_count(n_threads, n_rows * dim);
  std::vector<std::int64_t> found(n, -1);
  run_threads(n, [&](std::size_t t) {
    for (std::size_t r = n_rows * t / n; r < n_rows * (t + 1) / n; ++r) {
      // An exponent of all ones is a NaN or an infinity; counting them keeps it to one branch a row.
      std::uint32_t n_bad = 0;
      for (std::size_t c = 0; c < dim; ++c) {
        std::uint32_t bits;
        std::memcpy(&bits, matrix + r * dim + c, sizeof bits);
        n_bad += (bits & 0x7f800000u) == 0x7f800000u;
      }
      if (n_bad > 0) {
        found[t] = static_cast<std::int64_t>(r);
        return;
      }
    }
  });
  for (const std::int64_t row : found)
    if (row >= 0) return row;
  return -1;
}

}  // namespace qianru
