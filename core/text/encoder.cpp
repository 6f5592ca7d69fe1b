#include "text/encoder.h"

#include <algorithm>
#include <stdexcept>

namespace qianru {

namespace {

// Lower case of eight ASCII bytes at once: adds 0x20 to each byte from 'A' to 'Z'.
std::uint64_t lower_ascii(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101u;
  const std::uint64_t above = bytes + kOnes * (0x80 - 'A');         // high bit set where byte >= 'A'
  const std::uint64_t beyond = bytes + kOnes * (0x80 - ('Z' + 1));  // and where byte > 'Z'
  return bytes | ((above & ~beyond & kOnes * 0x80) >> 2);
}

}  // namespace

void Encoder::scan(std::string_view text, bool starts_in_line, bool ends_in_line) {
  starts_in_line_ = starts_in_line;
  ends_in_line_ = ends_in_line;
  limit_ = text.data() + text.size();
  splitter_.split(text.data(), text.size());
  // The last line of a source need not end in \n.
  const bool unended = !text.empty() && text.back() != '\n';
  if (!ends_in_line && (unended || (text.empty() && starts_in_line))) line_end();
  flush();
}

void Encoder::scan_words(std::string_view text) {
  limit_ = text.data() + text.size();
  for (const char* p = text.data(); p < limit_;) {
    if (*p == '\n') {
      line_end();
      ++p;
      continue;
    }
    const auto* stop = static_cast<const char*>(std::memchr(p, '\0', static_cast<std::size_t>(limit_ - p)));
    if (!stop) throw std::runtime_error("a word without its end");
    const auto n_bytes = static_cast<std::size_t>(stop - p);
    if (n_bytes > kMaxWordBytes) ++n_long_;
    else if (n_bytes > 0) push(make_key(p, n_bytes, limit_)), line_has_words_ = true;
    p = stop + 1;
  }
  flush();
}

void Encoder::word(const char* p, std::size_t n_bytes, bool is_ascii) {
  if (n_bytes > kMaxWordBytes) {
    ++n_long_;
    return;
  }
  line_has_words_ = true;
  if (lowercase_) lowered_word(p, n_bytes, is_ascii);
  else push(make_key(p, n_bytes, limit_));
}

void Encoder::lowered_word(const char* p, std::size_t n_bytes, bool is_ascii) {
  if (is_ascii && n_bytes <= kShort) {
    Key key = make_key(p, n_bytes, limit_);
    key.low = lower_ascii(key.low);
    key.high = lower_ascii(key.high);
    key.hash = hash_short(key.low, key.high);
    push(key);
    return;
  }
  lower_word(p, n_bytes, lowered_);
  push(make_key(lowered_.data(), lowered_.size(), lowered_.data() + lowered_.size()));
  if (lowered_.size() > kShort) flush();  // the key points into lowered_
}

void Encoder::han(const char* p, std::size_t n_bytes, std::size_t n_chars) {
  line_has_words_ = true;
  if (n_chars == 1) {
    push(make_key(p, n_bytes, limit_));
    return;
  }
  const std::size_t n_known = runs_.n_words();
  const std::uint32_t run = runs_.add(make_key(p, n_bytes, limit_));
  if (run == n_known) {
    han_.append(p, n_bytes);
    han_.push_back('\n');
  }
  block_runs_.push_back(run);
  push_mark(kHanRunId);
}

void Encoder::line_end() {
  // The words of a block's first line may stand in the block before.
  if (line_has_words_ || (first_line_ && starts_in_line_)) push_mark(kLineEndId);
  line_has_words_ = first_line_ = false;
  ++n_lines_;
}

void Encoder::flush() {
  const std::size_t n_before = out_->size();
  out_->resize(n_before + n_pending_);
  std::uint32_t* out = out_->data() + n_before;
  for (std::size_t i = 0; i < n_pending_; ++i) out[i] = marks_[i] ? marks_[i] : table_.add(pending_[i]);
  n_pending_ = 0;
}

std::string_view Encoder::take_han(std::size_t n_bytes) {
  han_begin_ = han_end_;
  if (han_begin_ == han_.size()) return {};
  const std::size_t last = std::min(han_begin_ + n_bytes, han_.size() - 1);
  han_end_ = han_.find('\n', last) + 1;
  return std::string_view(han_).substr(han_begin_, han_end_ - 1 - han_begin_);
}

void Encoder::put_lengths(std::span<const std::uint32_t> lengths) {
  out_ = &run_ids_;
  const std::size_t n_before = run_ids_.size();
  limit_ = han_.data() + han_.size();
  const char* p = han_.data() + han_begin_;
  const char* end = han_.data() + han_end_ - 1;
  for (const std::uint32_t n_chars : lengths) {
    const char* q = p;
    bool in_run = true;
    for (std::uint32_t i = 0; i < n_chars && q < end; ++i) {
      in_run = in_run && *q != '\n';
      ++q;
      while (q < end && (static_cast<unsigned char>(*q) & 0xC0) == 0x80) ++q;
    }
    if (n_chars == 1 && !in_run) push_mark(kHanRunId);
    else if (!in_run || q == p) throw std::runtime_error("the dictionary's words do not follow the text");
    else push(make_key(p, static_cast<std::size_t>(q - p), limit_));
    p = q;
  }
  push_mark(kHanRunId);
  flush();
  out_ = &ids_;
  for (std::size_t i = n_before; i < run_ids_.size(); ++i)
    if (i == 0 || run_ids_[i - 1] == kHanRunId) run_begins_.push_back(static_cast<std::uint32_t>(i));
  if (p != end) throw std::runtime_error("the dictionary's words do not cover the text");
}

void Encoder::put_back_han() {
  if (run_begins_.size() != runs_.n_words()) throw std::runtime_error("a Han run has not been cut");
  std::vector<std::uint32_t> merged;
  merged.reserve(ids_.size() + 4 * block_runs_.size());
  const std::uint32_t* run = block_runs_.data();
  for (const std::uint32_t id : ids_) {
    if (id != kHanRunId) {
      merged.push_back(id);
      continue;
    }
    for (const std::uint32_t* p = run_ids_.data() + run_begins_[*run++]; *p != kHanRunId; ++p) merged.push_back(*p);
  }
  ids_.swap(merged);
}

void Encoder::settle_runs() {
  std::vector<std::uint64_t> more(table_.n_words());
  for (const WordTable::Entry& run : runs_.entries())
    for (const std::uint32_t* p = run_ids_.data() + run_begins_[run.id]; *p != kHanRunId; ++p) more[*p] += run.count - 1;
  table_.add_counts(more);
  runs_ = WordTable();
  run_ids_.clear();
  run_begins_.clear();
}

WordTable& Encoder::table() {
  settle_runs();
  return table_;
}

IdBlock Encoder::finish() {
  if (!block_runs_.empty()) put_back_han();
  IdBlock block;
  block.n_ids = ids_.size();
  block.pages = Pages(block.n_ids * sizeof(std::uint32_t));
  std::copy(ids_.begin(), ids_.end(), block.ids().begin());
  block.n_lines = n_lines_;
  block.n_long = n_long_;
  block.starts_in_line = starts_in_line_;
  block.leading_line_end = !ids_.empty() && ids_[0] == kLineEndId;
  const std::uint64_t* hashes = table_.hashes().data();
  SequenceHash hash;
  for (std::size_t i = block.leading_line_end ? 1 : 0; i < ids_.size(); ++i) {
    const bool is_word = ids_[i] != kLineEndId;
    hash.add(is_word ? hashes[ids_[i]] : kLineEndItem);
    block.n_words += is_word;
  }
  block.hash = hash;
  ids_.clear();
  block_runs_.clear();
  han_.clear();
  han_begin_ = han_end_ = n_lines_ = n_long_ = 0;
  starts_in_line_ = ends_in_line_ = line_has_words_ = false;
  first_line_ = true;
  if (runs_.n_words() > kMaxRuns) settle_runs();
  return block;
}

}  // namespace qianru
