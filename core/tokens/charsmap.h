// The normalisation rules inside a SentencePiece model: a blob of a double-array trie (the layout of darts-clone) and the texts
// that its keys are replaced by, each ended by NUL.
//
//   u32 size of the trie in bytes, then the trie's units, u32 each, little endian, then the texts
//   unit: bits 0-7 label, 8 whether a key ends here, 9 and 10-30 the offset to the children; a key's value has bit 31 set
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qianru {

class Charsmap {
 public:
  Charsmap() = default;
  // An empty blob holds no rules. std::invalid_argument: a blob that does not hold together.
  explicit Charsmap(std::string_view blob);

  struct Match {
    std::size_t n_bytes = 0;  // of the longest key that starts the text; 0 if none does
    std::string_view text;    // what replaces it
  };
  Match match(std::string_view text) const;

  // Whether a key may start as the text does, by its first byte, or two beyond ASCII: a quick look before match().
  bool may_match(std::string_view text) const {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80 || text.size() < 2) return starts_[first];
    return pairs_[static_cast<std::size_t>(first << 8 | static_cast<unsigned char>(text[1]))];
  }

 private:
  // Goes from a node to its child; false if there is none.
  bool step(std::uint32_t& node, unsigned char byte) const;

  std::vector<std::uint32_t> units_;
  std::string texts_;
  std::vector<bool> starts_ = std::vector<bool>(256);    // by the first byte of keys
  std::vector<bool> pairs_ = std::vector<bool>(1 << 16);  // by the first two
};

}  // namespace qianru
