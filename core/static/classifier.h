// A linear text classifier (Joulin et al. 2017, arXiv:1607.01759): h is the mean of a line's rows, s_i = w_i . h the score of label
// i. With y_i 1 for the line's labels and p its prediction,
//
//   softmax        p = softmax(s), one label of the line a step;  loss -log p_y
//   one-vs-all     p_i = sigma(s_i) for every label;              loss sum_i -log p_i if y_i else -log(1 - p_i)
//   hierarchical   one-vs-all over the inner nodes on the label's path in a Huffman tree, y = 1 where it turns to the second child
//   step           g_i = rate * (y_i - p_i);  each of the R rows of h += (sum_i g_i w_i) / R;  w_i += g_i h
//
// with all of a step's scores taken before it. The rate falls linearly to 0 over the lines of all epochs.
#pragma once

#include "base/matrix.h"
#include "static/classifier_text.h"
#include "static/sampling.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace qianru {

enum class ClassifierLoss { softmax, one_vs_all, hierarchical };

struct ClassifierOptions {
  int dim = 100;
  ClassifierLoss loss = ClassifierLoss::softmax;
  double learning_rate = 0.1;
  int epochs = 5;
  int threads = 1;
  std::uint64_t seed = 1;
};

// One epoch at a time: start_epoch(), then wait() until it says true. Lines come in an order drawn anew for each epoch from the
// seed, so one thread always gives the same bits; several threads share the matrices without locks.
class ClassifierTrainer {
 public:
  // `data`, finished, must outlive the trainer. Throws std::invalid_argument where there are fewer than two labels.
  ClassifierTrainer(const ClassifierData& data, const ClassifierOptions& options);
  ~ClassifierTrainer();

  void start_epoch();
  bool wait(double seconds);  // true once all threads of the epoch have stopped
  void stop();

  std::size_t n_lines_done() const { return n_done_.load(std::memory_order_relaxed); }  // of the running or last epoch
  std::uint64_t n_examples();  // steps taken in it
  double loss();               // their sum
  bool diverged() const { return diverged_.load(std::memory_order_relaxed); }

  Matrix& inputs() { return inputs_; }
  Matrix& outputs() { return outputs_; }

 private:
  struct Worker;
  void run_worker(Worker& worker);
  void gather(Worker& worker, std::size_t line, int slot);
  double train_line(Worker& worker, std::size_t line, int slot, float rate);

  const ClassifierData& data_;
  ClassifierOptions options_;
  Matrix inputs_, outputs_;
  HuffmanPaths paths_;
  std::vector<std::uint32_t> order_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> next_chunk_{0}, n_done_{0};
  std::atomic<bool> stop_{false}, diverged_{false};
  int epoch_ = -1;
  std::mutex mutex_;  // guards what follows
  std::condition_variable finished_;
  int n_running_ = 0;
  double loss_ = 0;
  std::uint64_t n_examples_ = 0;
};

// A trained classifier's scores of new lines. Everything pointed to must outlive it.
struct ClassifierRule {
  SubwordRule subwords;
  int word_ngrams = 1;
  bool pruned = false;  // n-grams of buckets without a row do not count, where otherwise they count as zeros
};

class ClassifierScorer {
 public:
  // word_rows: a row for each word; ngram_rows: for each of `buckets`, or for every bucket where has_all_buckets; outputs: a row
  // for each label. label_counts (falling) make the tree of hierarchical softmax.
  ClassifierScorer(const std::vector<std::string_view>& words, const std::vector<std::uint32_t>& buckets, bool has_all_buckets,
                   const ClassifierRule& rule, ClassifierLoss loss, const std::vector<std::uint64_t>& label_counts,
                   const float* word_rows, const float* ngram_rows, const float* outputs, std::size_t dim);

  std::size_t n_labels() const { return label_counts_.size(); }

  // For each line of the text the scores of all labels, appended to `scores`: log-probabilities for softmax and hierarchical
  // softmax, logits for one-vs-all. n_rows gets the number of rows that the line has; its scores are 0 where that is none.
  void score(std::string_view text, std::vector<float>& scores, std::vector<std::uint32_t>& n_rows) const;

  // The mean of the line's rows, for each line, appended to `means`.
  void embed(std::string_view text, std::vector<float>& means, std::vector<std::uint32_t>& n_rows) const;

 private:
  template <typename Visit>
  void for_lines(std::string_view text, Visit visit) const;
  void append_bucket(std::uint32_t bucket, std::vector<const float*>& rows) const;

  TokenTable words_;
  std::unordered_map<std::uint32_t, std::uint32_t> rows_of_buckets_;
  bool has_all_buckets_;
  ClassifierRule rule_;
  ClassifierLoss loss_;
  std::vector<std::uint64_t> label_counts_;
  HuffmanPaths paths_;
  const float *word_rows_, *ngram_rows_, *outputs_;
  std::size_t dim_;
  std::vector<float> zeros_;
};

}  // namespace qianru
