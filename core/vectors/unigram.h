// Scores for a Unigram tokenizer whose pieces are the keys, so that running text is cut into them.
#pragma once

#include "vectors/key_table.h"

namespace qianru {

// scores[r] = ln(count r / total), raised where needed so that the key alone is never cut into shorter keys: to just above the
// best sum of scores that any such cut has. Without counts, Zipf's law is taken over the rows: count r = 1 / (r + 1).
// Keys of more than 64 characters keep the plain score.
void unigram_scores(const KeyTable& keys, const std::uint64_t* counts, double* scores);

}  // namespace qianru
