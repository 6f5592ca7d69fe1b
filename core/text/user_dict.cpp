#include "text/user_dict.h"

#include <algorithm>
#include <string>
#include <utility>

#include "text/splitter.h"

namespace qianru {

namespace {

constexpr std::uint32_t kNone = 0;  // the root is nobody's child

std::size_t edge_hash(std::uint64_t key) { return static_cast<std::size_t>(key * 0x9E3779B97F4A7C15u >> 20); }

// Each code point that has a lower case other than itself, as (lower case, code point), sorted.
const std::vector<std::pair<std::uint32_t, std::uint32_t>>& lower_origins() {
  static const auto origins = [] {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t code = 0; code < 0x110000; ++code)
      if (const std::uint32_t lowered = lower_code(code); lowered != code) pairs.emplace_back(lowered, code);
    std::sort(pairs.begin(), pairs.end());
    return pairs;
  }();
  return origins;
}

}  // namespace

UserDict::UserDict(bool ignore_case) : ignore_case_(ignore_case), is_word_(1, 0), edges_(64, Edge{0, kNone}) {}

std::uint32_t UserDict::child(std::uint32_t node, std::uint32_t code) const {
  const std::uint64_t key = static_cast<std::uint64_t>(node) << 21 | code;
  const std::size_t mask = edges_.size() - 1;
  for (std::size_t i = edge_hash(key) & mask;; i = (i + 1) & mask) {
    if (edges_[i].node == kNone) return kNone;
    if (edges_[i].key == key) return edges_[i].node;
  }
}

std::uint32_t UserDict::add_child(std::uint32_t node, std::uint32_t code) {
  if (const std::uint32_t old = child(node, code)) return old;
  if (++n_edges_ * 2 > edges_.size()) grow();
  const std::uint64_t key = static_cast<std::uint64_t>(node) << 21 | code;
  const std::size_t mask = edges_.size() - 1;
  std::size_t i = edge_hash(key) & mask;
  while (edges_[i].node != kNone) i = (i + 1) & mask;
  edges_[i] = {key, static_cast<std::uint32_t>(is_word_.size())};
  is_word_.push_back(0);
  return edges_[i].node;
}

void UserDict::grow() {
  std::vector<Edge> old(edges_.size() * 2, Edge{0, kNone});
  old.swap(edges_);
  const std::size_t mask = edges_.size() - 1;
  for (const Edge& edge : old) {
    if (edge.node == kNone) continue;
    std::size_t i = edge_hash(edge.key) & mask;
    while (edges_[i].node != kNone) i = (i + 1) & mask;
    edges_[i] = edge;
  }
}

// Any code point whose lower case is `lowered` may open a word in the text.
void UserDict::open_by(std::uint32_t lowered) {
  const auto& origins = lower_origins();
  auto from = std::lower_bound(origins.begin(), origins.end(), std::pair{lowered, 0u});
  for (; from != origins.end() && from->first == lowered; ++from) {
    std::string bytes;
    append_utf8(bytes, from->second);
    starts_[static_cast<unsigned char>(bytes[0])] = true;
  }
  std::string bytes;
  append_utf8(bytes, lowered);
  starts_[static_cast<unsigned char>(bytes[0])] = true;
}

void UserDict::add(std::string_view word) {
  const char* end = word.data() + word.size();
  const std::uint32_t first = decode(word.data(), end).code;
  starts_[static_cast<unsigned char>(word[0])] = true;
  if (ignore_case_) open_by(lower_code(first));
  std::uint32_t node = 0;
  for (const char* p = word.data(); p < end;) {
    const Char c = decode(p, end);
    node = add_child(node, ignore_case_ ? lower_code(c.code) : c.code);
    p += c.n_bytes;
  }
  is_word_[node] = 1;
}

std::size_t UserDict::match(const char* p, const char* end, bool in_word) const {
  const std::uint8_t* table = char_table();
  const auto is_spaced = [](CharClass k) { return k == kLetter || k == kDigit; };
  std::uint32_t node = 0;
  std::size_t longest = 0;
  CharClass last = kSeparator;  // of the base character that ends the part matched so far
  for (const char* q = p; q < end;) {
    const Char c = decode(q, end);
    if (!c.valid) break;
    const CharClass k = class_of(table[c.code]);
    if (q == p && in_word && is_spaced(k)) break;
    node = child(node, ignore_case_ ? lower_code(c.code) : c.code);
    if (node == kNone) break;
    q += c.n_bytes;
    if (k != kMark) last = k;
    if (is_word_[node] && !(is_spaced(last) && word_goes_on(q, end, last))) longest = static_cast<std::size_t>(q - p);
  }
  return longest;
}

}  // namespace qianru
