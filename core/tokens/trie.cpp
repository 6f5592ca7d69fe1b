#include "tokens/trie.h"

#include <algorithm>

namespace qianru {

namespace {
constexpr std::uint32_t kBlock = 256, kOpenBlocks = 16;
}

// Free units lie on a ring. Only the last few blocks are open to new nodes, so that finding a place takes bounded time.
struct Trie::Builder {
  struct Slot {
    std::uint32_t next = 0, previous = 0;
    bool taken = false, base_used = false;
  };

  std::vector<Unit>& units;
  std::vector<Slot> slots;
  std::uint32_t head = 0;  // 0: no free unit (unit 0 is never free)
  std::uint32_t first_open;

  explicit Builder(std::vector<Unit>& all) : units(all), slots(all.size()), first_open(static_cast<std::uint32_t>(all.size())) {
    for (auto& slot : slots) slot.taken = slot.base_used = true;
  }

  void unlink(std::uint32_t i) {
    Slot& slot = slots[i];
    if (slot.next == i) {
      head = 0;
    } else {
      slots[slot.next].previous = slot.previous;
      slots[slot.previous].next = slot.next;
      if (head == i) head = slot.next;
    }
    slot.taken = true;
  }

  void add_block() {
    const auto begin = static_cast<std::uint32_t>(units.size());
    if (begin - first_open >= kOpenBlocks * kBlock) {
      for (std::uint32_t i = first_open; i < first_open + kBlock; ++i) {
        if (!slots[i].taken) unlink(i);
      }
      first_open += kBlock;
    }
    units.resize(begin + kBlock);
    slots.resize(begin + kBlock);
    for (std::uint32_t i = begin; i < begin + kBlock; ++i) {
      if (head == 0) {
        slots[i].next = slots[i].previous = head = i;
        continue;
      }
      const std::uint32_t tail = slots[head].previous;
      slots[i].next = head;
      slots[i].previous = tail;
      slots[tail].next = slots[head].previous = i;
    }
  }

  bool fits(std::uint32_t base, const std::vector<unsigned char>& labels) const {
    if (slots[base].base_used) return false;
    return std::none_of(labels.begin(), labels.end(), [&](unsigned char label) { return slots[base ^ label].taken; });
  }

  std::uint32_t place(const std::vector<unsigned char>& labels) {
    std::uint32_t base = 0;
    if (head != 0) {
      std::uint32_t i = head;
      do {
        if (fits(i ^ labels[0], labels)) {
          base = i ^ labels[0];
          break;
        }
        i = slots[i].next;
      } while (i != head);
    }
    if (base == 0) {
      base = static_cast<std::uint32_t>(units.size());
      add_block();
    }
    slots[base].base_used = true;
    for (const unsigned char label : labels) {
      unlink(base ^ label);
      units[base ^ label].value_and_label = kNone << 8 | label;
    }
    return base;
  }
};

void Trie::build(const std::vector<Key>& keys) {
  units_.assign(kBlock, Unit{});
  // No unit of the first block may carry the label of its own place.
  for (std::uint32_t i = 0; i < kBlock; ++i) units_[i].value_and_label = kNone << 8 | (i ^ 1);
  root_ = 0;
  if (keys.empty()) return;
  Builder builder(units_);
  struct Range {
    std::size_t begin, end, depth;
    std::uint32_t parent;  // the unit whose base the node's children will set; 0 for the root
  };
  std::vector<Range> stack = {{0, keys.size(), 0, 0}};
  std::vector<unsigned char> labels;
  std::vector<std::size_t> starts;
  while (!stack.empty()) {
    Range range = stack.back();
    stack.pop_back();
    if (keys[range.begin].first.size() == range.depth) {
      Unit& unit = units_[range.parent];
      unit.value_and_label = keys[range.begin].second << 8 | (unit.value_and_label & 0xFF);
      if (++range.begin == range.end) continue;
    }
    labels.clear();
    starts.clear();
    for (std::size_t i = range.begin; i < range.end; ++i) {
      const auto label = static_cast<unsigned char>(keys[i].first[range.depth]);
      if (labels.empty() || labels.back() != label) {
        labels.push_back(label);
        starts.push_back(i);
      }
    }
    starts.push_back(range.end);
    const std::uint32_t base = builder.place(labels);
    (range.depth == 0 ? root_ : units_[range.parent].base) = base;
    for (std::size_t i = labels.size(); i-- > 0;) {
      stack.push_back({starts[i], starts[i + 1], range.depth + 1, base ^ labels[i]});
    }
  }
}

std::uint32_t Trie::walk(std::string_view prefix) const {
  std::uint32_t node = root_, value;
  for (const char byte : prefix) {
    if (!step(node, byte, value)) return 0;
  }
  return node;
}

std::uint32_t Trie::find(std::string_view key) const {
  std::uint32_t node = root_, value = kNone;
  for (const char byte : key) {
    if (!step(node, byte, value)) return kNone;
  }
  return value;
}

}  // namespace qianru
