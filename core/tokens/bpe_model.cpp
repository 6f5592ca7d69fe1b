#include "tokens/bpe_model.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "text/unicode.h"

namespace qianru {

namespace {

// A token in an error: text where it is text, other bytes as \xNN, cut after 40 bytes.
std::string quoted(std::string_view token) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "'";
  const char* const end = token.data() + token.size();
  for (const char* p = token.data(); p < end;) {
    if (p - token.data() > 40) return out + "...'";
    const Char c = decode(p, end);
    if (c.valid && c.code >= 0x20 && c.code != 0x7F) out.append(p, c.n_bytes);
    else
      for (int i = 0; i < c.n_bytes; ++i)
        out += {'\\', 'x', kHex[static_cast<unsigned char>(p[i]) >> 4], kHex[static_cast<unsigned char>(p[i]) & 15]};
    p += c.n_bytes;
  }
  return out + "'";
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::size_t char_bytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

void PairTable::reserve(std::size_t n_pairs) {
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(2 * n_pairs, 2));
  slots_.assign(size, Slot{});
  mask_ = size - 1;
  shift_ = 64 - std::countr_zero(size);
  seen_.assign(std::max<std::size_t>(size / 8, 2), 0);
  seen_shift_ = 64 - std::countr_zero(seen_.size());
}

void PairTable::put(std::uint32_t left, std::uint32_t right, Merge merge) {
  const std::uint64_t key = static_cast<std::uint64_t>(left) << 32 | right;
  std::size_t i = place(key);
  while (slots_[i].merge.rank != kNoMerge && slots_[i].key != key) i = (i + 1) & mask_;
  slots_[i] = {key, merge};
  const std::uint64_t h = hash(key);
  seen_[h >> seen_shift_] |= std::uint64_t{1} << (h >> (seen_shift_ - 6) & 63);
}

BpeModel::BpeModel(std::span<const std::string_view> tokens, std::span<const std::uint32_t> ids,
                   const std::span<const std::uint32_t>* merges) {
  add_tokens(tokens, ids);
  if (merges) add_merges(*merges);
  else add_ranks();
  broken_.resize(1 << 16);
  for (const auto& [token, id] : by_text_) add_neighbours(token, true);
  // Sixteen bits for each pair: one place in sixteen is not cut although it could be.
  const std::size_t n_words = std::bit_ceil(std::max<std::size_t>(n_neighbours_ / 4, 2));
  neighbours_.assign(n_words, 0);
  neighbour_shift_ = 64 - std::countr_zero(n_words);
  for (const auto& [token, id] : by_text_) add_neighbours(token, false);
  add_chars();
}

void BpeModel::add_tokens(std::span<const std::string_view> tokens, std::span<const std::uint32_t> ids) {
  if (tokens.size() != ids.size()) throw std::invalid_argument("tokens and ids must be of one length");
  std::size_t n_bytes = 0;
  std::uint32_t max_id = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (ids[i] > kMaxTokenId)
      throw std::invalid_argument("token " + quoted(tokens[i]) + " has the id " + std::to_string(ids[i]) + "; ids end at " +
                                  std::to_string(kMaxTokenId));
    n_bytes += tokens[i].size();
    max_id = std::max(max_id, ids[i]);
  }
  text_.reserve(n_bytes);
  n_bytes_.assign(max_id + std::size_t{1}, 0);
  text_by_id_.resize(max_id + std::size_t{1});
  by_text_.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].empty()) throw std::invalid_argument("the token of id " + std::to_string(ids[i]) + " is empty");
    const char* const at = text_.data() + text_.size();
    text_ += tokens[i];
    const std::string_view token(at, tokens[i].size());
    const auto [place, is_new] = by_text_.emplace(token, ids[i]);
    if (!is_new)
      throw std::invalid_argument("token " + quoted(token) + " is there twice, with the ids " + std::to_string(place->second) +
                                  " and " + std::to_string(ids[i]));
    if (n_bytes_[ids[i]])
      throw std::invalid_argument("the id " + std::to_string(ids[i]) + " has two tokens, " + quoted(text_by_id_[ids[i]]) +
                                  " and " + quoted(token));
    n_bytes_[ids[i]] = static_cast<std::uint32_t>(token.size());
    text_by_id_[ids[i]] = token;
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    byte_ids_[byte] = token_id({&c, 1});
    if (byte_ids_[byte] == kNoMerge) throw std::invalid_argument("the byte " + std::to_string(byte) + " is no token of the vocabulary");
  }
}

void BpeModel::add_merges(std::span<const std::uint32_t> merges) {
  if (merges.size() % 2) throw std::invalid_argument("merges must be pairs of ids");
  pairs_.reserve(merges.size() / 2);
  std::string joined;
  for (std::size_t i = 0; i < merges.size() / 2; ++i) {
    for (const std::uint32_t id : {merges[2 * i], merges[2 * i + 1]})
      if (id >= n_bytes_.size() || !n_bytes_[id])
        throw std::invalid_argument("merge " + std::to_string(i) + " names the id " + std::to_string(id) + ", which no token has");
    const std::string_view left = text_by_id_[merges[2 * i]], right = text_by_id_[merges[2 * i + 1]];
    joined.assign(left).append(right);
    const std::uint32_t id = token_id(joined);
    if (id == kNoMerge)
      throw std::invalid_argument("merge " + std::to_string(i) + " joins " + quoted(left) + " and " + quoted(right) + ", but " +
                                  quoted(joined) + " is no token of the vocabulary");
    pairs_.put(merges[2 * i], merges[2 * i + 1], {static_cast<std::uint32_t>(i), id});
  }
}

void BpeModel::add_ranks() {
  constexpr std::size_t kMaxBytes = 4096;  // looking at each way to cut a token takes the square of its length
  struct Found {
    std::uint32_t left, right, id;
  };
  std::vector<Found> found;
  for (const auto& [token, id] : by_text_) {
    if (token.size() > kMaxBytes)
      throw std::invalid_argument("token " + quoted(token) + " has " + std::to_string(token.size()) +
                                  " bytes; where ranks stand for merges, tokens end at " + std::to_string(kMaxBytes));
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      const std::uint32_t left = token_id(token.substr(0, cut));
      if (left == kNoMerge) continue;
      const std::uint32_t right = token_id(token.substr(cut));
      if (right != kNoMerge) found.push_back({left, right, id});
    }
  }
  pairs_.reserve(found.size());
  for (const Found& pair : found) pairs_.put(pair.left, pair.right, {pair.id, pair.id});
}

void BpeModel::add_neighbours(std::string_view token, bool count_only) {
  const auto add = [&](std::uint64_t h) {
    ++n_neighbours_;
    if (!count_only) neighbours_[h >> neighbour_shift_] |= std::uint64_t{1} << (h >> (neighbour_shift_ - 6) & 63);
  };
  const char* const end = token.data() + token.size();
  for (const char* p = token.data() + 1; p < end; ++p) {
    if (continues(*p)) continue;
    const char* lead = p - 1;
    while (lead > token.data() && p - lead < 4 && continues(*lead)) --lead;
    const bool left_whole = !continues(*lead) && char_bytes(*lead) == static_cast<std::size_t>(p - lead);
    const bool right_whole = static_cast<std::size_t>(end - p) >= char_bytes(*p);
    const std::uint32_t left = left_whole ? decode(lead, p).code : 0, right = right_whole ? decode(p, end).code : 0;
    if (left_whole && right_whole) {
      if (left >= 0x800 || right >= 0x800) add(hash(0, left, right));
      continue;
    }
    broken_[border(p[-1], *p)] = true;
    const auto last = static_cast<unsigned char>(p[-1]), first = static_cast<unsigned char>(p[0]);
    if (left_whole) add(hash(1, left, first));
    else if (right_whole) add(hash(2, last, right));
    else add(hash(3, last, first));
  }
}

void BpeModel::add_chars() {
  constexpr std::uint32_t kCodes = 0x10000;
  char_ids_.assign(kCodes, kNoMerge);
  std::vector<std::uint32_t> own_ranks(kCodes, 0);  // the highest rank among a character's own merges
  for (const auto& [token, id] : by_text_) {
    const Char c = decode(token.data(), token.data() + token.size());
    if (!c.valid || c.code >= kCodes || static_cast<std::size_t>(c.n_bytes) != token.size()) continue;
    std::uint32_t ids[4];
    std::size_t n = token.size();
    for (std::size_t i = 0; i < n; ++i) ids[i] = byte_id(token[i]);
    while (n > 1) {
      std::size_t best = 0;
      for (std::size_t i = 1; i + 1 < n; ++i)
        if (pair(ids[i], ids[i + 1]).rank < pair(ids[best], ids[best + 1]).rank) best = i;
      const Merge merge = pair(ids[best], ids[best + 1]);
      if (merge.rank == kNoMerge) break;
      own_ranks[c.code] = std::max(own_ranks[c.code], merge.rank);
      ids[best] = merge.id;
      --n;
      std::copy(ids + best + 2, ids + n + 1, ids + best + 1);
    }
    if (n == 1) char_ids_[c.code] = ids[0];
  }
  // Not with a character that is part of a merge before its own are done.
  pairs_.for_each([&](const Merge& merge) {
    const std::string_view token = text_by_id_[merge.id];
    const char* const end = token.data() + token.size();
    for (const char* p = token.data(); p < end;) {
      const Char c = decode(p, end);
      if (static_cast<std::size_t>(c.n_bytes) == token.size()) break;  // one of its own merges
      if (c.valid && c.code < kCodes && c.n_bytes > 1 && merge.rank <= own_ranks[c.code]) char_ids_[c.code] = kNoMerge;
      p += c.n_bytes;
    }
  });
}

}  // namespace qianru
