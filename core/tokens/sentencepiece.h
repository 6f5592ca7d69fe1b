// The encoders inside SentencePiece model files (Kudo and Richardson 2018), with the ids that the sentencepiece package gives.
//
// A text is first normalised: the longest rule of the charsmap at each place is applied, white space at both ends and more than one
// space in a row are removed, a space is set in front, spaces become U+2581, each as the model says; symbols that the user defined
// are left alone. Then it is cut by Unigram (unigram.h, sums in float) or by BPE (sentencepiece_bpe.h). Characters that are no piece
// become the unknown id, once for all in a row, or their bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokens/charsmap.h"
#include "tokens/piece_encoder.h"
#include "tokens/sentencepiece_bpe.h"
#include "tokens/trie.h"
#include "tokens/unigram.h"

namespace qianru {

// Types of pieces, numbered as in the files.
enum class PieceType : std::uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct SentencePieceOptions {
  bool bpe = false;  // else Unigram
  bool byte_fallback = false;
  std::string charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool whitespace_as_suffix = false;
};

class SentencePieceEncoder final : public PieceEncoder {
 public:
  // Pieces, scores and types by id. std::invalid_argument names the entry that breaks a rule.
  SentencePieceEncoder(const std::vector<std::string_view>& pieces, const std::vector<float>& scores,
                       const std::vector<std::uint8_t>& types, SentencePieceOptions options);

  // The text that is cut into pieces.
  std::string normalize(std::string_view text) const;

 private:
  class Scanner;
  struct Normalized;

  std::unique_ptr<Worker> make_worker() const override;
  void check(const std::vector<std::string_view>& pieces, const std::vector<float>& scores, const std::vector<std::uint8_t>& types);
  void normalize(std::string_view text, Normalized& out) const;

  SentencePieceOptions options_;
  Charsmap charsmap_;
  Trie user_defined_;
  std::uint32_t unknown_ = Trie::kNone;
  std::vector<std::uint32_t> bytes_;
  Trie trie_;  // of Unigram
  std::vector<float> scores_;
  float unknown_score_ = 0;
  std::unique_ptr<SentencePieceBpe> bpe_;
};

}  // namespace qianru
