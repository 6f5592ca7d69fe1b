// From a table of all words to the keys of a model.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/word_table.h"

namespace qianru {

struct Selection {
  // Falling counts; equal counts in the order of the words' bytes, so that ids depend on the text alone. The views hold until
  // the table changes.
  std::vector<WordTable::Entry> kept;
  std::vector<std::uint32_t> map;  // new id by old id, kDropped for words left out
};

// The words with at least `min_count` occurrences, the first `max_vocab` of them (0: all).
Selection select_words(const WordTable& table, std::uint64_t min_count, std::size_t max_vocab);

}  // namespace qianru
