// WordPiece as BERT has it: text is normalised and cut into words, each word into the longest pieces from the left.
//
// The steps of tokenizers' BertNormalizer, BertPreTokenizer and WordPiece are done in one pass over the text. Each character that
// is plain ASCII goes through a table of 128 entries; the others go through the properties in normalize.h. A word is looked up in
// the cache first. The pieces lie in a trie, and the inner ones ("##ing") are those below the node of their prefix, so a step of
// the search costs the length of the longest piece at most.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokens/piece_encoder.h"
#include "tokens/trie.h"

namespace qianru {

struct WordPieceOptions {
  std::string unknown = "[UNK]";
  std::string prefix = "##";  // of the pieces that do not start a word
  std::uint32_t max_chars = 100;  // longer words are unknown
  bool clean_text = true;
  bool separate_han = true;
  bool strip_accents = true;
  bool lowercase = true;
};

class WordPieceEncoder final : public PieceEncoder {
 public:
  // Token i has id ids[i]. std::invalid_argument: a token twice, an empty one, one too many, the unknown token missing.
  WordPieceEncoder(const std::vector<std::string_view>& tokens, const std::vector<std::uint32_t>& ids, WordPieceOptions options);

 private:
  class Scanner;

  std::unique_ptr<Worker> make_worker() const override;
  // Appends the pieces of a normalised word, and their ends in it unless null.
  void cut(std::string_view word, IdBuffer& ids, std::vector<std::uint32_t>* ends) const;

  static constexpr std::uint32_t kFirstHan = 0x3400, kHanEnd = 0xA000;

  WordPieceOptions options_;
  Trie trie_;
  std::uint32_t inner_root_ = 0;
  std::uint32_t unknown_ = 0;
  std::vector<std::uint32_t> han_;  // ids of the ideographs from kFirstHan on that are words of their own
};

// The trie of a vocabulary. Shared with the other encoders; std::invalid_argument as above.
Trie vocabulary_trie(const std::vector<std::string_view>& tokens, const std::vector<std::uint32_t>& ids);

}  // namespace qianru
