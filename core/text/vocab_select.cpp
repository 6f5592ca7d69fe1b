#include "text/vocab_select.h"

#include <algorithm>

#include "text/id_block.h"

namespace qianru {

Selection select_words(const WordTable& table, std::uint64_t min_count, std::size_t max_vocab) {
  Selection selection;
  selection.kept = table.entries();
  auto& kept = selection.kept;
  std::erase_if(kept, [&](const WordTable::Entry& e) { return e.count < min_count; });
  const auto before = [](const WordTable::Entry& a, const WordTable::Entry& b) {
    return a.count != b.count ? a.count > b.count : a.word < b.word;
  };
  if (max_vocab && max_vocab < kept.size()) {
    std::nth_element(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(max_vocab), kept.end(), before);
    kept.resize(max_vocab);
  }
  std::sort(kept.begin(), kept.end(), before);
  selection.map.assign(table.n_words(), kDropped);
  for (std::size_t i = 0; i < kept.size(); ++i) selection.map[kept[i].id] = static_cast<std::uint32_t>(i);
  return selection;
}

}  // namespace qianru
