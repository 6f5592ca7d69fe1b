#include "tokens/bpe.h"

#include <algorithm>
#include <stdexcept>
#include <type_traits>

namespace qianru {

BpeWorker::BpeWorker(const BpeModel& model, const BpeOptions& options) : model_(model), options_(options) {}

void BpeWorker::encode(std::string_view text, IdBuffer& out) {
  for_segments(text, [&](std::string_view segment) { encode_segment(segment, out); });
}

bool BpeWorker::encode_segment(std::string_view segment, IdBuffer& out) {
  if (!options_.pretokenize.add_prefix_space || segment.empty() || segment[0] == ' ') {
    encode_pieces(segment, segment.data() + segment.size(), out);
    return false;
  }
  spaced_.assign(1, ' ').append(segment);
  encode_pieces(spaced_, spaced_.data() + spaced_.size(), out);
  return true;
}

void BpeWorker::encode_pieces(std::string_view text, const char* limit, IdBuffer& out) {
  for_pieces(scanner_, options_.pretokenize.pattern, text.data(), text.data() + text.size(),
             [&](const char* p, const char* end) { encode_piece(p, end, limit, out); });
}

// A piece that holds wide characters is cut between characters that no token holds side by side.
void BpeWorker::encode_piece(const char* p, const char* end, const char* limit, IdBuffer& out) {
  if (static_cast<unsigned char>(end[-1]) < 0x80) return encode_part(p, end, limit, true, 0, out);
  const auto token_of = [&](const Char& c, const char* at) {
    return !c.valid ? kNoMerge : c.n_bytes == 1 ? model_.byte_id(*at) : model_.char_id(c.code);
  };
  const char* part = p;
  std::uint32_t* ids = out.room(static_cast<std::size_t>(end - p) + kMostCachedIds + 1);
  std::size_t n_chars = 1;  // of the part so far, as tokens in ids
  Char left = decode(p, end);
  ids[0] = token_of(left, p);
  bool has_chars = ids[0] != kNoMerge;  // merging may begin with them
  const char* q = p + left.n_bytes;
  while (q < end) {
    const Char right = decode(q, end);
    const std::uint32_t id = token_of(right, q);
    if ((left.n_bytes >= 3 || right.n_bytes >= 3) && left.valid && right.valid && model_.can_cut(left.code, right.code, q)) {
      encode_part(part, q, limit, false, has_chars ? n_chars : 0, out);
      ids = out.room(static_cast<std::size_t>(end - q) + kMostCachedIds + 1);
      part = q;
      n_chars = 0;
      has_chars = true;
    } else {
      has_chars = has_chars && model_.is_clean(left.code, right.code, q);
      model_.prefetch_pair(ids[n_chars - 1], id);
    }
    has_chars = has_chars && id != kNoMerge;
    ids[n_chars++] = id;
    left = right;
    q += right.n_bytes;
  }
  encode_part(part, end, limit, part == p, has_chars ? n_chars : 0, out);
}

// n_chars: so many characters of the part lie as tokens where its ids go, and merging may begin with them; or 0.
void BpeWorker::encode_part(const char* p, const char* end, const char* limit, bool is_whole, std::size_t n_chars, IdBuffer& out) {
  constexpr std::size_t kDirect = 5;  // so few characters are merged sooner than looked up
  const auto n = static_cast<std::size_t>(end - p);
  std::uint32_t* const ids = out.room(n + kMostCachedIds + 1);
  if (n_chars && n_chars <= kDirect && !(options_.ignore_merges && is_whole)) return out.advance(merger_.merge(model_, ids, n_chars));
  const auto look_up = [&](auto& cache) {
    const typename std::decay_t<decltype(cache)>::Key key(p, n, limit, options_.ignore_merges && !is_whole);
    std::size_t n_ids = cache.find(key, ids);
    if (n_ids == 0) {
      n_ids = merge({p, n}, is_whole, n_chars, ids);
      if (n_ids <= cache.kMaxIds) cache.put(key, {ids, n_ids});
    }
    return n_ids;
  };
  out.advance(n <= ShortWords::kMaxBytes  ? look_up(short_)
              : n <= LongWords::kMaxBytes ? look_up(long_)
                                          : merge({p, n}, is_whole, n_chars, ids));
}

std::size_t BpeWorker::merge(std::string_view part, bool is_whole, std::size_t n_chars, std::uint32_t* ids) {
  if (options_.ignore_merges && is_whole) {
    const std::uint32_t id = model_.token_id(part);
    if (id != kNoMerge) {
      *ids = id;
      return 1;
    }
  }
  return n_chars ? merger_.merge(model_, ids, n_chars) : merger_.merge(model_, part, ids);
}

void BpeEncoder::encode(std::string_view text, IdBuffer& ids, IdBuffer& starts, IdBuffer& ends) {
  if (text.size() >= std::size_t{1} << 32) throw std::length_error("a text for offsets must be shorter than 4 GiB");
  auto worker = pool_.take([this] { return make_worker(); });
  worker->for_segments(text, [&](std::string_view segment) {
    const std::size_t before = ids.size();
    const bool has_space = worker->encode_segment(segment, ids);
    const auto base = static_cast<std::uint32_t>(segment.data() - text.data());
    std::uint32_t at = 0;  // in the segment with its space
    for (std::size_t i = before; i < ids.size(); ++i) {
      const std::uint32_t start = at;
      at += model_.token_bytes(ids.data()[i]);
      starts.push(base + (has_space && start ? start - 1 : start));
      ends.push(base + (has_space ? at - 1 : at));
    }
  });
  pool_.give(std::move(worker));
}

IdBuffer BpeEncoder::encode_batch(std::span<const std::string_view> texts, int threads, std::vector<std::int64_t>& splits) {
  return qianru::encode_batch(pool_, [this] { return make_worker(); }, texts, threads, splits);
}

IdBuffer BpeEncoder::encode_lines(std::string_view block, int threads, std::optional<std::uint32_t> line_end) {
  return qianru::encode_lines(pool_, [this] { return make_worker(); }, block, threads, line_end);
}

}  // namespace qianru
