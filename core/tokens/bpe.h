// Byte-level BPE: texts to ids, by several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokens/batch.h"
#include "tokens/bpe_merge.h"
#include "tokens/bpe_model.h"
#include "tokens/pretokenize.h"
#include "tokens/word_cache.h"

namespace qianru {

struct BpeOptions {
  PretokenizeOptions pretokenize;
  bool ignore_merges = false;  // a piece that is a token is that token, whatever its merges would come to
};

// One thread's state.
class BpeWorker {
 public:
  BpeWorker(const BpeModel& model, const BpeOptions& options);

  void encode(std::string_view text, IdBuffer& out);

  // The ids of one segment of a text (what a cut at numbers leaves), with a space in front of it if the options ask for one;
  // whether that was so.
  bool encode_segment(std::string_view segment, IdBuffer& out);

  // Calls segment(part) for each segment of the text.
  template <class F>
  void for_segments(std::string_view text, F segment) const {
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p < end;) {
      const char* const next =
          options_.pretokenize.digits == Digits::together ? end : scanner_.next_digits(p, end, options_.pretokenize.digits);
      segment(std::string_view(p, static_cast<std::size_t>(next - p)));
      p = next;
    }
  }

 private:
  using ShortWords = WordCache<2, 3>;
  using LongWords = WordCache<4, 7>;
  static constexpr std::size_t kMostCachedIds = LongWords::kMaxIds;

  void encode_pieces(std::string_view text, const char* limit, IdBuffer& out);
  void encode_piece(const char* p, const char* end, const char* limit, IdBuffer& out);
  void encode_part(const char* p, const char* end, const char* limit, bool is_whole, std::size_t n_chars, IdBuffer& out);
  std::size_t merge(std::string_view part, bool is_whole, std::size_t n_chars, std::uint32_t* ids);

  const BpeModel& model_;
  const BpeOptions& options_;
  Scanner scanner_;
  Merger merger_;
  std::string spaced_;
  ShortWords short_{16};  // 4 MiB: 131,072 pieces of up to 15 bytes and 3 ids
  LongWords long_{14};    // 2 MiB: 32,768 pieces of up to 31 bytes and 7 ids
};

class BpeEncoder {
 public:
  // As BpeModel.
  BpeEncoder(std::span<const std::string_view> tokens, std::span<const std::uint32_t> ids,
             const std::span<const std::uint32_t>* merges, const BpeOptions& options)
      : model_(tokens, ids, merges), options_(options) {}

  // The ids of one text, and the bytes of the text that each one stands for.
  void encode(std::string_view text, IdBuffer& ids, IdBuffer& starts, IdBuffer& ends);
  IdBuffer encode_batch(std::span<const std::string_view> texts, int threads, std::vector<std::int64_t>& splits);
  IdBuffer encode_lines(std::string_view block, int threads, std::optional<std::uint32_t> line_end);

  std::size_t n_tokens() const { return model_.n_tokens(); }

 private:
  std::unique_ptr<BpeWorker> make_worker() const { return std::make_unique<BpeWorker>(model_, options_); }

  BpeModel model_;
  BpeOptions options_;
  WorkerPool<BpeWorker> pool_;
};

}  // namespace qianru
