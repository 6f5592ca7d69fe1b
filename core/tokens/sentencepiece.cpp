#include "tokens/sentencepiece.h"

#include <cmath>
#include <unordered_map>

#include "text/unicode.h"

namespace qianru {

namespace {

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";
constexpr std::size_t kMaxPieceBytes = 8000;

[[noreturn]] void refuse(std::size_t id, const std::string& why) {
  throw std::invalid_argument(std::string("piece ").append(std::to_string(id)).append(" ").append(why));
}

bool is_reserved(std::uint8_t type) {
  return type == static_cast<std::uint8_t>(PieceType::unknown) || type == static_cast<std::uint8_t>(PieceType::control) ||
         type == static_cast<std::uint8_t>(PieceType::byte);
}

bool is(std::uint8_t type, PieceType what) { return type == static_cast<std::uint8_t>(what); }

}  // namespace

void SentencePieceEncoder::check(const std::vector<std::string_view>& pieces, const std::vector<float>& scores,
                                 const std::vector<std::uint8_t>& types) {
  if (pieces.size() != scores.size() || pieces.size() != types.size()) {
    throw std::invalid_argument("there must be a score and a type for each piece");
  }
  if (pieces.size() >= Trie::kNone) throw std::invalid_argument("there must be fewer than 16777215 pieces");
  // Unigram keeps what never occurs in text apart, so the same name may be there twice; BPE does not.
  std::unordered_map<std::string_view, std::size_t> seen, reserved;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].empty()) refuse(i, "is empty");
    if (pieces[i].size() >= kMaxPieceBytes) refuse(i, "has 8000 bytes or more");
    if (pieces[i].find('\0') != pieces[i].npos && !is(types[i], PieceType::unused)) refuse(i, "holds a NUL");
    if (types[i] < 1 || types[i] > 6) refuse(i, "has a type outside 1 to 6");
    if (!std::isfinite(scores[i])) refuse(i, "has a score that is not finite");
    auto& among = !options_.bpe && is_reserved(types[i]) ? reserved : seen;
    const auto [other, is_new] = among.emplace(pieces[i], i);
    if (!is_new) refuse(i, std::string(pieces[i]).append(" is there already as piece ").append(std::to_string(other->second)));
    if (!is(types[i], PieceType::unknown)) continue;
    if (unknown_ != Trie::kNone) refuse(i, "is a second unknown piece");
    unknown_ = static_cast<std::uint32_t>(i);
  }
  const auto& names = options_.bpe ? seen : reserved;
  bytes_ = byte_pieces([&](std::string_view name) {
    const auto found = names.find(name);
    return found == names.end() || !is(types[found->second], PieceType::byte) ? Trie::kNone : static_cast<std::uint32_t>(found->second);
  });
  if (options_.byte_fallback) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      if (bytes_[byte] == Trie::kNone) {
        throw std::invalid_argument(std::string("there is no piece for byte ").append(std::to_string(byte)).append(", though byte_fallback is set"));
      }
    }
  } else if (unknown_ == Trie::kNone) {
    throw std::invalid_argument("there is no unknown piece");
  }
}

SentencePieceEncoder::SentencePieceEncoder(const std::vector<std::string_view>& pieces, const std::vector<float>& scores,
                                           const std::vector<std::uint8_t>& types, SentencePieceOptions options)
    : options_(std::move(options)), charsmap_(options_.charsmap) {
  check(pieces, scores, types);
  options_.charsmap = std::string();
  std::vector<Trie::Key> keys, users;
  float lowest = std::numeric_limits<float>::max();
  for (std::uint32_t i = 0; i < pieces.size(); ++i) {
    if (is(types[i], PieceType::normal)) lowest = std::min(lowest, scores[i]);
    if (is(types[i], PieceType::normal) || is(types[i], PieceType::user_defined)) keys.emplace_back(pieces[i], i);
    if (is(types[i], PieceType::user_defined)) users.emplace_back(pieces[i], i);
  }
  std::sort(users.begin(), users.end());
  user_defined_.build(users);
  if (options_.bpe) {
    bpe_ = std::make_unique<SentencePieceBpe>(pieces, scores, types);
    return;
  }
  std::sort(keys.begin(), keys.end());
  trie_.build(keys);
  unknown_score_ = lowest - 10.0f;
  scores_ = scores;
  for (const auto& [piece, id] : users) scores_[id] = static_cast<float>(0.1 * (static_cast<int>(piece.size()) - 1));
}

// The text in pieces' spelling, and with spans, for each byte the place in the text where it came from; one more for the end.
struct SentencePieceEncoder::Normalized {
  std::string text;
  std::vector<std::size_t> from;
  bool spans = false;

  void put(std::string_view part, std::size_t place) {
    text.append(part);
    if (spans) from.resize(text.size(), place);
  }
};

void SentencePieceEncoder::normalize(std::string_view text, Normalized& out) const {
  out.text.clear();
  out.from.clear();
  const std::string_view space = options_.escape_whitespaces ? kSpaceMark : std::string_view(" ");
  std::size_t at = 0;
  // What stands at `at` after the rules, and how many bytes of the text it was.
  const auto prefix = [&](std::size_t& n_bytes) -> std::string_view {
    const std::string_view rest = text.substr(at);
    n_bytes = user_defined_.longest(rest);
    if (n_bytes == 0 && charsmap_.may_match(rest)) {
      const Charsmap::Match match = charsmap_.match(rest);
      if (match.n_bytes > 0) {
        n_bytes = match.n_bytes;
        return match.text;
      }
    }
    if (n_bytes == 0) {
      const Char c = decode(rest.data(), rest.data() + rest.size());
      n_bytes = c.valid ? c.n_bytes : 1;
      if (!c.valid) return "\xEF\xBF\xBD";
    }
    return rest.substr(0, n_bytes);
  };
  std::size_t n_bytes;
  if (options_.remove_extra_whitespaces) {
    while (at < text.size() && prefix(n_bytes) == " ") at += n_bytes;
  }
  if (at == text.size()) return;
  if (options_.add_dummy_prefix && !options_.whitespace_as_suffix) out.put(space, at);
  bool after_space = options_.remove_extra_whitespaces;
  while (at < text.size()) {
    std::string_view part = prefix(n_bytes);
    while (after_space && part.starts_with(' ')) part.remove_prefix(1);
    if (!part.empty()) {
      for (std::size_t i = 0; i < part.size();) {
        const std::size_t end = std::min(part.find(' ', i), part.size());
        if (end > i) out.put(part.substr(i, end - i), at);
        if (end < part.size()) out.put(space, at);
        i = end + 1;
      }
      after_space = options_.remove_extra_whitespaces && part.ends_with(' ');
    }
    at += n_bytes;
  }
  if (options_.remove_extra_whitespaces) {
    while (out.text.ends_with(space)) {
      out.text.erase(out.text.size() - space.size());
      if (!out.spans) continue;
      at = out.from[out.text.size()];
      out.from.resize(out.text.size());
    }
  }
  if (options_.add_dummy_prefix && options_.whitespace_as_suffix) out.put(space, at);
  out.from.push_back(at);
}

std::string SentencePieceEncoder::normalize(std::string_view text) const {
  Normalized out;
  normalize(text, out);
  return out.text;
}

class SentencePieceEncoder::Scanner final : public PieceEncoder::Worker {
 public:
  explicit Scanner(const SentencePieceEncoder& encoder) : encoder_(encoder) {}

  void encode(std::string_view text, IdBuffer& ids, Spans* spans) override {
    normalized_.spans = spans != nullptr;
    encoder_.normalize(text, normalized_);
    if (normalized_.text.empty()) return;
    Sink sink{encoder_, normalized_, ids, spans};
    if (encoder_.bpe_) {
      encoder_.bpe_->cut(normalized_.text, encoder_.user_defined_, bpe_, sink);
      return;
    }
    const auto& path = viterbi_.cut(normalized_.text, encoder_.trie_, encoder_.scores_.data(), encoder_.unknown_,
                                    encoder_.unknown_score_);
    for (const auto& piece : path) sink.piece(piece.id, piece.start, piece.end);
  }

 private:
  // Pieces become ids: unknown ones bytes, or one id for all in a row.
  struct Sink {
    const SentencePieceEncoder& encoder;
    const Normalized& normalized;
    IdBuffer& ids;
    Spans* spans;
    bool after_unknown = false;

    void known() { after_unknown = false; }

    void piece(std::uint32_t id, std::size_t start, std::size_t end) {
      const bool is_unknown = id == encoder.unknown_ || id == Trie::kNone;
      const std::size_t before = ids.size();
      if (is_unknown && encoder.options_.byte_fallback) {
        for (std::size_t i = start; i < end; ++i) ids.push(encoder.bytes_[static_cast<unsigned char>(normalized.text[i])]);
      } else if (!is_unknown || !after_unknown) {
        ids.push(is_unknown ? encoder.unknown_ : id);
      } else if (spans) {
        spans->ends.data()[spans->ends.size() - 1] = static_cast<std::uint32_t>(normalized.from[end]);
      }
      after_unknown = is_unknown;
      if (!spans) return;
      for (std::size_t i = before; i < ids.size(); ++i) spans->push(normalized.from[start], normalized.from[end]);
    }
  };

  const SentencePieceEncoder& encoder_;
  Normalized normalized_;
  Viterbi<float> viterbi_;
  SentencePieceBpe::Buffers bpe_;
};

std::unique_ptr<PieceEncoder::Worker> SentencePieceEncoder::make_worker() const { return std::make_unique<Scanner>(*this); }

}  // namespace qianru
