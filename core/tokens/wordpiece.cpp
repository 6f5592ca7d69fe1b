#include "tokens/wordpiece.h"

#include <array>
#include <utility>

#include "text/unicode.h"
#include "tokens/normalize.h"

namespace qianru {

Trie vocabulary_trie(const std::vector<std::string_view>& tokens, const std::vector<std::uint32_t>& ids) {
  std::vector<Trie::Key> keys;
  keys.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].empty()) throw std::invalid_argument("the token of id " + std::to_string(ids[i]) + " is empty");
    if (ids[i] >= Trie::kNone) throw std::invalid_argument("id " + std::to_string(ids[i]) + " is not below 16777215");
    keys.emplace_back(tokens[i], ids[i]);
  }
  std::sort(keys.begin(), keys.end());
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (keys[i].first != keys[i - 1].first) continue;
    throw std::invalid_argument("the token '" + std::string(keys[i].first) + "' has two ids, " +
                                std::to_string(keys[i - 1].second) + " and " + std::to_string(keys[i].second));
  }
  Trie trie;
  trie.build(keys);
  return trie;
}

WordPieceEncoder::WordPieceEncoder(const std::vector<std::string_view>& tokens, const std::vector<std::uint32_t>& ids,
                                   WordPieceOptions options)
    : options_(std::move(options)), trie_(vocabulary_trie(tokens, ids)) {
  unknown_ = trie_.find(options_.unknown);
  if (unknown_ == Trie::kNone) throw std::invalid_argument("the unknown token '" + options_.unknown + "' is not among the tokens");
  inner_root_ = trie_.walk(options_.prefix);
  IdBuffer found;
  std::string word;
  for (std::uint32_t code = kFirstHan; code < kHanEnd; ++code) {
    word.clear();
    append_utf8(word, code);
    cut(word, found, nullptr);
    han_.push_back(found.data()[found.size() - 1]);
  }
}

void WordPieceEncoder::cut(std::string_view word, IdBuffer& ids, std::vector<std::uint32_t>* ends) const {
  const std::size_t before = ids.size();
  const auto give_up = [&] {
    ids.advance(before - ids.size());  // back to where it was
    ids.push(unknown_);
    if (ends) ends->assign(1, static_cast<std::uint32_t>(word.size()));
  };
  if (ends) ends->clear();
  if (word.size() > options_.max_chars) {
    const auto n = std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; });
    if (n > static_cast<std::ptrdiff_t>(options_.max_chars)) return give_up();
  }
  for (std::size_t start = 0; start < word.size();) {
    std::uint32_t node = start == 0 ? trie_.root() : inner_root_, value, best = Trie::kNone;
    std::size_t end = start;
    for (std::size_t i = start; i < word.size() && trie_.step(node, word[i], value);) {
      ++i;
      if (value == Trie::kNone) continue;
      best = value;
      end = i;
    }
    if (best == Trie::kNone) return give_up();
    ids.push(best);
    if (ends) ends->push_back(static_cast<std::uint32_t>(end));
    start = end;
  }
}

// One text on its way: the word that is growing, and with offsets, the bytes of the text that each byte of it came from.
class WordPieceEncoder::Scanner final : public PieceEncoder::Worker {
 public:
  explicit Scanner(const WordPieceEncoder& encoder) : encoder_(encoder), options_(encoder.options_) {
    const std::uint16_t* properties = char_properties();
    for (std::uint32_t c = 0; c < 128; ++c) {
      const std::uint16_t has = properties[c];
      ascii_[c] = static_cast<char>(options_.lowercase ? lower_code(c) : c);
      classes_[c] = kLetter;
      if (options_.clean_text && (has & kDropped)) classes_[c] = kNothing;
      else if (has & kSpace) classes_[c] = kBlank;
      else if (has & kPunctuation) classes_[c] = kSign;
    }
    for (std::size_t c = 128; c < 256; ++c) classes_[c] = kBeyond;
  }

  void encode(std::string_view text, IdBuffer& ids, Spans* spans) override {
    ids_ = &ids;
    spans_ = spans;
    text_ = text.data();
    word_.clear();
    if (spans) scan<true>(text);
    else scan<false>(text);
  }

 private:
  enum Class : std::uint8_t { kLetter, kBlank, kSign, kNothing, kBeyond };
  struct Source {
    std::uint32_t start, end;
  };
  struct Waiting {  // a combining character, until all that stand together can be put in order
    int combining_class;
    std::uint32_t code;
    Source from;
  };

  template <bool kSpans>
  void scan(std::string_view text) {
    const char *p = text.data(), *const end = p + text.size();
    while (p < end) {
      const auto c = static_cast<unsigned char>(*p);
      switch (classes_[c]) {
        case kLetter:
          if (kSpans) from_.push_back(source(p, 1));
          word_.push_back(ascii_[c]);
          ++p;
          break;
        case kBlank:
          flush<kSpans>();
          ++p;
          break;
        case kSign:
          flush<kSpans>();
          if (kSpans) from_.push_back(source(p, 1));
          word_.push_back(static_cast<char>(c));
          flush<kSpans>();
          ++p;
          break;
        case kNothing:
          ++p;
          break;
        case kBeyond:
          p = beyond_ascii<kSpans>(p, end);
          break;
      }
    }
    flush<kSpans>();
  }

  Source source(const char* p, std::size_t n_bytes) const {
    const auto start = static_cast<std::uint32_t>(p - text_);
    return {start, start + static_cast<std::uint32_t>(n_bytes)};
  }

  // Takes the character at p, and the combining characters after it if it takes part in their order; where to go on.
  template <bool kSpans>
  const char* beyond_ascii(const char* p, const char* end) {
    const Char c = decode(p, end);
    const char* next = p + c.n_bytes;
    const std::uint16_t has = properties_[c.code];
    if (options_.clean_text) {
      if (has & kDropped) return next;
      if (has & kSpace) {
        flush<kSpans>();
        return next;
      }
    }
    const bool apart = options_.separate_han && is_bert_han(c.code);
    if (apart) {
      flush<kSpans>();
      if (!kSpans && c.code < kHanEnd) {
        ids_->push(encoder_.han_[c.code - kFirstHan]);
        return next;
      }
    }
    put<kSpans>(c.code, source(p, c.n_bytes));
    if (!waiting_.empty()) next = rest_of_marks(next, end);
    set_in_order<kSpans>();
    if (apart) flush<kSpans>();
    return next;
  }

  // Normalises a character up to its lower case.
  template <bool kSpans>
  void put(std::uint32_t code, Source from) {
    if (!options_.strip_accents) return put_lower<kSpans>(code, from);
    std::uint32_t parts[4] = {code};
    const int n = properties_[code] & kDecomposes ? decompose(code, parts) : 1;
    for (int i = 0; i < n; ++i) {
      const std::uint16_t has = properties_[parts[i]];
      if (has & kCombines) {
        if (!(has & kNonspacing)) waiting_.push_back({combining_class(parts[i]), parts[i], from});
        continue;
      }
      set_in_order<kSpans>();
      if (!(has & kNonspacing)) put_lower<kSpans>(parts[i], from);
    }
  }

  // Takes the characters after p that do not end the row of combining characters.
  const char* rest_of_marks(const char* p, const char* end) {
    while (p < end) {
      const Char c = decode(p, end);
      const std::uint16_t has = properties_[c.code];
      if (!(options_.clean_text && (has & kDropped))) {
        std::uint32_t parts[4] = {c.code};
        const int n = has & kDecomposes ? decompose(c.code, parts) : 1;
        if (!(properties_[parts[0]] & kCombines)) break;
        for (int i = 0; i < n; ++i) {
          if (properties_[parts[i]] & kNonspacing) continue;
          waiting_.push_back({combining_class(parts[i]), parts[i], source(p, c.n_bytes)});
        }
      }
      p += c.n_bytes;
    }
    return p;
  }

  template <bool kSpans>
  void set_in_order() {
    if (waiting_.empty()) return;
    std::stable_sort(waiting_.begin(), waiting_.end(),
                     [](const Waiting& a, const Waiting& b) { return a.combining_class < b.combining_class; });
    for (const Waiting& mark : waiting_) put_lower<kSpans>(mark.code, mark.from);
    waiting_.clear();
  }

  template <bool kSpans>
  void put_lower(std::uint32_t code, Source from) {
    std::uint32_t parts[2] = {code};
    const int n = options_.lowercase && (properties_[code] & kLowers) ? lower_parts(code, parts) : 1;
    for (int i = 0; i < n; ++i) {
      const std::uint16_t has = properties_[parts[i]];
      if (has & kSpace) {
        flush<kSpans>();
        continue;
      }
      if (has & kPunctuation) flush<kSpans>();
      append_utf8(word_, parts[i]);
      if (kSpans) from_.resize(word_.size(), from);
      if (has & kPunctuation) flush<kSpans>();
    }
  }

  // The word is complete.
  template <bool kSpans>
  void flush() {
    if (word_.empty()) return;
    if constexpr (kSpans) {
      encoder_.cut(word_, *ids_, &ends_);
      std::uint32_t start = 0;
      for (const std::uint32_t end : ends_) {
        spans_->push(from_[start].start, from_[end - 1].end);
        start = end;
      }
      from_.clear();
    } else if (word_.size() > WordCache::kMaxBytes) {
      encoder_.cut(word_, *ids_, nullptr);
    } else {
      const std::uint64_t hash = hash_bytes(word_.data(), word_.size());
      if (!cache_.find(word_, hash, *ids_)) {
        const std::size_t before = ids_->size();
        encoder_.cut(word_, *ids_, nullptr);
        cache_.put(word_, hash, ids_->ids().subspan(before));
      }
    }
    word_.clear();
  }

  const WordPieceEncoder& encoder_;
  const WordPieceOptions& options_;
  const std::uint16_t* properties_ = char_properties();
  std::array<char, 128> ascii_;
  std::array<Class, 256> classes_;
  WordCache cache_;
  std::string word_;
  std::vector<Source> from_;
  std::vector<Waiting> waiting_;
  std::vector<std::uint32_t> ends_;
  IdBuffer* ids_ = nullptr;
  Spans* spans_ = nullptr;
  const char* text_ = nullptr;
};

std::unique_ptr<PieceEncoder::Worker> WordPieceEncoder::make_worker() const { return std::make_unique<Scanner>(*this); }

}  // namespace qianru
