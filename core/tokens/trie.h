// A double-array trie over bytes: the pieces of a vocabulary, walked one byte at a time.
//
// A node is a number, its base; the child for a byte is the unit at base ^ byte if that unit carries the byte as its label. No two
// nodes share a base, so the label alone says whose child a unit is, and a step costs one load of 8 bytes.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace qianru {

class Trie {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFF;
  using Key = std::pair<std::string_view, std::uint32_t>;  // value < kNone

  // Keys sorted by bytes, without duplicates, none empty.
  void build(const std::vector<Key>& keys);

  std::uint32_t root() const { return root_; }

  // Goes on from `node` by one byte. False if no key goes on so. `value` is that of the key that ends here, or kNone.
  bool step(std::uint32_t& node, char byte, std::uint32_t& value) const {
    const auto label = static_cast<unsigned char>(byte);
    const Unit unit = units_[node ^ label];
    if ((unit.value_and_label & 0xFF) != label) return false;
    node = unit.base;
    value = unit.value_and_label >> 8;
    return true;
  }

  // The node after the whole of `prefix`, or 0 (a node without children) if no key begins so.
  std::uint32_t walk(std::string_view prefix) const;

  // How many bytes of the longest key that `text` starts with; 0 if none.
  std::size_t longest(std::string_view text) const {
    std::uint32_t node = root_, value;
    std::size_t n = 0;
    for (std::size_t i = 0; i < text.size() && step(node, text[i], value);) {
      ++i;
      if (value != kNone) n = i;
    }
    return n;
  }

  // The value of `key`, or kNone.
  std::uint32_t find(std::string_view key) const;

 private:
  struct Unit {
    std::uint32_t base = 0;
    std::uint32_t value_and_label = kNone << 8 | 0xFF;
  };
  struct Builder;

  // The first 256 units are the children of node 0, which has none.
  std::vector<Unit> units_ = std::vector<Unit>(256, Unit{});
  std::uint32_t root_ = 0;
};

}  // namespace qianru
