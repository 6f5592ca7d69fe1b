#include "tokens/sentencepiece_bpe.h"

#include <bit>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "text/unicode.h"

namespace qianru {

namespace {

constexpr std::uint8_t kNormal = 1, kUserDefined = 4, kUnused = 5;
constexpr std::size_t kFew = 24;  // up to here looking through all pairs again after each merge is faster than a heap
constexpr std::uint32_t kEnd = 0xFFFFFFFF;
constexpr int kMaxDepth = 100;

std::uint64_t pair_key(std::uint32_t left, std::uint32_t right) { return static_cast<std::uint64_t>(left) << 32 | right; }

Char char_at(std::string_view text, std::size_t i) { return decode(text.data() + i, text.data() + text.size()); }

}  // namespace

void PairTable::build(const std::vector<std::pair<std::uint64_t, std::uint32_t>>& entries) {
  const std::size_t size = std::bit_ceil(entries.size() * 2 + 2);
  slots_.assign(size, Slot{});
  mask_ = size - 1;
  shift_ = 64 - std::countr_zero(size);
  for (const auto& [key, value] : entries) {
    std::size_t i = place(key);
    while (slots_[i].key != kFree && slots_[i].key != key) i = (i + 1) & mask_;
    slots_[i] = {key, value};
  }
}

SentencePieceBpe::SentencePieceBpe(const std::vector<std::string_view>& pieces, const std::vector<float>& scores,
                                   const std::vector<std::uint8_t>& types)
    : n_pieces_(static_cast<std::uint32_t>(pieces.size())), types_(types), low_symbols_(1 << 16, kEnd) {
  // Symbols are the pieces, by their ids, and behind them the single characters inside pieces that are none themselves.
  std::unordered_map<std::string_view, std::uint32_t> symbols;
  const auto mergeable = [&](std::size_t i) { return types[i] == kNormal || types[i] == kUserDefined || types[i] == kUnused; };
  for (std::uint32_t i = 0; i < n_pieces_; ++i) {
    if (!mergeable(i)) continue;
    symbols.emplace(pieces[i], i);
    has_unused_ |= types[i] == kUnused;
  }
  std::uint32_t n_symbols = n_pieces_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> neighbours, merges;
  for (std::uint32_t i = 0; i < n_pieces_; ++i) {
    if (!mergeable(i)) continue;
    std::uint32_t before = kEnd;
    for (std::size_t at = 0; at < pieces[i].size();) {
      const Char c = char_at(pieces[i], at);
      const std::string_view spelling = pieces[i].substr(at, c.n_bytes);
      const auto [found, is_new] = symbols.emplace(spelling, n_symbols);
      n_symbols += is_new;
      symbols_.emplace(c.code, found->second);
      if (c.code < low_symbols_.size()) low_symbols_[c.code] = found->second;
      if (before != kEnd) neighbours.emplace_back(pair_key(before, c.code), 0);
      before = c.code;
      at += c.n_bytes;
    }
  }
  for (std::uint32_t i = 0; i < n_pieces_; ++i) {
    if (!mergeable(i)) continue;
    for (std::size_t at = char_at(pieces[i], 0).n_bytes; at < pieces[i].size(); at += char_at(pieces[i], at).n_bytes) {
      const auto left = symbols.find(pieces[i].substr(0, at));
      if (left == symbols.end()) continue;
      const auto right = symbols.find(pieces[i].substr(at));
      if (right != symbols.end()) merges.emplace_back(pair_key(left->second, right->second), i);
    }
  }
  std::sort(neighbours.begin(), neighbours.end());
  neighbours.erase(std::unique(neighbours.begin(), neighbours.end()), neighbours.end());
  neighbours_.build(neighbours);
  merges_.build(merges);
  // Equal scores share a rank; 0 and -0 do not.
  std::vector<std::uint32_t> order(n_pieces_);
  std::iota(order.begin(), order.end(), 0u);
  const auto above = [&](std::uint32_t a, std::uint32_t b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && std::signbit(scores[a]) < std::signbit(scores[b]));
  };
  std::stable_sort(order.begin(), order.end(), above);
  ranks_.resize(n_pieces_);
  std::uint32_t rank = 0;
  for (std::uint32_t i = 0; i < n_pieces_; ++i) {
    if (i > 0 && above(order[i - 1], order[i])) ++rank;
    ranks_[order[i]] = rank;
  }
  n_bytes_.resize(n_symbols);
  for (const auto& [spelling, symbol] : symbols) n_bytes_[symbol] = static_cast<std::uint32_t>(spelling.size());
}

std::uint32_t SentencePieceBpe::symbol_of(std::uint32_t code) const {
  if (code < low_symbols_.size()) return low_symbols_[code];
  const auto found = symbols_.find(code);
  return found == symbols_.end() ? kEnd : found->second;
}

// The end of the segment that starts at `start`, where no frozen symbol stands.
std::size_t SentencePieceBpe::segment_end(std::string_view text, std::size_t start, const Trie& frozen) const {
  Char before = char_at(text, start);
  std::size_t at = start + before.n_bytes;
  while (at < text.size()) {
    const Char c = char_at(text, at);
    if (neighbours_.find(pair_key(before.code, c.code)) == PairTable::kNone) break;
    if (frozen.longest(text.substr(at)) > 0) break;
    before = c;
    at += c.n_bytes;
  }
  return at;
}

void SentencePieceBpe::merge(std::string_view segment, const Trie& frozen, Buffers& buffers) const {
  auto& symbols = buffers.symbols;
  symbols.clear();
  buffers.path.clear();
  for (std::uint32_t at = 0; at < segment.size();) {
    const auto n = static_cast<std::uint32_t>(has_unused_ ? frozen.longest(segment.substr(at)) : 0);
    const Char c = char_at(segment, at);
    const std::uint32_t end = at + (n > 0 ? n : c.n_bytes);
    const auto index = static_cast<std::uint32_t>(symbols.size());
    symbols.push_back({n > 0 ? kFrozen : symbol_of(c.code), at, end, index - 1, index + 1});
    at = end;
  }
  symbols.back().next = kEnd;
  if (symbols.size() <= kFew && !has_unused_) merge_few(buffers);
  else merge_many(buffers);
  for (std::uint32_t i = 0; i != kEnd; i = symbols[i].next) {
    const auto& symbol = symbols[i];
    if (symbol.id == kFrozen) {
      const std::uint32_t id = frozen.find(segment.substr(symbol.start, symbol.end - symbol.start));
      buffers.path.push_back({id, symbol.start, symbol.end});
    } else {
      emit(buffers, symbol.id, symbol.start, symbol.end, 0, buffers.path);
    }
  }
  if (symbols.capacity() > 1 << 20) {
    std::vector<Buffers::Symbol>().swap(symbols);
    std::vector<Buffers::Candidate>().swap(buffers.heap);
  }
}

// The symbols stand side by side in the vector and close up after each merge.
void SentencePieceBpe::merge_few(Buffers& buffers) const {
  auto& symbols = buffers.symbols;
  std::uint32_t pieces[kFew], n = static_cast<std::uint32_t>(symbols.size());
  const auto look = [&](std::uint32_t i) {
    pieces[i] = i + 1 < n ? merges_.find(pair_key(symbols[i].id, symbols[i + 1].id)) : PairTable::kNone;
  };
  for (std::uint32_t i = 0; i < n; ++i) look(i);
  while (true) {
    std::uint32_t best = kEnd, best_rank = kEnd;
    for (std::uint32_t i = 0; i + 1 < n; ++i) {
      if (pieces[i] == PairTable::kNone || ranks_[pieces[i]] >= best_rank) continue;
      best = i;
      best_rank = ranks_[pieces[i]];
    }
    if (best == kEnd) break;
    symbols[best].id = pieces[best];
    symbols[best].end = symbols[best + 1].end;
    --n;
    for (std::uint32_t i = best + 1; i < n; ++i) {
      symbols[i] = symbols[i + 1];
      pieces[i] = pieces[i + 1];
    }
    look(best);
    if (best > 0) look(best - 1);
  }
  symbols.resize(n);
  for (std::uint32_t i = 0; i < n; ++i) symbols[i].next = i + 1 < n ? i + 1 : kEnd;
}

void SentencePieceBpe::offer(Buffers& buffers, std::uint32_t left, std::uint32_t right) const {
  const std::uint32_t a = buffers.symbols[left].id, b = buffers.symbols[right].id;
  const std::uint32_t merged = merges_.find(pair_key(a, b));
  if (merged == PairTable::kNone) return;
  buffers.heap.push_back({static_cast<std::uint64_t>(ranks_[merged]) << 32 | left, merged});
  if (types_[merged] == kUnused) buffers.halves[merged] = {a, b};
}

void SentencePieceBpe::merge_many(Buffers& buffers) const {
  auto& symbols = buffers.symbols;
  auto& heap = buffers.heap;
  const auto later = [](const Buffers::Candidate& a, const Buffers::Candidate& b) { return a.order > b.order; };
  heap.clear();
  buffers.halves.clear();
  for (std::uint32_t i = 0; i + 1 < symbols.size(); ++i) offer(buffers, i, i + 1);
  std::make_heap(heap.begin(), heap.end(), later);
  const auto offer_heap = [&](std::uint32_t left, std::uint32_t right) {
    const std::size_t before = heap.size();
    offer(buffers, left, right);
    if (heap.size() > before) std::push_heap(heap.begin(), heap.end(), later);
  };
  while (!heap.empty()) {
    const Buffers::Candidate top = heap.front();
    std::pop_heap(heap.begin(), heap.end(), later);
    heap.pop_back();
    const auto left = static_cast<std::uint32_t>(top.order);
    auto& symbol = symbols[left];
    // One that was merged into its left neighbour is left empty; else what stands there now must still make the same piece.
    if (symbol.start == symbol.end || symbol.next == kEnd) continue;
    const std::uint32_t right = symbol.next;
    if (symbols[right].end - symbol.start != n_bytes_[top.merged]) continue;
    if (merges_.find(pair_key(symbol.id, symbols[right].id)) != top.merged) continue;
    symbol.id = top.merged;
    symbol.end = symbols[right].end;
    symbol.next = symbols[right].next;
    symbols[right].start = symbols[right].end;
    if (symbol.next != kEnd) {
      symbols[symbol.next].previous = left;
      offer_heap(left, symbol.next);
    }
    if (left > 0) offer_heap(symbol.previous, left);
  }
}

// A piece that is not to be used comes out as the halves it was last made of.
void SentencePieceBpe::emit(const Buffers& buffers, std::uint32_t symbol, std::uint32_t start, std::uint32_t end, int depth,
                            std::vector<Piece>& path) const {
  const bool is_piece = symbol < n_pieces_;
  if (!is_piece || types_[symbol] != kUnused || depth > kMaxDepth) {
    path.push_back({is_piece ? symbol : Trie::kNone, start, end});
    return;
  }
  const auto halves = buffers.halves.find(symbol);
  if (halves == buffers.halves.end()) {
    path.push_back({Trie::kNone, start, end});
    return;
  }
  const std::uint32_t middle = start + n_bytes_[halves->second.first];
  emit(buffers, halves->second.first, start, middle, depth + 1, path);
  emit(buffers, halves->second.second, middle, end, depth + 1, path);
}

}  // namespace qianru
