#include "tokens/unigram.h"

#include <cmath>

#include "text/unicode.h"
#include "tokens/normalize.h"

namespace qianru {

UnigramEncoder::UnigramEncoder(const std::vector<std::string_view>& pieces, std::vector<double> scores, UnigramOptions options)
    : options_(std::move(options)), scores_(std::move(scores)) {
  if (pieces.size() != scores_.size()) throw std::invalid_argument("there must be as many scores as pieces");
  if (pieces.size() >= Trie::kNone) throw std::invalid_argument("there must be fewer than 16777215 pieces");
  if (options_.unknown != Trie::kNone && options_.unknown >= pieces.size()) {
    throw std::invalid_argument("the unknown id " + std::to_string(options_.unknown) + " must be below the number of pieces, " +
                                std::to_string(pieces.size()));
  }
  double lowest = std::numeric_limits<double>::infinity();
  std::vector<Trie::Key> keys;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!std::isfinite(scores_[i])) throw std::invalid_argument("the score of piece " + std::to_string(i) + " is not finite");
    lowest = std::min(lowest, scores_[i]);
    if (!pieces[i].empty()) keys.emplace_back(pieces[i], static_cast<std::uint32_t>(i));
  }
  unknown_score_ = lowest - 10;
  std::sort(keys.begin(), keys.end());
  std::size_t n = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i + 1 == keys.size() || keys[i].first != keys[i + 1].first) keys[n++] = keys[i];
  }
  keys.resize(n);
  trie_.build(keys);
  bytes_ = byte_pieces([&](std::string_view name) { return trie_.find(name); });
}

class UnigramEncoder::Scanner final : public PieceEncoder::Worker {
 public:
  explicit Scanner(const UnigramEncoder& encoder) : encoder_(encoder), options_(encoder.options_) {}

  void encode(std::string_view text, IdBuffer& ids, Spans* spans) override {
    ids_ = &ids;
    spans_ = spans;
    text_ = text;
    switch (options_.words) {
      case UnigramOptions::Words::none: return word(0, text.size());
      case UnigramOptions::Words::whitespace: return whitespace();
      case UnigramOptions::Words::runs: return runs<false>();
      case UnigramOptions::Words::characters: return runs<true>();
    }
  }

 private:
  struct At {
    std::uint16_t properties;
    std::uint8_t n_bytes;
    std::uint32_t code;
  };

  At at(std::size_t i) const {
    const Char c = decode(text_.data() + i, text_.data() + text_.size());
    return {properties_[c.code], c.n_bytes, c.code};
  }

  void whitespace() {
    std::size_t start = 0;
    for (std::size_t i = 0; i < text_.size();) {
      const At c = at(i);
      if (c.properties & kSpace) {
        word(start, i);
        start = i + c.n_bytes;
      }
      i += c.n_bytes;
    }
    word(start, text_.size());
  }

  // The end of the run of word characters from i; with kNoHan, of those that are not Han.
  template <bool kNoHan>
  std::size_t run(std::size_t i) const {
    while (i < text_.size()) {
      const At c = at(i);
      if (!(c.properties & kWordChar) || (kNoHan && (c.properties & kHanScript))) break;
      i += c.n_bytes;
    }
    return i;
  }

  // Runs of [\p{L}\p{M}\p{N}_], and after each, as long as it goes on, one of '’.-· and a run without \p{Han}. With kCharacters
  // each \p{Han} is a word, and the first run is without as well.
  template <bool kCharacters>
  void runs() {
    for (std::size_t i = 0; i < text_.size();) {
      const At c = at(i);
      if (kCharacters && (c.properties & kHanScript)) {
        word(i, i + c.n_bytes);
        i += c.n_bytes;
        continue;
      }
      if (!(c.properties & kWordChar)) {
        i += c.n_bytes;
        continue;
      }
      std::size_t end = run<kCharacters>(i);
      while (end < text_.size()) {
        const At mark = at(end);
        if (mark.code != '\'' && mark.code != 0x2019 && mark.code != '.' && mark.code != '-' && mark.code != 0xB7) break;
        const std::size_t inner = run<true>(end + mark.n_bytes);
        if (inner == end + mark.n_bytes) break;
        end = inner;
      }
      word(i, end);
      i = end;
    }
  }

  // What the pre-tokenizers before Metaspace leave as one.
  void word(std::size_t start, std::size_t end) {
    if (start == end) return;
    const std::string_view part = text_.substr(start, end - start);
    if (options_.metaspace.empty()) return cut(part, start);
    const std::string& mark = options_.metaspace;
    const bool prepend = options_.prepend == UnigramOptions::Prepend::always ||
                         (options_.prepend == UnigramOptions::Prepend::first && start == 0);
    buffer_.clear();
    from_.clear();
    const std::size_t first = std::min<std::size_t>(char_bytes(part[0]), part.size());
    if (prepend && part[0] != ' ' && !part.starts_with(mark)) put(mark, start, start + first);
    for (std::size_t i = 0; i < part.size();) {
      const std::size_t n = std::min<std::size_t>(char_bytes(part[i]), part.size() - i);
      const bool space = part[i] == ' ';
      if (options_.metaspace_split && !buffer_.empty() && (space || part.substr(i).starts_with(mark))) {
        cut(buffer_, 0);
        buffer_.clear();
        from_.clear();
      }
      put(space ? std::string_view(mark) : part.substr(i, n), start + i, start + i + n);
      i += n;
    }
    cut(buffer_, 0);
  }

  void put(std::string_view bytes, std::size_t start, std::size_t end) {
    buffer_.append(bytes);
    if (spans_) from_.resize(buffer_.size(), {start, end});
  }

  // Cuts one piece of text; `offset` is its place in the text unless it lies in the buffer.
  void cut(std::string_view piece, std::size_t offset) {
    const bool cached = piece.size() <= WordCache::kMaxBytes && !spans_;
    const std::uint64_t hash = cached ? hash_bytes(piece.data(), piece.size()) : 0;
    if (cached && cache_.find(piece, hash, *ids_)) return;
    const std::size_t before = ids_->size();
    const std::uint32_t unknown = options_.unknown;
    const auto& path = viterbi_.cut(piece, encoder_.trie_, encoder_.scores_.data(), unknown, encoder_.unknown_score_);
    for (std::size_t i = 0; i < path.size();) {
      std::size_t next = i + 1;
      if (path[i].id == unknown) {
        while (next < path.size() && path[next].id == unknown) ++next;
        put_unknown(piece.substr(path[i].start, path[next - 1].end - path[i].start));
      } else {
        ids_->push(path[i].id);
      }
      if (spans_) add_spans(path[i].start, path[next - 1].end, offset, piece.data() == buffer_.data());
      i = next;
    }
    if (cached) cache_.put(piece, hash, ids_->ids().subspan(before));
  }

  // Characters in a row that are no pieces count as one; as bytes where there is a piece for each.
  void put_unknown(std::string_view part) {
    if (options_.unknown == Trie::kNone) {
      throw std::invalid_argument("'" + std::string(part) + "' is not among the pieces, and there is no unknown token");
    }
    if (const std::uint32_t id = encoder_.trie_.find(part); id != Trie::kNone) return ids_->push(id);
    const auto byte_id = [&](char c) { return encoder_.bytes_[static_cast<unsigned char>(c)]; };
    if (options_.byte_fallback && std::none_of(part.begin(), part.end(), [&](char c) { return byte_id(c) == Trie::kNone; })) {
      for (const char c : part) ids_->push(byte_id(c));
    } else {
      ids_->push(options_.unknown);
    }
  }

  // The same place for each of the ids that have none yet.
  void add_spans(std::size_t start, std::size_t end, std::size_t offset, bool buffered) {
    while (spans_->starts.size() < ids_->size()) {
      if (buffered) spans_->push(from_[start].start, from_[end - 1].end);
      else spans_->push(offset + start, offset + end);
    }
  }

  struct Source {
    std::size_t start, end;
  };

  const UnigramEncoder& encoder_;
  const UnigramOptions& options_;
  const std::uint16_t* properties_ = char_properties();
  WordCache cache_;
  Viterbi<double> viterbi_;
  std::string buffer_;
  std::vector<Source> from_;
  std::string_view text_;
  IdBuffer* ids_ = nullptr;
  Spans* spans_ = nullptr;
};

std::unique_ptr<PieceEncoder::Worker> UnigramEncoder::make_worker() const { return std::make_unique<Scanner>(*this); }

}  // namespace qianru
