// word2vec over a stream of ids: threads, sampling and the order of work. The arithmetic is in word2vec_kernel.h.
#pragma once

#include "base/matrix.h"
#include "static/sampling.h"
#include "static/word2vec_kernel.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace qianru {

struct Word2vecOptions {
  int dim = 100;
  int window = 5;    // most words to each side; each centre word draws its own between 1 and this
  int negative = 5;  // 0: hierarchical softmax
  bool cbow = false;
  bool mean_gradient = false;  // CBOW: the true gradient of the mean, not word2vec.c's
  double sample = 1e-4;
  double learning_rate = 0.025;
  double min_learning_rate = 1e-4;
  int epochs = 5;  // the learning rate falls linearly over all of them
  int threads = 1;
  std::uint64_t seed = 1;
  double negative_power = 0.75;  // negatives are drawn from count to this power
  double start_range = 0.5;      // input rows start between -start_range / dim and start_range / dim
};

// Rows that words share, for fastText (Bojanowski et al. 2017, arXiv:1607.04606): the input vector of word i is the mean of its own
// row and of rows n_keys + rows[offsets[i]] to n_keys + rows[offsets[i + 1] - 1]. Without offsets there are none.
struct SharedRows {
  const std::uint64_t* offsets = nullptr;
  const std::uint32_t* rows = nullptr;
  std::size_t n_rows = 0;
};

// One epoch at a time: start_epoch(), then wait() until it says true. Chunks of the stream are handed to the threads in an order
// drawn anew for each epoch; it, what is drawn at a token and the learning rate there are functions of (seed, epoch, position), so
// one thread always gives the same bits. Several threads share the matrices without locks (Hogwild, Recht et al. 2011).
class Word2vecTrainer {
 public:
  static constexpr std::uint32_t kLineEnd = 0xFFFFFFFFu;

  // `ids` (n_positions) and the lists of `shared` must outlive the trainer; each id is below n_keys or kLineEnd, which no window crosses. `counts` fall.
  // Throws std::invalid_argument.
  Word2vecTrainer(const std::uint32_t* ids, std::size_t n_positions, const std::uint64_t* counts, std::size_t n_keys,
                  const Word2vecOptions& options, const SharedRows& shared = {});
  ~Word2vecTrainer();

  // Before the first epoch: as if so many had been trained, whose matrices the caller then writes.
  void skip_epochs(int n);
  // For each word, the share of its update that its input row takes: 0 leaves the row as it is, 1 (the default) moves it in full.
  // Rows below 1 are trained as copies, so that words of an old model can stand still, or move less, while new ones learn.
  void set_input_shares(const float* shares);

  void start_epoch();
  bool wait(double seconds);  // true once all threads of the epoch have stopped
  void stop();                // asks the threads to end and waits for them

  // Of the running or last epoch.
  std::size_t n_positions_done() const { return n_done_.load(std::memory_order_relaxed); }
  std::uint64_t n_kept();     // centre words trained on
  std::uint64_t n_pairs();
  double loss();              // sum over pairs
  bool diverged() const { return diverged_.load(std::memory_order_relaxed); }  // a loss was not finite; the epoch ended early

  void release_outputs();  // after the last epoch: makes room for a copy of the vectors
  float* vectors(std::size_t i) { return inputs_.row(i); }  // the words' rows, then the shared ones
  std::size_t n_inputs() const { return inputs_.n_rows(); }
  float* outputs(std::size_t i) { return outputs_.row(i); }  // of words, or of the inner nodes of the Huffman tree
  std::size_t n_outputs() const { return released_ ? 0 : outputs_.n_rows(); }
  std::size_t n_keys() const { return n_keys_; }
  const Word2vecOptions& options() const { return options_; }

 private:
  struct Worker;
  void run_worker();
  void shuffle_chunks();
  void train_chunk(Worker& worker, std::size_t begin, std::size_t end);
  void prepare(Worker& worker, std::size_t i);
  float rate_at(std::size_t place) const;
  void lend_copies(Worker& worker, float** inputs, std::size_t n_inputs) const;
  bool lay_window(Worker& worker, int number, std::size_t i);
  void take_shares(Worker& worker) const;
  void draw(Worker& worker, std::size_t i);
  std::size_t parts_of(Worker& worker, std::uint32_t word);
  void enter(Worker& worker, std::size_t i);
  void leave(Worker& worker, std::size_t i);
  void step(Worker& worker, std::size_t i, int& waiting);
  void finish(Worker& worker, int number);
  float* ring_row(Worker& worker, std::size_t i);

  const std::uint32_t* ids_;
  std::size_t n_positions_, n_keys_;
  Word2vecOptions options_;
  SharedRows shared_;
  std::vector<std::uint32_t> keep_;
  std::unique_ptr<AliasTable> negatives_;
  HuffmanPaths paths_;
  Matrix inputs_, outputs_;
  int n_floats_;  // of a row that the kernels walk
  std::uint64_t token_key_, negative_key_;
  std::vector<std::uint32_t> order_;  // of the chunks in the running epoch
  std::vector<float> input_shares_;  // empty: all 1

  std::vector<std::thread> threads_;
  std::atomic<std::size_t> next_chunk_{0}, n_done_{0};
  std::atomic<bool> stop_{false}, diverged_{false};
  int epoch_ = -1;
  bool released_ = false;
  double epoch_rate_ = 0, rate_slope_ = 0;  // learning rate at the start of the epoch, change per position
  std::mutex merge_mutex_;  // of the threads' copies of hot rows into the matrices
  std::mutex mutex_;  // guards what follows
  std::condition_variable finished_;
  int n_running_ = 0;
  double loss_ = 0;
  std::uint64_t n_pairs_ = 0, n_kept_ = 0;
};

}  // namespace qianru
