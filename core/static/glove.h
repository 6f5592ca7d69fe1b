// GloVe over a sparse matrix of co-occurrences: the order of work, threads and the state. The arithmetic is in glove_kernel.h.
#pragma once

#include "base/matrix.h"
#include "static/glove_kernel.h"

#include <atomic>
#include <barrier>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace qianru {

struct GloveOptions {
  int dim = 100;
  double x_max = 10;
  double alpha = 0.75;
  double learning_rate = 0.05;
  int threads = 1;
  std::uint64_t seed = 1;
};

// A matrix by rows, columns rising in each; symmetric: its upper triangle with the diagonal.
struct SparseRows {
  const std::uint64_t* offsets;  // [n_keys + 1]
  const std::uint32_t* columns;
  const float* values;  // above 0
  std::size_t n_keys;
  bool symmetric;
};

// One epoch at a time: start_epoch(), then wait() until it says true.
//
// The words are dealt to blocks in turn, like cards, and the entries to tiles, one for each pair of blocks, so that what a tile touches
// lies in a cache. Dealt so, each block has words of every frequency and each tile is a sample of the whole matrix:
// a word meets few others at a time, and an epoch is near to one over shuffled entries. (With blocks of
// neighbouring ranks a frequent word met hundreds of its like in a row, and analogies were worse.) An epoch is a tournament in which
// every block meets every other: in each round all pairs are disjoint, so threads share nothing, and the result is the same at any
// number of threads. Who meets whom in which round is drawn anew; the entries of a tile were shuffled once.
//
// Of a symmetric matrix one triangle is kept, and an epoch has two tournaments, for X and for its transpose. (Both at once, or tile after
// tile: w and w~ then had the same noise, their sum lost less of it, and analogies were worse by two points.)
class GloveTrainer {
 public:
  // `counts` is copied into tiles and may go. Throws std::invalid_argument.
  GloveTrainer(const SparseRows& counts, const GloveOptions& options);
  ~GloveTrainer();

  void start_epoch();
  bool wait(double seconds);  // true once all threads of the epoch have stopped
  void stop();                // asks the threads to end and waits for them

  std::uint64_t n_entries() const { return n_entries_; }  // of the whole matrix: both triangles
  std::uint64_t n_done() const { return n_done_.load(std::memory_order_relaxed); }  // of the running or last epoch
  double loss() const;  // of the last epoch, once it has ended: sum of f d^2 / 2
  bool diverged() const { return diverged_.load(std::memory_order_relaxed); }  // a loss was not finite; the epoch ended early

  // Row `part` of a word's state: 0 w, 1 G, 2 w~, 3 G~; dim numbers and the two of the biases.
  float* state(std::size_t word, std::size_t part) { return state_.row((block_of(word) * block_ + place_of(word)) * 4 + part); }
  std::size_t n_keys() const { return n_keys_; }
  const GloveOptions& options() const { return options_; }
  int epoch() const { return epoch_; }        // epochs started
  void set_epoch(int epoch) { epoch_ = epoch; }  // to go on where another trainer stopped

 private:
  struct Pair {
    std::uint32_t first, second;  // blocks
  };
  void build_tiles(const SparseRows& counts);
  void build_block(const SparseRows& counts, std::size_t block);
  void init_state();
  void run_worker();
  void start_half(bool transposed) noexcept;
  void next_round() noexcept;
  void train_pair(const Pair& pair);
  std::size_t block_of(std::size_t word) const { return word % n_blocks_; }
  std::size_t place_of(std::size_t word) const { return word / n_blocks_; }  // in its block
  std::size_t tile(std::size_t row_block, std::size_t column_block) const { return row_block * n_blocks_ + column_block; }
  double train_tile(std::size_t row_block, std::size_t column_block);

  std::size_t n_keys_;
  GloveOptions options_;
  bool symmetric_;
  std::size_t n_blocks_, block_;  // block_: words in a block; some have one less
  int n_floats_ = 0;
  Matrix state_;
  std::unique_ptr<GloveEntry[]> entries_;
  std::vector<std::uint64_t> tile_starts_;  // [n_blocks^2 + 1]
  std::uint64_t n_entries_ = 0;
  std::vector<double> losses_;  // of each tile, added in order at the end

  // The tournament.
  std::vector<std::uint32_t> seats_;
  std::vector<Pair> pairs_;
  std::size_t round_ = 0, n_rounds_ = 0;
  bool transposed_ = false;  // which half of the epoch it is
  struct NextRound {
    GloveTrainer* trainer;
    void operator()() noexcept { trainer->next_round(); }
  };
  std::unique_ptr<std::barrier<NextRound>> barrier_;
  std::atomic<std::size_t> next_pair_{0};
  std::atomic<std::uint64_t> n_done_{0};
  std::atomic<bool> stop_{false}, diverged_{false};
  int epoch_ = 0;
  std::vector<std::thread> threads_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable finished_;
  int n_running_ = 0;
};

}  // namespace qianru
