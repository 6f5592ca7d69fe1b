#include "vectors/key_table.h"

#include <algorithm>

namespace qianru {

namespace {

std::uint64_t hash_of(std::string_view key) {
  KeyHash hash;
  for (const char c : key) hash.add(c);
  return hash.value();
}

constexpr std::uint64_t kTag = 0xFFFFFFFF00000000u;

}  // namespace

std::size_t slots_for(std::size_t n_keys) {
  std::size_t n = 8;
  while (n < 2 * n_keys) n *= 2;
  return n;
}

std::string_view key_at(const KeyTable& keys, std::size_t row) {
  const std::uint64_t begin = keys.offsets[row], end = keys.offsets[row + 1];
  if (begin > end || end > keys.n_bytes) return {};
  return {keys.bytes + begin, static_cast<std::size_t>(end - begin)};
}

std::int64_t find_key(const KeyTable& keys, std::string_view key, std::uint64_t hash) {
  for (std::size_t probe = 0; probe < keys.n_slots; ++probe) {
    const std::uint64_t slot = keys.table[(hash + probe) & (keys.n_slots - 1)];
    if (slot == kEmptySlot) return -1;
    const std::uint64_t row = slot & ~kTag;
    if ((slot & kTag) == (hash & kTag) && row < keys.n_keys && key_at(keys, row) == key) return static_cast<std::int64_t>(row);
  }
  return -1;
}

std::int64_t find_key(const KeyTable& keys, std::string_view key) { return find_key(keys, key, hash_of(key)); }

void build_table(const KeyTable& keys, std::uint64_t* slots, std::vector<std::uint32_t>& duplicates) {
  std::fill(slots, slots + keys.n_slots, kEmptySlot);
  for (std::size_t row = 0; row < keys.n_keys; ++row) {
    const std::string_view key = key_at(keys, row);
    const std::uint64_t hash = hash_of(key);
    std::size_t slot = hash & (keys.n_slots - 1);
    bool repeated = false;
    for (; slots[slot] != kEmptySlot && !repeated; slot = (slot + 1) & (keys.n_slots - 1))
      repeated = (slots[slot] & kTag) == (hash & kTag) && key_at(keys, slots[slot] & ~kTag) == key;
    if (repeated)
      duplicates.push_back(static_cast<std::uint32_t>(row));
    else
      slots[slot] = (hash & kTag) | row;
  }
}

bool table_is_sound(const KeyTable& keys) {
  if (keys.offsets[0] != 0 || keys.offsets[keys.n_keys] != keys.n_bytes) return false;
  for (std::size_t row = 0; row < keys.n_keys; ++row) {
    const std::string_view key = key_at(keys, row);
    if (key.empty()) return false;
    if (find_key(keys, key) != static_cast<std::int64_t>(row)) return false;
  }
  return true;
}

}  // namespace qianru
