// Unigram: the cut of a text into pieces whose scores have the greatest sum (Kudo 2018, "Subword Regularization").
//
// Viterbi from left to right: at each character all pieces that start there are found by one walk down the trie, and each improves
// the best sum known for the place where it ends. The time is linear in the text, bounded by the length of the longest piece. Sums
// are taken in the order and the precision of the library whose ids are to come out (tokenizers: double, sentencepiece: float), as
// equal sums are not rare.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tokens/piece_encoder.h"
#include "tokens/trie.h"

namespace qianru {

// How many bytes a character of valid UTF-8 takes, by its first byte.
inline std::uint32_t char_bytes(char first) {
  return static_cast<std::uint32_t>("\1\1\1\1\1\1\1\1\1\1\1\1\2\2\3\4"[static_cast<unsigned char>(first) >> 4]);
}

// The buffers of one thread.
template <class Score>
class Viterbi {
 public:
  struct Piece {
    std::uint32_t id, start, end;  // bytes of the text
  };

  // The best cut. `scores` by id; characters that are no piece get `unknown` and its score.
  const std::vector<Piece>& cut(std::string_view text, const Trie& trie, const Score* scores, std::uint32_t unknown,
                                Score unknown_score) {
    if (text.size() >= kNowhere) throw std::invalid_argument("a piece of text must be smaller than 4 GiB");
    const auto size = static_cast<std::uint32_t>(text.size());
    if (nodes_.size() > kKeep && size < kKeep) std::vector<Node>().swap(nodes_);
    if (nodes_.size() <= size) nodes_.resize(size + 1);
    for (std::uint32_t i = 0; i <= size; ++i) nodes_[i].start = kNowhere;
    nodes_[0].sum = 0;
    std::uint32_t frontier = 0;
    for (std::uint32_t start = 0; start < size;) {
      if constexpr (std::is_same_v<Score, float>) rebase(start, frontier);
      const Score before = nodes_[start].sum;
      const std::uint32_t character = std::min(char_bytes(text[start]), size - start);
      bool single = false;
      const auto reach = [&](std::uint32_t end, std::uint32_t id, Score sum) {
        Node& node = nodes_[end];
        if (node.start == kNowhere || sum > node.sum) node = {sum, start, id};
        frontier = std::max(frontier, end);
      };
      std::uint32_t node = trie.root(), id;
      for (std::uint32_t i = start; i < size && trie.step(node, text[i], id);) {
        ++i;
        if (id == Trie::kNone) continue;
        reach(i, id, scores[id] + before);
        single |= i - start == character;
      }
      if (!single) reach(start + character, unknown, unknown_score + before);
      start += character;
    }
    path_.clear();
    for (std::uint32_t end = size; end > 0; end = nodes_[end].start) path_.push_back({nodes_[end].id, nodes_[end].start, end});
    std::reverse(path_.begin(), path_.end());
    return path_;
  }

 private:
  static constexpr std::uint32_t kNowhere = 0xFFFFFFFF;
  static constexpr std::size_t kKeep = 1 << 20;

  struct Node {
    Score sum;
    std::uint32_t start, id;  // of the best piece that ends here
  };

  // Floats lose the small differences of large sums: sentencepiece counts from 0 again beyond 100,000.
  void rebase(std::uint32_t start, std::uint32_t frontier) {
    const Score offset = nodes_[start].sum;
    if (offset >= Score(-100000) && offset <= Score(100000)) return;
    for (std::uint32_t i = start; i <= frontier; ++i) {
      if (i == start || nodes_[i].start != kNowhere) nodes_[i].sum -= offset;
    }
  }

  std::vector<Node> nodes_;
  std::vector<Piece> path_;
};

struct UnigramOptions {
  enum class Words {
    none,
    whitespace,  // WhitespaceSplit
    runs,        // Split by the patterns that tokenizer.json files of word vectors have: runs of letters with inner marks;
    characters,  // the same, but each Han character is a word
  };
  enum class Prepend { always, first, never };

  std::uint32_t unknown = Trie::kNone;  // kNone: a character that is no piece is an error
  bool byte_fallback = false;
  Words words = Words::none;
  std::string metaspace;  // what stands for a space; empty: no Metaspace
  Prepend prepend = Prepend::always;
  bool metaspace_split = true;
};

// The Unigram model of the tokenizers package, with the pre-tokenizers that its files have.
class UnigramEncoder final : public PieceEncoder {
 public:
  // Pieces and scores by id; of a piece that is there twice the last one counts. std::invalid_argument: a score that is no finite
  // number, too many pieces, an unknown id that is not there.
  UnigramEncoder(const std::vector<std::string_view>& pieces, std::vector<double> scores, UnigramOptions options);

 private:
  class Scanner;

  std::unique_ptr<Worker> make_worker() const override;

  UnigramOptions options_;
  std::vector<double> scores_;
  double unknown_score_ = 0;
  Trie trie_;
  std::vector<std::uint32_t> bytes_;  // the ids of <0x00> ... <0xFF>, kNone where one is missing
};

// The id of each byte's piece, <0x00> to <0xFF>, by a lookup of pieces; Trie::kNone where there is none.
template <class Find>
std::vector<std::uint32_t> byte_pieces(Find find) {
  std::vector<std::uint32_t> ids;
  for (int byte = 0; byte < 256; ++byte) {
    const char name[] = {'<', '0', 'x', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15], '>'};
    ids.push_back(find(std::string_view(name, sizeof name)));
  }
  return ids;
}

}  // namespace qianru
