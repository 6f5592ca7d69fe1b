#include "tokens/bpe_train.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <unordered_set>

#include "text/unicode.h"

namespace qianru {

namespace {

constexpr std::uint32_t kBoundary = 0xFFFFFFFF, kVoid = 0xFFFFFFFE, kNoUnit = 0xFFFFFFFD;
constexpr std::uint32_t kLastSlot = 0x80000000;  // marks the id in the last slot of a token
constexpr std::uint32_t kCodePoints = 0x110000;

std::uint64_t pair_of(std::uint32_t left, std::uint32_t right) { return static_cast<std::uint64_t>(left) << 32 | right; }
std::uint32_t left_of(std::uint64_t pair) { return static_cast<std::uint32_t>(pair >> 32); }
std::uint32_t right_of(std::uint64_t pair) { return static_cast<std::uint32_t>(pair); }

template <class F>
void for_units(std::string_view word, bool byte_level, F unit) {
  const char* const end = word.data() + word.size();
  for (const char* p = word.data(); p < end;) {
    if (byte_level) {
      unit(static_cast<std::uint32_t>(static_cast<unsigned char>(*p++)));
    } else {
      const Char c = decode(p, end);
      unit(c.code);
      p += c.n_bytes;
    }
  }
}

std::string text_of(std::uint32_t unit, bool byte_level) {
  std::string text;
  if (byte_level) text.push_back(static_cast<char>(unit));
  else append_utf8(text, unit);
  return text;
}

// The place of a byte in the order of GPT-2's printable stand-ins: those that stand for themselves come first.
std::uint32_t byte_order(std::uint32_t byte) {
  const bool stands_for_itself = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
  return stands_for_itself ? byte : byte + 256;
}

bool is_printable_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7E; });
}

}  // namespace

BpeTrainer::BpeTrainer(WordCounts& words, const BpeTrainOptions& options) : options_(options) {
  for (const std::string& token : options_.special_tokens) {
    if (ids_.count(token)) continue;
    const std::uint32_t id = add_token(token);
    lengths_[id] = 0;
    // A byte-level token is no text: where a byte stands for another character, a special token is something else.
    if (options_.byte_level && !is_printable_ascii(token)) ids_.erase(token);
  }
  const Units units = add_alphabet(words);
  if (tokens_.size() > options_.vocab_size)
    throw std::invalid_argument("vocab_size must be at least " + std::to_string(tokens_.size()) +
                                ", the special tokens and the alphabet; it is " + std::to_string(options_.vocab_size));
  add_words(words, units);
  left_deltas_.resize(tokens_.size());
  right_deltas_.resize(tokens_.size());
  widths_.assign(tokens_.size(), 1);
  count_pairs();
  list_pairs();
}

std::uint32_t BpeTrainer::add_token(const std::string& token) {
  const auto [place, is_new] = ids_.emplace(token, static_cast<std::uint32_t>(tokens_.size()));
  if (is_new) {
    tokens_.push_back(token);
    lengths_.push_back(1);
  }
  return place->second;
}

// Units in the order of their ids: by code, after the rarest are left out.
std::vector<std::uint32_t> BpeTrainer::kept_units(const std::vector<std::uint64_t>& counts,
                                                  const std::vector<bool>& stands_later) {
  std::vector<std::uint64_t> weights = counts;
  for (const std::string& unit : options_.initial_alphabet)
    for_units(unit, options_.byte_level, [&](std::uint32_t u) { weights[u] = ~std::uint64_t{0}; });
  std::vector<std::uint32_t> kept;
  for (std::uint32_t unit = 0; unit < weights.size(); ++unit)
    if (weights[unit]) kept.push_back(unit);
  std::stable_sort(kept.begin(), kept.end(), [&](std::uint32_t a, std::uint32_t b) { return weights[a] > weights[b]; });
  std::size_t limit = std::min(kept.size(), options_.limit_alphabet.value_or(kept.size()));
  if (options_.coverage < 1.0) {
    const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
    double covered = total;
    for (std::size_t i = kept.size(); i-- > 0 && weights[kept[i]] != ~std::uint64_t{0};) {
      covered -= static_cast<double>(counts[kept[i]]);
      if (covered < options_.coverage * total) break;
      limit = std::min(limit, i);
    }
  }
  kept.resize(limit);
  if (!options_.byte_level) fit(kept, counts, stands_later);
  const auto order = [this](std::uint32_t unit) { return options_.byte_level ? byte_order(unit) : unit; };
  std::sort(kept.begin(), kept.end(), [&](std::uint32_t a, std::uint32_t b) { return order(a) < order(b); });
  return kept;
}

// As many of the units, the most frequent first, as vocab_size has room for.
void BpeTrainer::fit(std::vector<std::uint32_t>& kept, const std::vector<std::uint64_t>& counts,
                     const std::vector<bool>& stands_later) {
  std::size_t room = options_.vocab_size - std::min(options_.vocab_size, tokens_.size());
  std::erase_if(kept, [&](std::uint32_t unit) {
    const std::size_t n_tokens = 1 + (!options_.prefix.empty() && stands_later[unit]);
    if (n_tokens <= room) {
      room -= n_tokens;
      return false;
    }
    ++left_out_.n_units;
    left_out_.occurrences += counts[unit];
    return true;
  });
}

BpeTrainer::Units BpeTrainer::add_alphabet(const WordCounts& words) {
  const std::size_t n_units = options_.byte_level ? 256 : kCodePoints;
  std::vector<std::uint64_t> counts(n_units, 0);
  std::vector<bool> stands_later(n_units, false);
  for (const WordCounts::Word& word : words.words()) {
    bool is_first = true;
    for_units(word.text(), options_.byte_level, [&](std::uint32_t unit) {
      counts[unit] += word.count;
      if (!is_first) stands_later[unit] = true;
      is_first = false;
    });
  }
  const std::vector<std::uint32_t> kept = kept_units(counts, stands_later);
  Units units{std::vector(n_units, kNoUnit), {}};
  for (const std::uint32_t unit : kept) {
    const std::uint32_t id = add_token(text_of(unit, options_.byte_level));
    units.first[unit] = id;
    lengths_[id] = 1;
  }
  units.later = units.first;
  if (options_.prefix.empty()) return units;
  for (const std::uint32_t unit : kept) {
    if (!stands_later[unit]) continue;
    const std::uint32_t id = add_token(options_.prefix + text_of(unit, options_.byte_level));
    units.later[unit] = id;
    lengths_[id] = 1;
  }
  return units;
}

void BpeTrainer::add_words(WordCounts& words, const Units& units) {
  std::size_t n_slots = 1;
  for (const WordCounts::Word& word : words.words()) n_slots += word.n_bytes + std::size_t{1};
  slots_.room(n_slots);
  word_starts_.reserve(words.words().size() + 1);
  word_counts_.reserve(words.words().size());
  words.consume([&](const WordCounts::Word& word) {
    const std::size_t start = slots_.size();
    slots_.push(kBoundary);
    bool is_first = true;
    for_units(word.text(), options_.byte_level, [&](std::uint32_t unit) {
      const std::uint32_t id = (is_first ? units.first : units.later)[unit];
      if (id != kNoUnit) slots_.push(id);
      is_first = false;
    });
    if (slots_.size() - start < 3) {  // nothing to join
      slots_.advance(start - slots_.size());
      return;
    }
    if (slots_.size() >= kNoUnit) throw std::length_error("the different words of a corpus for training may have 4 billion bytes together");
    word_starts_.push_back(static_cast<std::uint32_t>(start));
    word_counts_.push_back(word.count);
  });
  word_starts_.push_back(static_cast<std::uint32_t>(slots_.size()));
  slots_.push(kBoundary);
  slots_.shrink(slots_.size());
  number_words();
}

// first_words_ from word_starts_.
void BpeTrainer::number_words() {
  first_words_.resize((slots_.size() >> 6) + 1);
  for (std::size_t block = 0, word = 0; block < first_words_.size(); ++block) {
    while (word + 1 < word_counts_.size() && word_starts_[word + 1] <= block << 6) ++word;
    first_words_[block] = static_cast<std::uint32_t>(word);
  }
}

std::size_t BpeTrainer::word_at(std::uint32_t place, std::size_t at_least) const {
  std::size_t word = std::max<std::size_t>(at_least, first_words_[place >> 6]);
  while (word_starts_[word + 1] <= place) ++word;
  return word;
}

// f(left, right, place of left, count of the word) for all neighbours in every n-th word.
template <class F>
void BpeTrainer::for_pairs(std::size_t every, F f) const {
  for (std::size_t word = 0; word < word_counts_.size(); word += every) {
    const std::uint32_t end = word_starts_[word + 1];
    std::uint32_t place = word_starts_[word] + 1;
    for (std::uint32_t next; (next = place + widths_[slots_[place]]) < end; place = next)
      f(pair_of(slots_[place], slots_[next]), place, static_cast<std::int64_t>(word_counts_[word]));
  }
}

void BpeTrainer::count_pairs() {
  for_pairs(1, [&](std::uint64_t pair, std::uint32_t, std::int64_t count) { counts_[pair] += count; });
}

// Lists for the pairs that come next, and the queue from them; the lists that there are go.
void BpeTrainer::list_pairs(std::uint32_t wide) {
  // What a token that was made again left here is no list of all places, so it cannot be found again.
  std::vector<Candidate> kept;
  for (const Candidate& candidate : queue_) {
    if (entries_[candidate.entry].in_whole_words) {
      kept.push_back(candidate);
    } else {
      entries_[candidate.entry].places = Places();
      free_entries_.push_back(candidate.entry);
    }
  }
  queue_.swap(kept);
  std::make_heap(queue_.begin(), queue_.end());
  compact(wide);
  horizon_ = next_horizon();
  std::size_t n_pairs = 0;
  counts_.for_all([&](std::uint64_t pair, std::int64_t count) { n_pairs += count >= horizon_ && is_open(pair, count); });
  PairCounts numbers;  // of places; then, of lists
  numbers.reserve(n_pairs);
  counts_.for_all([&](std::uint64_t pair, std::int64_t count) {
    if (count >= horizon_ && is_open(pair, count)) numbers[pair] = 0;
  });
  for_pairs(1, [&](std::uint64_t pair, std::uint32_t, std::int64_t) {
    if (std::int64_t* const number = numbers.get(pair)) ++*number;
  });
  std::vector<Places> lists;
  std::vector<std::uint64_t> pairs;
  // Pairs that overlap themselves may be counted and stand nowhere.
  numbers.for_all([&](std::uint64_t pair, std::int64_t number) {
    if (number == 0) push(pair, {}, false);
  });
  for_pairs(1, [&](std::uint64_t pair, std::uint32_t place, std::int64_t) {
    std::int64_t* const number = numbers.get(pair);
    if (!number) return;
    if (*number > 0) {
      lists.emplace_back();
      lists.back().reserve(static_cast<std::size_t>(*number));
      pairs.push_back(pair);
      *number = -static_cast<std::int64_t>(lists.size());
    }
    lists[static_cast<std::size_t>(-*number - 1)].push_back(place);
  });
  for (std::size_t list = 0; list < lists.size(); ++list) push(pairs[list], std::move(lists[list]), false);
}

// How often a pair occurs at least that gets a list now, so that the places of all of them are about as many as they may be.
std::int64_t BpeTrainer::next_horizon() const {
  // Four classes of counts to each power of two; a sample of the words tells how many places each has.
  const auto class_of = [](std::int64_t count) {
    const int top = 63 - std::countl_zero(static_cast<std::uint64_t>(count));
    return top < 2 ? static_cast<std::size_t>(count) : 4 * static_cast<std::size_t>(top - 1) + (count >> (top - 2) & 3);
  };
  const auto lowest_of = [](std::size_t number) {
    return number < 4 ? static_cast<std::int64_t>(number) : static_cast<std::int64_t>(4 + number % 4) << (number / 4 - 1);
  };
  const std::size_t max_places = options_.max_places ? options_.max_places : std::max<std::size_t>(slots_.size() / 4, 1 << 22);
  if (slots_.size() <= max_places) return threshold();
  std::size_t places[256] = {}, highest = 0;
  counts_.for_all([&](std::uint64_t pair, std::int64_t count) {
    if (is_open(pair, count)) highest = std::max(highest, class_of(count));
  });
  const std::size_t every = std::max<std::size_t>(word_counts_.size() >> 17, 1);
  for_pairs(every, [&](std::uint64_t pair, std::uint32_t, std::int64_t) {
    const std::int64_t count = counts_.find(pair);
    if (is_open(pair, count)) places[class_of(count)] += every;
  });
  std::size_t lowest = highest;
  for (std::size_t all = places[highest]; lowest > 1 && all + places[lowest - 1] <= max_places; --lowest) all += places[lowest - 1];
  return std::max(lowest_of(lowest), threshold());
}

// Writes the words anew, one slot for each token, two for the token `wide`, without words that have become one token.
void BpeTrainer::compact(std::uint32_t wide) {
  if (n_compact_ == merges_.size() && wide == kNobody) return;
  n_compact_ = wide == kNobody ? merges_.size() : kNobody;
  std::vector<std::uint32_t*> places;  // of the lists that stay
  for (const Candidate& candidate : queue_)
    for (std::uint32_t& place : entries_[candidate.entry].places) places.push_back(&place);
  std::sort(places.begin(), places.end(), [](const std::uint32_t* a, const std::uint32_t* b) { return *a < *b; });
  IdBuffer apart;  // where words may become longer they cannot be written where they are read
  if (wide != kNobody) {
    const auto n = slots_.size() + static_cast<std::size_t>(std::count(slots_.data(), slots_.data() + slots_.size(), wide));
    apart.room(n);
    apart.advance(n);
  }
  IdBuffer& out = wide == kNobody ? slots_ : apart;
  std::size_t n_places = 0, n_words = 0;
  std::uint32_t to = 0;
  for (std::size_t word = 0; word < word_counts_.size(); ++word) {
    const std::uint32_t start = to, end = word_starts_[word + 1];
    const std::size_t first_place = n_places;
    std::uint32_t n_tokens = 0;
    out[to++] = kBoundary;
    for (std::uint32_t from = word_starts_[word] + 1; from < end; ++n_tokens) {
      const std::uint32_t id = slots_[from];
      from += widths_[id];
      for (; n_places < places.size() && *places[n_places] < from; ++n_places) *places[n_places] = to;
      out[to++] = id;
      if (id == wide) out[to++] = id | kLastSlot;
    }
    if (n_tokens < 2) {
      to = start;
      for (std::size_t i = first_place; i < n_places; ++i) *places[i] = kBoundary;
      continue;
    }
    word_starts_[n_words] = start;
    word_counts_[n_words++] = word_counts_[word];
  }
  word_starts_[n_words] = to;
  out[to++] = kBoundary;
  if (wide != kNobody) slots_ = std::move(apart);
  slots_.shrink(to);
  for (const Candidate& candidate : queue_) std::erase(entries_[candidate.entry].places, kBoundary);
  word_starts_.resize(n_words + 1);
  word_counts_.resize(n_words);
  widths_.assign(tokens_.size(), 1);
  if (wide != kNobody) widths_[wide] = 2;
  number_words();
}

void BpeTrainer::push(std::uint64_t pair, Places places, bool in_whole_words) {
  std::uint32_t entry = static_cast<std::uint32_t>(entries_.size());
  if (free_entries_.empty()) {
    entries_.push_back({pair, std::move(places), in_whole_words});
  } else {
    entry = free_entries_.back();
    free_entries_.pop_back();
    entries_[entry] = {pair, std::move(places), in_whole_words};
  }
  push({counts_.find(pair), pair, entry});
}

void BpeTrainer::push(const Candidate& candidate) {
  queue_.push_back(candidate);
  std::push_heap(queue_.begin(), queue_.end());
}

BpeTrainer::Candidate BpeTrainer::pop() {
  std::pop_heap(queue_.begin(), queue_.end());
  const Candidate best = queue_.back();
  queue_.pop_back();
  return best;
}

bool BpeTrainer::run(double seconds) {
  const auto stop = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (step())
    if (std::chrono::steady_clock::now() >= stop) return false;
  return true;
}

// One look at the best candidate; false when there is nothing more to do.
bool BpeTrainer::step() {
  if (tokens_.size() >= options_.vocab_size) return false;
  if ((queue_.empty() || queue_.front().count < horizon_) && horizon_ > threshold()) {
    list_pairs();
    return true;
  }
  if (queue_.empty()) return false;
  Candidate best = pop();
  const std::int64_t count = counts_.find(best.pair);
  if (count != best.count && count >= threshold()) {
    best.count = count;
    push(best);
    return true;
  }
  const std::string token = joined(best.pair);
  if (count == best.count && has_other_width(best.pair, token)) {
    push(best);
    list_pairs(ids_.at(token));
    return true;
  }
  Entry entry = std::move(entries_[best.entry]);
  free_entries_.push_back(best.entry);
  if (count != best.count) return true;  // it has become too rare
  done_[best.pair] = 1;
  bool is_known = false;
  const std::uint32_t made = join(best.pair, token, is_known);
  if (made == kNoUnit) return true;
  prepare(entry);
  replace(entry.places, best.pair, made);
  update(best.pair, made, is_known);
  return true;
}

// The text of the token that a pair makes.
std::string BpeTrainer::joined(std::uint64_t pair) const {
  std::string_view rest = tokens_[right_of(pair)];
  if (!options_.prefix.empty() && rest.starts_with(options_.prefix)) rest.remove_prefix(options_.prefix.size());
  return tokens_[left_of(pair)] + std::string(rest);
}

// Whether there is the token already, and where it stands it has another number of slots than the pair has.
bool BpeTrainer::has_other_width(std::uint64_t pair, const std::string& token) const {
  const auto found = ids_.find(token);
  return found != ids_.end() && lengths_[found->second] == lengths_[left_of(pair)] + lengths_[right_of(pair)] &&
         widths_[found->second] != widths_[left_of(pair)] + widths_[right_of(pair)];
}

// The token that a pair makes, or kNoUnit if it may not be joined.
std::uint32_t BpeTrainer::join(std::uint64_t pair, const std::string& token, bool& is_known) {
  const std::uint32_t left = left_of(pair), right = right_of(pair);
  const std::uint32_t length = lengths_[left] + lengths_[right];
  const auto found = ids_.find(token);
  is_known = found != ids_.end();
  if (!is_known) {
    const std::uint32_t made = add_token(token);
    lengths_[made] = length;
    widths_.push_back(widths_[left] + widths_[right]);
    left_deltas_.push_back(0);
    right_deltas_.push_back(0);
    merges_.push_back(pair);
    return made;
  }
  // A special token that the text spells, which stays text; or a word that spells the prefix itself: the same text as another
  // token, of other units.
  if (lengths_[found->second] != length) return kNoUnit;
  merges_.push_back(pair);
  return found->second;
}

// Places in the order in which words are read, each once.
void BpeTrainer::prepare(Entry& entry) const {
  Places& places = entry.places;
  if (!std::is_sorted(places.begin(), places.end())) std::sort(places.begin(), places.end());
  if (!entry.in_whole_words) return;
  Places all;
  std::size_t word = 0;
  std::uint32_t done = 0;  // all places before this one are in `all`
  for (const std::uint32_t place : places) {
    if (place < done) continue;
    word = word_at(place, word);
    done = word_starts_[word + 1];
    for (std::uint32_t i = word_starts_[word] + 1; i < done; ++i)
      if (slots_[i] == left_of(entry.pair)) all.push_back(i);
  }
  places.swap(all);
}

void BpeTrainer::replace(const Places& places, std::uint64_t pair, std::uint32_t made) {
  const std::uint32_t left = left_of(pair), right = right_of(pair);
  const std::uint32_t left_width = widths_[left], right_width = widths_[right];
  std::size_t word = 0;
  left_events_.reserve(places.size());  // growing step by step would take more
  right_events_.reserve(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i + 16 < places.size()) __builtin_prefetch(&slots_[places[i + 16]], 1);
    const std::uint32_t start = places[i], middle = start + left_width;
    if (slots_[start] != left || slots_[middle] != right) continue;
    word = word_at(start, word);
    const auto count = static_cast<std::int64_t>(word_counts_[word]);
    const std::uint32_t end = middle + right_width;
    if (left_width > 1) slots_[middle - 1] = kVoid;
    if (right_width > 1) slots_[middle] = kVoid;
    slots_[start] = made;
    slots_[end - 1] = made | kLastSlot;
    if (const std::uint32_t before = slots_[start - 1]; before != kBoundary) {
      const std::uint32_t id = before & ~kLastSlot;
      if (left_deltas_[id] == 0) left_touched_.push_back(id);
      left_deltas_[id] += count;
      left_events_.push_back({id, start - widths_[id]});
    }
    if (const std::uint32_t id = slots_[end]; id != kBoundary) {
      if (right_deltas_[id] == 0) right_touched_.push_back(id);
      right_deltas_[id] += count;
      right_events_.push_back({id, start});
    }
  }
}

// Counts of the pairs of a token that was made again, as they were before, where they are not kept.
template <class F>
void BpeTrainer::count_again(std::uint32_t made, F gained) {
  PairCounts missing;
  const auto look = [&](std::uint64_t pair, std::int64_t delta) {
    if (counts_.get(pair) == nullptr) missing[pair] -= delta;  // the words hold the new ones already
  };
  for (const std::uint32_t id : left_touched_) look(pair_of(id, made), left_deltas_[id]);
  for (const std::uint32_t id : right_touched_) look(pair_of(made, id), gained(id));
  for_pairs(1, [&](std::uint64_t pair, std::uint32_t, std::int64_t count) {
    if (std::int64_t* const found = missing.get(pair)) *found += count;
  });
  missing.for_all([this](std::uint64_t pair, std::int64_t count) { counts_[pair] = count; });
}

// The counts after a merge, and the new pairs.
void BpeTrainer::update(std::uint64_t pair, std::uint32_t made, bool is_known) {
  const std::uint32_t left = left_of(pair), right = right_of(pair);
  if (!counts_.has_room(left_touched_.size() + right_touched_.size()))
    counts_.clean(left_touched_.size() + right_touched_.size(),
                  [this](std::uint64_t one, std::int64_t count) { return count >= threshold() || done_.find(one); });
  // Where the token follows itself, the pair of it and `left` was made on the way and is gone again.
  const std::int64_t on_the_way = left_deltas_[made];
  if (on_the_way && right_deltas_[left] == 0) right_touched_.push_back(left);
  const auto gained = [&](std::uint32_t id) { return right_deltas_[id] - (id == left ? on_the_way : 0); };
  std::vector<std::uint64_t> recovered;  // pairs too rare to be listed so far
  std::vector<std::uint64_t> fresh;      // pairs of a token made again that were not there
  if (is_known) count_again(made, gained);
  const auto subtract = [&](std::uint64_t old_pair, std::int64_t delta) {
    if (std::int64_t* const count = counts_.get(old_pair)) *count -= delta;
  };
  const auto add = [&](std::uint64_t new_pair, std::int64_t delta) {
    if (!is_known) {
      if (delta >= threshold()) counts_[new_pair] = delta;
      return;
    }
    std::int64_t& count = counts_[new_pair];
    if (count == 0) fresh.push_back(new_pair);
    if (count > 0 && count < threshold() && count + delta >= threshold()) recovered.push_back(new_pair);
    count += delta;
  };
  for (const std::uint32_t id : left_touched_) {
    if (id != made) subtract(pair_of(id, left), left_deltas_[id]);
    if (may_join(id, made)) add(pair_of(id, made), left_deltas_[id]);
    left_deltas_[id] = 0;
  }
  for (const std::uint32_t id : right_touched_) {
    subtract(pair_of(right, id), right_deltas_[id]);
    if (may_join(made, id)) add(pair_of(made, id), gained(id));
    right_deltas_[id] = 0;
  }
  for (const std::uint64_t one : fresh)
    if (counts_.find(one) >= threshold()) done_[one] = 1;  // the list that `group` makes is their only one
  left_touched_.clear();
  right_touched_.clear();
  // A pair of twice the new token is one pair, from whichever side it was seen.
  for (const Event& event : left_events_)
    if (event.id == made) right_events_.push_back(event);
  std::erase_if(left_events_, [made](const Event& event) { return event.id == made; });
  for (const std::uint64_t known : recovered) push(known, find_places(known), false);
  group(left_events_, made, false, is_known);
  group(right_events_, made, true, is_known);
}

// Lists of places from the events, one list for each neighbour.
void BpeTrainer::group(std::vector<Event>& events, std::uint32_t made, bool made_is_left, bool is_known) {
  const std::int64_t least = is_known ? threshold() : std::max(horizon_, threshold());
  event_counts_.resize(tokens_.size(), 0);
  event_ids_.clear();
  for (const Event& event : events)
    if (event_counts_[event.id]++ == 0) event_ids_.push_back(event.id);
  std::vector<Places> lists(event_ids_.size());
  std::vector<std::uint64_t> pairs(event_ids_.size());
  for (std::uint32_t i = 0; i < event_ids_.size(); ++i) {
    const std::uint32_t id = event_ids_[i];
    pairs[i] = made_is_left ? pair_of(made, id) : pair_of(id, made);
    const bool is_allowed = made_is_left ? may_join(made, id) : may_join(id, made);
    if (is_allowed && counts_.find(pairs[i]) >= least) lists[i].reserve(event_counts_[id]);
    event_counts_[id] = i;
  }
  for (const Event& event : events)
    if (Places& list = lists[event_counts_[event.id]]; list.capacity()) list.push_back(event.place);
  for (std::size_t i = 0; i < lists.size(); ++i) {
    event_counts_[event_ids_[i]] = 0;
    if (!lists[i].empty()) push(pairs[i], std::move(lists[i]), is_known);
  }
  events.clear();
  if (events.capacity() > 1 << 18) events.shrink_to_fit();
}

BpeTrainer::Places BpeTrainer::find_places(std::uint64_t pair) const {
  Places places;
  const std::uint32_t left = left_of(pair);
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i] == left && slots_[i + widths_[left]] == right_of(pair)) places.push_back(static_cast<std::uint32_t>(i));
  return places;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> BpeTrainer::merges() const {
  std::unordered_set<std::uint64_t> seen;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> kept;
  for (std::size_t i = merges_.size(); i-- > 0;)  // the last place of a pair that was joined twice counts
    if (seen.insert(merges_[i]).second) kept.emplace_back(left_of(merges_[i]), right_of(merges_[i]));
  std::reverse(kept.begin(), kept.end());
  return kept;
}

}  // namespace qianru
