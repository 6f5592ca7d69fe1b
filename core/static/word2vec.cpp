#include "static/word2vec.h"

#include "static/classifier_kernel.h"
#include "static/hot_rows.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace qianru {

namespace {

// Positions of the stream a thread takes at a time: small enough that threads end together, large enough that the windows cut at
// its ends are few.
constexpr std::size_t kChunk = 8192;
// Windows whose rows are fetched ahead of the one being trained.
constexpr std::size_t kAhead = 2, kDrawAhead = 5;
constexpr std::size_t kSlots = 8;
static_assert((kSlots & (kSlots - 1)) == 0 && kSlots > kDrawAhead && kDrawAhead > kAhead);

// Words drawn against one centre word are drawn against three more, kDrawApart kept words on from one another: their rows, scattered
// over all the memory, are then still in a near cache. At that distance the windows have nothing to do with each other. With
// neighbouring windows sharing their draws (tried: 2, 4 and 8 of them) the vectors got worse.
constexpr std::size_t kDrawUses = 4, kDrawApart = 32;
constexpr bool draws_anew(std::size_t i) { return i % (kDrawUses * kDrawApart) < kDrawApart; }  // the i-th kept word of a chunk

// Rows of each matrix of which each of two threads has copies of its own, merged after each chunk: few enough to stay in a
// second-level cache. More threads have none. Their gains add up, and where all have come to where a row wants to be, their sum goes too
// far: sixteen that merged after chunks diverged on Wikipedia; merged sooner the more threads there are, they were 1.4 times as fast as
// without copies and as good there, but diverged on a text of few words, all of them hot.
constexpr std::size_t kHotRows = 512;

// Keys of the independent streams of random numbers.
constexpr std::uint64_t kTokenStream = 1, kNegativeStream = 2, kInitStream = 3, kOrderStream = 4;
std::uint64_t stream_key(std::uint64_t seed, std::uint64_t stream) { return mix64(mix64(seed + 0x632BE59BD9B4E019u) + stream); }

std::size_t outputs_of(const Word2vecOptions& options, std::size_t n_keys) {
  return options.negative > 0 ? n_keys : n_keys - 1;
}

}  // namespace

double LossSum::total() {
  for (double& p : product) {
    log_products += std::log(p);
    p = 1;
  }
  n_products = 0;
  double sum = log_products;
  for (const double x : linear) sum += x;
  return sum;
}

struct Word2vecTrainer::Worker {
  struct Slot {
    std::size_t low, high;  // the window's kept words, the centre among them
    std::vector<std::uint64_t> draws;  // random bits, one for each negative
    std::vector<float*> outputs;
    std::size_t n_outputs;
    const float* signs;  // hierarchical softmax: the path's
  };

  Worker(const Word2vecOptions& options, std::size_t longest_path, int n_floats, Matrix& input_rows, Matrix& output_rows,
         std::size_t n_hot, bool has_shared)
      : hot_inputs(input_rows, 0, has_shared ? 0 : std::min(n_hot, input_rows.n_rows())),
        // The words are sorted by count, the inner nodes of the Huffman tree end with the root.
        hot_outputs(output_rows, options.negative > 0 ? 0 : output_rows.n_rows() - std::min(n_hot, output_rows.n_rows()),
                    std::min(n_hot, output_rows.n_rows())) {
    const std::size_t n_outputs = options.negative > 0 ? static_cast<std::size_t>(options.negative) + 1 : longest_path;
    const std::size_t n_inputs = 2 * static_cast<std::size_t>(options.window);
    const std::size_t n_pairs = (n_inputs * n_outputs + 15) / 16 * 16;
    for (Slot& slot : slots) {
      slot.outputs.resize(n_outputs);
      slot.draws.resize(static_cast<std::size_t>(options.negative));
    }
    for (std::vector<float*>& rows : drawn) rows.reserve(static_cast<std::size_t>(options.negative));
    for (Frame& frame : frames) {
      frame.inputs.resize(n_inputs);
      frame.scores.resize(n_pairs + 16);
      if (options.negative == 0) frame.signs.assign(n_pairs, 1.0f);
    }
    hidden.resize(2 * static_cast<std::size_t>(n_floats));
    if (options.negative > 0) {
      patterns.resize(n_outputs + 1);
      for (std::size_t n = 1; n <= n_outputs; ++n) {
        patterns[n].assign(n_pairs, 1.0f);
        for (std::size_t i = 0; i < n_pairs; i += n) patterns[n][i] = -1.0f;
      }
    }
    if (has_shared) {
      ring_mask = std::bit_ceil(n_inputs + 2) - 1;
      ring.resize((ring_mask + 1) * static_cast<std::size_t>(n_floats));
      before.resize(ring.size());
    }
    ids.reserve(kChunk);
    positions.reserve(kChunk);
    line_begin.reserve(kChunk);
    line_end.reserve(kChunk);
  }

  // A window ready to be trained, with the buffers it points to. Two, because the scores of one are taken before the other's step.
  struct Frame {
    std::vector<float*> inputs;
    std::vector<float> scores, signs;
    Window window;
    float rate;
  };

  Slot slots[kSlots];
  std::vector<float*> drawn[kDrawApart];  // the distinct rows drawn at the last kept words that drew
  Frame frames[2];
  std::vector<float*> coming;  // rows that the windows prepared since the last step need
  HotRows hot_inputs, hot_outputs;
  // With shared rows: the input vectors of the words within reach, made when a word comes within reach; when it is out of reach,
  // each of its rows takes what the vector gained. So the rows are gathered and scattered once a token and not once a window.
  std::vector<float> ring, before;  // [ring_mask + 1, n_floats]: the vectors, and as they were made
  std::size_t ring_mask = 0;
  std::vector<float*> parts;
  struct Lent {
    float *row, *copy;
    float share;
  };
  std::vector<Lent> lent;     // input rows that move by a share only, and the copies trained in their place
  std::vector<float> copies;  // room for a window of them
  std::vector<float> hidden;
  std::vector<std::vector<float>> patterns;  // negative sampling: the signs for each number of outputs
  LossSum loss;
  std::uint64_t position_key = 0;  // counter of the chunk's epoch at position 0
  std::size_t rate_shift = 0;      // from a position to its place in the epoch's order, modulo 2^64
  // The kept words of the chunk and the borders of their lines.
  std::vector<std::uint32_t> ids;
  std::vector<std::size_t> positions;
  std::vector<std::uint32_t> line_begin, line_end;
};

Word2vecTrainer::Word2vecTrainer(const std::uint32_t* ids, std::size_t n_positions, const std::uint64_t* counts,
                                 std::size_t n_keys, const Word2vecOptions& options, const SharedRows& shared)
    : ids_(ids),
      n_positions_(n_positions),
      n_keys_(n_keys),
      options_(options),
      shared_(shared),
      keep_(keep_thresholds(counts, n_keys, options.sample)),
      inputs_(n_keys + shared.n_rows, static_cast<std::size_t>(options.dim)),
      outputs_(n_keys < 2 ? 0 : outputs_of(options, n_keys), static_cast<std::size_t>(options.dim)),
      token_key_(stream_key(options.seed, kTokenStream)),
      negative_key_(stream_key(options.seed, kNegativeStream)) {
  const int width = word2vec_kernels().width;
  n_floats_ = (options.dim + width - 1) / width * width;
  if (n_keys < 2) throw std::invalid_argument("word2vec needs at least two words");
  if (options.dim < 1 || options.window < 1 || options.negative < 0 || options.threads < 1 || options.epochs < 1)
    throw std::invalid_argument("dim, window, threads and epochs must be at least 1, negative at least 0");
  if (options.negative > 0)
    negatives_ = std::make_unique<AliasTable>(counts, n_keys, options.negative_power);
  else
    paths_ = huffman_paths(counts, n_keys);
  const std::uint64_t key = stream_key(options.seed, kInitStream);
  const auto dim = static_cast<std::size_t>(options.dim);
  const auto spread = static_cast<float>(2.0 * options.start_range);
  for (std::size_t i = 0; i < inputs_.n_rows(); ++i) {
    float* row = inputs_.row(i);
    for (std::size_t k = 0; k < dim; ++k) {
      const auto bits = static_cast<float>(random_at(key, i * dim + k) >> 40);  // 24 bits: exact in a float
      row[k] = (bits / 16777216.0f - 0.5f) * spread / static_cast<float>(options.dim);
    }
  }
}

Word2vecTrainer::~Word2vecTrainer() { stop(); }

void Word2vecTrainer::release_outputs() {
  stop();
  outputs_.release();
  released_ = true;
}

void Word2vecTrainer::skip_epochs(int n) {
  if (epoch_ >= 0) throw std::logic_error("epochs can be skipped only before the first one");
  if (n < 0 || n >= options_.epochs) throw std::invalid_argument("n must be from 0 to below epochs");
  epoch_ = n - 1;
}

void Word2vecTrainer::set_input_shares(const float* shares) {
  stop();
  input_shares_.assign(shares, shares + n_keys_);
  if (std::all_of(shares, shares + n_keys_, [](float share) { return share == 1.0f; })) input_shares_.clear();
}

// A corpus often has its texts sorted, and vectors trained through one genre after the other remember the last one best. The chunk
// at the end, which may be a short one, stays there, so that the learning rate still falls by equal steps to its floor.
void Word2vecTrainer::shuffle_chunks() {
  order_.resize((n_positions_ + kChunk - 1) / kChunk);
  std::iota(order_.begin(), order_.end(), 0u);
  const std::uint64_t key = mix64(stream_key(options_.seed, kOrderStream) + static_cast<std::uint64_t>(epoch_));
  for (std::size_t i = order_.size(); i > 2; --i) {
    const std::size_t last = i - 2;
    std::swap(order_[last], order_[below(static_cast<std::uint32_t>(random_at(key, last) >> 32), static_cast<std::uint32_t>(last + 1))]);
  }
}

void Word2vecTrainer::start_epoch() {
  stop();
  if (released_) throw std::logic_error("the output vectors were released, training is over");
  ++epoch_;
  rate_slope_ = (options_.min_learning_rate - options_.learning_rate) / (static_cast<double>(n_positions_) * options_.epochs);
  epoch_rate_ = options_.learning_rate + rate_slope_ * static_cast<double>(n_positions_) * epoch_;
  shuffle_chunks();
  stop_ = false;
  next_chunk_ = 0;
  n_done_ = 0;
  loss_ = 0;
  n_pairs_ = n_kept_ = 0;
  n_running_ = options_.threads;
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run_worker(); });
}

bool Word2vecTrainer::wait(double seconds) {
  {
    std::unique_lock lock(mutex_);
    if (!finished_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return n_running_ == 0; })) return false;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return true;
}

void Word2vecTrainer::stop() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::uint64_t Word2vecTrainer::n_kept() {
  const std::lock_guard lock(mutex_);
  return n_kept_;
}

std::uint64_t Word2vecTrainer::n_pairs() {
  const std::lock_guard lock(mutex_);
  return n_pairs_;
}

double Word2vecTrainer::loss() {
  const std::lock_guard lock(mutex_);
  return loss_;
}

float Word2vecTrainer::rate_at(std::size_t place) const {
  return static_cast<float>(epoch_rate_ + rate_slope_ * static_cast<double>(place));
}

void Word2vecTrainer::run_worker() {
  const std::size_t n_hot = options_.threads == 2 && input_shares_.empty() ? kHotRows : 0;
  Worker worker(options_, paths_.longest, n_floats_, inputs_, outputs_, n_hot, shared_.offsets != nullptr);
  auto merge = [&] {
    const std::lock_guard lock(merge_mutex_);
    worker.hot_inputs.merge();
    worker.hot_outputs.merge();
  };
  worker.position_key = static_cast<std::uint64_t>(n_positions_) * static_cast<std::uint64_t>(epoch_);
  while (!stop_.load(std::memory_order_relaxed)) {
    const std::size_t place = next_chunk_.fetch_add(1);
    if (place >= order_.size()) break;
    const std::size_t begin = order_[place] * kChunk, end = std::min(begin + kChunk, n_positions_);
    worker.rate_shift = place * kChunk - begin;
    train_chunk(worker, begin, end);
    if (n_hot > 0) merge();
    const double chunk_loss = worker.loss.total();
    {
      const std::lock_guard lock(mutex_);
      loss_ += chunk_loss;
      n_pairs_ += worker.loss.n_pairs;
      n_kept_ += worker.ids.size();
    }
    if (!std::isfinite(chunk_loss)) diverged_ = stop_ = true;
    worker.loss = {};
    n_done_.fetch_add(end - begin, std::memory_order_relaxed);
  }
  if (n_hot > 0) merge();
  const std::lock_guard lock(mutex_);
  if (--n_running_ == 0) finished_.notify_all();
}

// Puts copies in the place of the window's input rows that must not take the whole update.
void Word2vecTrainer::lend_copies(Worker& worker, float** inputs, std::size_t n_inputs) const {
  const auto n_floats = static_cast<std::size_t>(n_floats_);
  worker.copies.resize(2 * static_cast<std::size_t>(options_.window) * n_floats);
  worker.lent.clear();
  for (std::size_t j = 0; j < n_inputs; ++j) {
    float* const row = inputs[j];
    const float share = input_shares_[static_cast<std::size_t>(row - inputs_.row(0)) / inputs_.stride()];
    if (share == 1.0f) continue;
    // A word that stands twice in the window has one copy, which takes both updates.
    const auto before = std::find_if(worker.lent.begin(), worker.lent.end(), [&](const Worker::Lent& lent) { return lent.row == row; });
    if (before != worker.lent.end()) {
      inputs[j] = before->copy;
      continue;
    }
    inputs[j] = std::copy_n(row, n_floats, worker.copies.data() + j * n_floats) - n_floats;
    worker.lent.push_back({row, inputs[j], share});
  }
}

void Word2vecTrainer::take_shares(Worker& worker) const {
  for (const Worker::Lent& lent : worker.lent) {
    if (lent.share == 0.0f) continue;
    for (int k = 0; k < n_floats_; ++k) lent.row[k] += lent.share * (lent.copy[k] - lent.row[k]);
  }
}

// The random bits of the i-th kept word's negatives; the table is asked for the slots they name, well before prepare() reads them.
void Word2vecTrainer::draw(Worker& worker, std::size_t i) {
  if (!draws_anew(i)) return;
  std::vector<std::uint64_t>& draws = worker.slots[i & (kSlots - 1)].draws;
  const std::uint64_t counter = (worker.position_key + worker.positions[i]) * draws.size();
  for (std::uint64_t j = 0; j < draws.size(); ++j) negatives_->prefetch(draws[j] = random_at(negative_key_, counter + j));
}

// Draws the window of the chunk's i-th kept word and notes the rows to ask for: the words drawn some windows ago are still near.
void Word2vecTrainer::prepare(Worker& worker, std::size_t i) {
  Worker::Slot& slot = worker.slots[i & (kSlots - 1)];
  const std::uint64_t counter = worker.position_key + worker.positions[i];
  const auto bits = static_cast<std::uint32_t>(random_at(token_key_, counter));
  const auto window = static_cast<std::size_t>(options_.window) - below(bits, static_cast<std::uint32_t>(options_.window));
  slot.low = i - std::min<std::size_t>(window, i - worker.line_begin[i]);
  slot.high = std::min<std::size_t>(i + window + 1, worker.line_end[i]);
  const std::uint32_t centre = worker.ids[i];
  slot.n_outputs = 0;
  if (options_.negative > 0) {
    std::vector<float*>& drawn = worker.drawn[i % kDrawApart];
    if (draws_anew(i)) {
      drawn.clear();
      for (const std::uint64_t draw_bits : slot.draws) {
        float* const row = worker.hot_outputs.row(negatives_->draw(draw_bits));
        if (std::find(drawn.begin(), drawn.end(), row) == drawn.end()) drawn.push_back(row);  // a word drawn twice counts once
      }
    }
    float* const own = worker.hot_outputs.row(centre);
    slot.outputs[slot.n_outputs++] = own;
    for (float* const row : drawn) {
      slot.outputs[slot.n_outputs] = row;
      slot.n_outputs += row != own;  // the centre word is no negative
    }
  } else {
    const std::uint64_t begin = paths_.offsets[centre];
    slot.signs = paths_.signs.data() + begin;
    for (std::uint64_t j = begin; j < paths_.offsets[centre + 1]; ++j)
      slot.outputs[slot.n_outputs++] = worker.hot_outputs.row(paths_.nodes[j]);
  }
  const bool is_drawn = options_.negative == 0 || draws_anew(i);
  worker.coming.insert(worker.coming.end(), slot.outputs.begin(),
                       slot.outputs.begin() + static_cast<std::ptrdiff_t>(is_drawn ? slot.n_outputs : 1));
  const std::size_t entering = i + static_cast<std::size_t>(options_.window);
  if (entering >= worker.ids.size()) return;
  if (shared_.offsets == nullptr) return worker.coming.push_back(worker.hot_inputs.row(worker.ids[entering]));
  parts_of(worker, worker.ids[entering]);
  worker.coming.insert(worker.coming.end(), worker.parts.begin(), worker.parts.end());
}

void Word2vecTrainer::train_chunk(Worker& worker, std::size_t begin, std::size_t end) {
  worker.ids.clear();
  worker.positions.clear();
  worker.line_begin.clear();
  std::uint32_t line = 0;
  worker.line_end.clear();
  auto close_line = [&] {
    worker.line_end.resize(worker.ids.size(), static_cast<std::uint32_t>(worker.ids.size()));
    line = static_cast<std::uint32_t>(worker.ids.size());
  };
  for (std::size_t position = begin; position < end; ++position) {
    const std::uint32_t id = ids_[position];
    if (id == kLineEnd) {
      close_line();
    } else if (random_at(token_key_, worker.position_key + position) >> 32 <= keep_[id]) {
      worker.ids.push_back(id);
      worker.positions.push_back(position);
      worker.line_begin.push_back(line);
    }
  }
  close_line();

  const std::size_t n = worker.ids.size(), reach = static_cast<std::size_t>(options_.window);
  const bool has_shared = shared_.offsets != nullptr;
  for (std::size_t i = 0; i < std::min(kDrawAhead, n); ++i) draw(worker, i);
  for (std::size_t i = 0; i < std::min(kAhead, n); ++i) prepare(worker, i);
  for (std::size_t i = 0; has_shared && i < std::min(reach, n); ++i) enter(worker, i);
  int waiting = -1;  // the frame whose scores are taken and whose step is still to come
  for (std::size_t i = 0; i < n; ++i) {
    if (i + kDrawAhead < n) draw(worker, i + kDrawAhead);
    if (i + kAhead < n) prepare(worker, i + kAhead);
    if (has_shared && i + reach < n) enter(worker, i + reach);
    step(worker, i, waiting);
    worker.coming.clear();
    // The window before this one has made its step: the word at its far end is needed no more.
    if (has_shared && i > reach) leave(worker, i - reach - 1);
  }
  if (waiting >= 0) finish(worker, waiting);
  for (std::size_t i = n - std::min(n, reach + 1); has_shared && i < n; ++i) leave(worker, i);
}

// Trains on the window of the chunk's i-th kept word; of skip-gram, on the one waiting, while this one is scored and waits.
void Word2vecTrainer::step(Worker& worker, std::size_t i, int& waiting) {
  const Word2vecKernels& kernels = word2vec_kernels();
  const int free = waiting == 0;
  if (!lay_window(worker, free, i)) {
    if (waiting >= 0) finish(worker, waiting);
    waiting = -1;
    return;
  }
  const Worker::Frame& frame = worker.frames[free];
  const Coming coming{worker.coming.data(), static_cast<int>(worker.coming.size())};
  if (options_.cbow) {
    const float scale = options_.mean_gradient ? 1.0f / static_cast<float>(frame.window.n_inputs) : 1.0f;
    kernels.cbow(frame.window, coming, n_floats_, frame.rate, scale, worker.hidden.data(), worker.loss);
  } else if (!input_shares_.empty()) {
    kernels.scores(frame.window, n_floats_);
    finish(worker, free);
  } else {
    if (waiting >= 0) {
      const Worker::Frame& ready = worker.frames[waiting];
      kernels.skipgram(ready.window, &frame.window, coming, n_floats_, ready.rate, worker.loss);
    } else {
      kernels.scores(frame.window, n_floats_);
    }
    waiting = free;
  }
  if (!input_shares_.empty()) take_shares(worker);
}

void Word2vecTrainer::finish(Worker& worker, int number) {
  const Worker::Frame& frame = worker.frames[number];
  word2vec_kernels().skipgram(frame.window, nullptr, {}, n_floats_, frame.rate, worker.loss);
}

float* Word2vecTrainer::ring_row(Worker& worker, std::size_t i) {
  return worker.ring.data() + (i & worker.ring_mask) * static_cast<std::size_t>(n_floats_);
}

// The word's rows, its own first; returns how many.
std::size_t Word2vecTrainer::parts_of(Worker& worker, std::uint32_t word) {
  worker.parts.clear();
  worker.parts.push_back(inputs_.row(word));
  for (std::uint64_t j = shared_.offsets[word]; j < shared_.offsets[word + 1]; ++j)
    worker.parts.push_back(inputs_.row(n_keys_ + shared_.rows[j]));
  return worker.parts.size();
}

// Makes the input vector of the chunk's i-th kept word.
void Word2vecTrainer::enter(Worker& worker, std::size_t i) {
  const auto n_floats = static_cast<std::size_t>(n_floats_);
  const std::size_t n_parts = parts_of(worker, worker.ids[i]), at = (i & worker.ring_mask) * n_floats;
  classifier_kernels().sum(worker.parts.data(), n_parts, n_floats, 1.0f / static_cast<float>(n_parts), worker.ring.data() + at);
  std::copy_n(worker.ring.data() + at, n_floats, worker.before.data() + at);
}

// Gives each of the word's rows what the vector gained: then their mean has gained it too.
void Word2vecTrainer::leave(Worker& worker, std::size_t i) {
  const auto n_floats = static_cast<std::size_t>(n_floats_);
  const std::size_t n_parts = parts_of(worker, worker.ids[i]), at = (i & worker.ring_mask) * n_floats;
  float* const before = worker.before.data() + at;
  for (std::size_t k = 0; k < n_floats; ++k) before[k] = worker.ring[at + k] - before[k];
  classifier_kernels().add(worker.parts.data(), n_parts, n_floats, before);
}

// Fills the frame of this number with the window of the chunk's i-th kept word; false if the word stands alone.
bool Word2vecTrainer::lay_window(Worker& worker, int number, std::size_t i) {
  Worker::Frame& frame = worker.frames[number];
  const Worker::Slot& slot = worker.slots[i & (kSlots - 1)];
  std::size_t n_inputs = 0;
  for (std::size_t c = slot.low; c < slot.high; ++c)
    if (c != i) frame.inputs[n_inputs++] = shared_.offsets == nullptr ? worker.hot_inputs.row(worker.ids[c]) : ring_row(worker, c);
  if (n_inputs == 0) return false;
  if (!input_shares_.empty()) lend_copies(worker, frame.inputs.data(), n_inputs);
  if (options_.negative == 0) {
    for (std::size_t c = 0; c < (options_.cbow ? 1 : n_inputs); ++c)
      std::copy_n(slot.signs, slot.n_outputs, frame.signs.begin() + static_cast<std::ptrdiff_t>(c * slot.n_outputs));
  }
  const float* const signs = options_.negative > 0 ? worker.patterns[slot.n_outputs].data() : frame.signs.data();
  frame.window = {frame.inputs.data(), slot.outputs.data(), signs, frame.scores.data(), static_cast<int>(n_inputs),
                  static_cast<int>(slot.n_outputs)};
  frame.rate = rate_at(worker.positions[i] + worker.rate_shift);
  return true;
}

}  // namespace qianru
