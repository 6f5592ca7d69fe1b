// Words that must come out as they are: a trie over code points, matched leftmost and longest before every other rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/unicode.h"

namespace qianru {

class UserDict {
 public:
  // With `ignore_case`, words and text are compared by the lower case of each code point.
  explicit UserDict(bool ignore_case);

  // `word` is valid UTF-8 in NFC and not empty.
  void add(std::string_view word);

  // False if no word starts with this byte: a quick no before match().
  bool may_start(char byte) const { return starts_[static_cast<unsigned char>(byte)]; }

  // Bytes of the longest word that stands at p, or 0. `in_word` says that p stands inside a word of letters or digits of a
  // spaced script; a user word that begins (ends) with one is then (when such a word goes on behind it) no match.
  std::size_t match(const char* p, const char* end, bool in_word) const;

 private:
  struct Edge { std::uint64_t key; std::uint32_t node; };
  std::uint32_t child(std::uint32_t node, std::uint32_t code) const;
  std::uint32_t add_child(std::uint32_t node, std::uint32_t code);
  void grow();
  void open_by(std::uint32_t lowered);

  bool ignore_case_;
  bool starts_[256] = {};
  std::vector<std::uint8_t> is_word_;  // by node; node 0 is the root
  std::vector<Edge> edges_;            // open addressing by (node, code point)
  std::size_t n_edges_ = 0;
};

}  // namespace qianru
