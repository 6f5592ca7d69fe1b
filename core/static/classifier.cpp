#include "static/classifier.h"

#include "static/classifier_kernel.h"
#include "static/hot_rows.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace qianru {

namespace {

// Lines a thread takes at a time.
constexpr std::size_t kChunk = 32;
// Each of two threads has copies of the most frequent words' rows and of the outputs, which both of them write at every line. The
// outputs' steps depend on one another most and are merged after each chunk, the words' after some: after 16, accuracy was half a
// point lower. More threads have none: with sixteen, whose gains added up too far, half the accuracy was lost.
constexpr std::size_t kHotRows = 1024, kHotOutputs = 64, kMergeChunks = 4;

constexpr std::uint64_t kInitStream = 11, kOrderStream = 12, kLabelStream = 13;
std::uint64_t stream_key(std::uint64_t seed, std::uint64_t stream) { return mix64(mix64(seed + 0x632BE59BD9B4E019u) + stream); }

double log_sigmoid(double score) { return score > 0 ? -std::log1p(std::exp(-score)) : score - std::log1p(std::exp(score)); }

}  // namespace

struct ClassifierTrainer::Worker {
  Worker(Matrix& input_rows, std::size_t n_hot, Matrix& output_rows, std::size_t first_own_output, std::size_t n_own_outputs)
      : hot_inputs(input_rows, 0, n_hot),
        hot_outputs(output_rows, first_own_output, n_own_outputs),
        hidden(input_rows.dim()),
        gradient(input_rows.dim()),
        scores(output_rows.n_rows()),
        outputs(output_rows.n_rows()) {}

  void merge() {
    hot_inputs.merge();
    hot_outputs.merge();
  }

  HotRows hot_inputs, hot_outputs;

  std::vector<float> hidden, gradient, scores;
  std::vector<float*> outputs;
  // The rows of the line at work and of the next one, which are on their way from memory.
  std::vector<std::uint32_t> ids;
  std::vector<float*> rows[2];
};

ClassifierTrainer::ClassifierTrainer(const ClassifierData& data, const ClassifierOptions& options)
    : data_(data),
      options_(options),
      inputs_(data.n_words() + data.buckets().size(), static_cast<std::size_t>(options.dim)),
      outputs_(data.n_labels(), static_cast<std::size_t>(options.dim)),
      order_(data.n_lines()) {
  if (data.n_labels() < 2) throw std::invalid_argument("a classifier needs at least two labels");
  if (options.dim < 1 || options.threads < 1 || options.epochs < 1)
    throw std::invalid_argument("dim, threads and epochs must be at least 1");
  if (options.loss == ClassifierLoss::hierarchical) {
    std::vector<std::uint64_t> counts(data.n_labels());
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = data.label_count(i);
    paths_ = huffman_paths(counts.data(), counts.size());
  }
  std::iota(order_.begin(), order_.end(), 0u);
  const std::uint64_t key = stream_key(options.seed, kInitStream);
  const std::size_t dim = inputs_.dim();
  for (std::size_t i = 0; i < inputs_.n_rows(); ++i)
    for (std::size_t k = 0; k < dim; ++k) {
      const auto bits = static_cast<float>(random_at(key, i * dim + k) >> 40);  // 24 bits: exact in a float
      inputs_.row(i)[k] = (bits / 8388608.0f - 1.0f) / static_cast<float>(options.dim);
    }
  const bool is_shared = options.threads == 2;
  const std::size_t n_hot = is_shared ? std::min(kHotRows, inputs_.n_rows()) : 0;
  const std::size_t n_own = is_shared ? std::min(kHotOutputs, outputs_.n_rows()) : 0;
  const std::size_t first_own = options.loss == ClassifierLoss::hierarchical ? outputs_.n_rows() - n_own : 0;  // with the root, the last
  for (int i = 0; i < options.threads; ++i)
    workers_.push_back(std::make_unique<Worker>(inputs_, n_hot, outputs_, first_own, n_own));
}

ClassifierTrainer::~ClassifierTrainer() { stop(); }

void ClassifierTrainer::start_epoch() {
  stop();
  ++epoch_;
  const std::uint64_t key = stream_key(options_.seed, kOrderStream) + static_cast<std::uint64_t>(epoch_) * 0x9E3779B97F4A7C15u;
  for (std::size_t i = order_.size(); i > 1; --i) {
    const auto j = below(static_cast<std::uint32_t>(random_at(key, i) >> 32), static_cast<std::uint32_t>(i));
    std::swap(order_[i - 1], order_[j]);
  }
  stop_ = false;
  next_chunk_ = 0;
  n_done_ = 0;
  loss_ = 0;
  n_examples_ = 0;
  n_running_ = options_.threads;
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this, i] { run_worker(*workers_[static_cast<std::size_t>(i)]); });
}

bool ClassifierTrainer::wait(double seconds) {
  {
    std::unique_lock lock(mutex_);
    if (!finished_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return n_running_ == 0; })) return false;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return true;
}

void ClassifierTrainer::stop() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::uint64_t ClassifierTrainer::n_examples() {
  const std::lock_guard lock(mutex_);
  return n_examples_;
}

double ClassifierTrainer::loss() {
  const std::lock_guard lock(mutex_);
  return loss_;
}

void ClassifierTrainer::run_worker(Worker& worker) {
  {
    const std::lock_guard lock(mutex_);
    worker.merge();  // the rows may have been written since the last epoch
  }
  std::size_t n_chunks = 0;
  const std::size_t n = order_.size();
  const double n_steps = static_cast<double>(n) * options_.epochs;
  while (!stop_.load(std::memory_order_relaxed)) {
    const std::size_t begin = next_chunk_.fetch_add(1) * kChunk;
    if (begin >= n) break;
    const std::size_t end = std::min(begin + kChunk, n);
    double chunk_loss = 0;
    std::uint64_t n_examples = 0;
    gather(worker, order_[begin], 0);
    for (std::size_t i = begin; i < end; ++i) {
      const int slot = static_cast<int>((i - begin) % 2);
      if (i + 1 < end) gather(worker, order_[i + 1], 1 - slot);
      const double position = static_cast<double>(n) * epoch_ + static_cast<double>(i);
      const auto rate = static_cast<float>(options_.learning_rate * (1.0 - position / n_steps));
      if (worker.rows[slot].empty() || data_.labels_begin(order_[i]) == data_.labels_end(order_[i])) continue;
      chunk_loss += train_line(worker, order_[i], slot, rate);
      ++n_examples;
    }
    {
      const std::lock_guard lock(mutex_);
      if (++n_chunks % kMergeChunks == 0) worker.hot_inputs.merge();
      worker.hot_outputs.merge();
      loss_ += chunk_loss;
      n_examples_ += n_examples;
    }
    if (!std::isfinite(chunk_loss)) diverged_ = stop_ = true;
    n_done_.fetch_add(end - begin, std::memory_order_relaxed);
  }
  const std::lock_guard lock(mutex_);
  worker.merge();
  if (--n_running_ == 0) finished_.notify_all();
}

void ClassifierTrainer::gather(Worker& worker, std::size_t line, int slot) {
  worker.ids.clear();
  data_.append_rows(line, worker.ids);
  std::vector<float*>& rows = worker.rows[slot];
  rows.clear();
  for (std::uint32_t id : worker.ids) {
    float* const row = worker.hot_inputs.row(id);
    // Not with the right to write: that would take the row from the other thread long before it is written here.
    for (std::size_t k = 0; k < inputs_.dim(); k += 16) __builtin_prefetch(row + k, 0, 2);
    rows.push_back(row);
  }
}

double ClassifierTrainer::train_line(Worker& worker, std::size_t line, int slot, float rate) {
  const ClassifierKernels& kernels = classifier_kernels();
  const std::vector<float*>& rows = worker.rows[slot];
  const std::size_t dim = inputs_.dim();
  const float share = 1.0f / static_cast<float>(rows.size());
  kernels.sum(rows.data(), rows.size(), dim, share, worker.hidden.data());

  const std::uint32_t *labels = data_.labels_begin(line), *labels_end = data_.labels_end(line);
  std::uint32_t label = *labels;
  if (options_.loss != ClassifierLoss::one_vs_all && labels_end - labels > 1) {
    const std::uint64_t bits = random_at(stream_key(options_.seed, kLabelStream) + static_cast<std::uint64_t>(epoch_), line);
    label = labels[below(static_cast<std::uint32_t>(bits >> 32), static_cast<std::uint32_t>(labels_end - labels))];
  }
  std::size_t n = outputs_.n_rows();
  const float* signs = nullptr;
  if (options_.loss == ClassifierLoss::hierarchical) {
    const std::uint64_t begin = paths_.offsets[label];
    n = paths_.offsets[label + 1] - begin;
    signs = paths_.signs.data() + begin;
    for (std::size_t j = 0; j < n; ++j) worker.outputs[j] = worker.hot_outputs.row(paths_.nodes[begin + j]);
  } else {
    for (std::size_t j = 0; j < n; ++j) worker.outputs[j] = worker.hot_outputs.row(j);
  }
  float* const scores = worker.scores.data();
  kernels.dots(worker.outputs.data(), n, dim, worker.hidden.data(), scores);

  double loss = 0;
  if (options_.loss == ClassifierLoss::softmax) {
    const float top = *std::max_element(scores, scores + n);
    const float wanted = scores[label] - top;
    double total = 0;
    for (std::size_t j = 0; j < n; ++j) total += scores[j] = std::exp(scores[j] - top);
    loss = std::log(total) - static_cast<double>(wanted);
    const auto scale = static_cast<float>(-1.0 / total);
    for (std::size_t j = 0; j < n; ++j) scores[j] = rate * (scores[j] * scale + (j == label ? 1.0f : 0.0f));
  } else {
    for (std::size_t j = 0; j < n; ++j) {
      const bool positive = signs ? signs[j] > 0 : std::find(labels, labels_end, j) != labels_end;
      loss -= log_sigmoid(static_cast<double>(positive ? scores[j] : -scores[j]));
      scores[j] = rate * ((positive ? 1.0f : 0.0f) - 1.0f / (1.0f + std::exp(-scores[j])));
    }
  }
  kernels.update(worker.outputs.data(), n, dim, worker.hidden.data(), scores, share, worker.gradient.data());
  kernels.add(rows.data(), rows.size(), dim, worker.gradient.data());
  return loss;
}

}  // namespace qianru
