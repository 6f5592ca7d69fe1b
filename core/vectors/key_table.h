// From a key to its row, over plain arrays that may be mapped from a file and are therefore not trusted: every offset and every
// row read from them is checked before it is used, and no probe runs longer than the table.
//
// The keys' bytes, nearly always UTF-8, stand one after the other in `bytes`; key r is bytes[offsets[r] .. offsets[r + 1]). `table` has a power
// of two of slots, at least twice the keys; a slot is empty (all bits one) or holds the upper 32 bits of the key's hash above
// its row. A key is looked for from slot hash mod size onwards, slot by slot, until an empty one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace qianru {

constexpr std::uint64_t kEmptySlot = ~std::uint64_t{0};

struct KeyTable {
  const char* bytes;
  std::size_t n_bytes;
  const std::uint64_t* offsets;  // [n_keys + 1]
  std::size_t n_keys;
  const std::uint64_t* table;    // [n_slots]
  std::size_t n_slots;
};

// FNV-1a, 64 bits, then MurmurHash3's finaliser, without which the upper bits of short keys hardly differ.
class KeyHash {
 public:
  void add(char c) { state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001B3u; }
  std::uint64_t value() const {
    std::uint64_t h = state_;
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCDu;
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53u;
    return h ^ h >> 33;
  }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325u;
};

// The slots a table for this many keys has.
std::size_t slots_for(std::size_t n_keys);

// Key r, empty where its offsets do not lie in order within `bytes`.
std::string_view key_at(const KeyTable& keys, std::size_t row);

// The row of the key, or -1. The second form takes the hash of the key.
std::int64_t find_key(const KeyTable& keys, std::string_view key);
std::int64_t find_key(const KeyTable& keys, std::string_view key, std::uint64_t hash);

// Fills `slots` [n_slots] for the keys. Rows whose key already stands in a lower row are left out and appended to `duplicates`.
void build_table(const KeyTable& keys, std::uint64_t* slots, std::vector<std::uint32_t>& duplicates);

// True if offsets start at 0, never fall, end at n_bytes, no key is empty, and every key is found at its row.
bool table_is_sound(const KeyTable& keys);

}  // namespace qianru
