#include "tokens/bpe_train.h"

#include <algorithm>
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

std::int64_t& PairCounts::operator[](std::uint64_t pair) {
  std::size_t i = place(pair);
  for (; slots_[i].pair != kEmpty; i = (i + 1) & (slots_.size() - 1))
    if (slots_[i].pair == pair) return slots_[i].count;
  if (5 * (n_ + 1) > 3 * slots_.size()) {
    grow();
    return (*this)[pair];
  }
  ++n_;
  slots_[i] = {pair, 0};
  return slots_[i].count;
}

std::int64_t PairCounts::find(std::uint64_t pair) const {
  for (std::size_t i = place(pair); slots_[i].pair != kEmpty; i = (i + 1) & (slots_.size() - 1))
    if (slots_[i].pair == pair) return slots_[i].count;
  return 0;
}

void PairCounts::grow() {
  std::vector<Slot> old(2 * slots_.size(), Slot{kEmpty, 0});
  old.swap(slots_);
  --shift_;
  for (const Slot& slot : old) {
    if (slot.pair == kEmpty) continue;
    std::size_t i = place(slot.pair);
    while (slots_[i].pair != kEmpty) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = slot;
  }
}

BpeTrainer::BpeTrainer(const WordCounts& words, const BpeTrainOptions& options) : options_(options) {
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
  index_pairs();
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
std::vector<std::uint32_t> BpeTrainer::kept_units(const std::vector<std::uint64_t>& counts) const {
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
  const auto order = [this](std::uint32_t unit) { return options_.byte_level ? byte_order(unit) : unit; };
  std::sort(kept.begin(), kept.end(), [&](std::uint32_t a, std::uint32_t b) { return order(a) < order(b); });
  return kept;
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
  const std::vector<std::uint32_t> kept = kept_units(counts);
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

void BpeTrainer::add_words(const WordCounts& words, const Units& units) {
  std::size_t n_slots = 1;
  for (const WordCounts::Word& word : words.words()) n_slots += word.n_bytes + std::size_t{1};
  slots_.reserve(n_slots);
  for (const WordCounts::Word& word : words.words()) {
    const std::size_t start = slots_.size();
    slots_.push_back(kBoundary);
    bool is_first = true;
    for_units(word.text(), options_.byte_level, [&](std::uint32_t unit) {
      const std::uint32_t id = (is_first ? units.first : units.later)[unit];
      if (id != kNoUnit) slots_.push_back(id);
      is_first = false;
    });
    if (slots_.size() - start < 3) {  // nothing to join
      slots_.resize(start);
      continue;
    }
    if (slots_.size() >= kNoUnit) throw std::length_error("the different words of a corpus for training may have 4 billion bytes together");
    word_starts_.push_back(static_cast<std::uint32_t>(start));
    word_counts_.push_back(word.count);
  }
  word_starts_.push_back(static_cast<std::uint32_t>(slots_.size()));
  slots_.push_back(kBoundary);
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

void BpeTrainer::index_pairs() {
  PairCounts numbers;  // how many places each pair has; then, its list
  for (std::size_t word = 0; word < word_counts_.size(); ++word)
    for (std::uint32_t i = word_starts_[word] + 1; i + 1 < word_starts_[word + 1]; ++i) {
      const std::uint64_t pair = pair_of(slots_[i], slots_[i + 1]);
      counts_[pair] += static_cast<std::int64_t>(word_counts_[word]);
      ++numbers[pair];
    }
  std::vector<Places> lists;
  std::vector<std::uint64_t> pairs;
  for (std::size_t word = 0; word < word_counts_.size(); ++word)
    for (std::uint32_t i = word_starts_[word] + 1; i + 1 < word_starts_[word + 1]; ++i) {
      const std::uint64_t pair = pair_of(slots_[i], slots_[i + 1]);
      std::int64_t& number = numbers[pair];
      if (number > 0) {
        const bool is_frequent = counts_.find(pair) >= threshold();
        lists.emplace_back();
        if (is_frequent) lists.back().reserve(static_cast<std::size_t>(number));
        pairs.push_back(is_frequent ? pair : ~std::uint64_t{0});
        number = -static_cast<std::int64_t>(lists.size());
      }
      const auto list = static_cast<std::size_t>(-number - 1);
      if (pairs[list] == pair) lists[list].push_back(i);
    }
  for (std::size_t list = 0; list < lists.size(); ++list)
    if (!lists[list].empty()) push(pairs[list], std::move(lists[list]), false);
  left_deltas_.resize(tokens_.size());
  right_deltas_.resize(tokens_.size());
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
  queue_.push({counts_.find(pair), pair, entry});
}

bool BpeTrainer::run(double seconds) {
  const auto stop = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (step())
    if (std::chrono::steady_clock::now() >= stop) return false;
  return true;
}

// One look at the best candidate; false when there is nothing more to do.
bool BpeTrainer::step() {
  if (tokens_.size() >= options_.vocab_size || queue_.empty()) return false;
  Candidate best = queue_.top();
  queue_.pop();
  const std::int64_t count = counts_.find(best.pair);
  if (count != best.count && count >= threshold()) {
    best.count = count;
    queue_.push(best);
    return true;
  }
  Entry entry = std::move(entries_[best.entry]);
  free_entries_.push_back(best.entry);
  if (count != best.count) return true;  // it has become too rare
  bool is_known = false;
  const std::uint32_t made = join(best.pair, is_known);
  if (made == kNoUnit) return true;
  prepare(entry);
  replace(entry.places, best.pair, made);
  update(best.pair, made, is_known);
  return true;
}

// The token that a pair makes, or kNoUnit if it may not be joined.
std::uint32_t BpeTrainer::join(std::uint64_t pair, bool& is_known) {
  const std::uint32_t left = left_of(pair), right = right_of(pair);
  std::string_view rest = tokens_[right];
  if (!options_.prefix.empty() && rest.starts_with(options_.prefix)) rest.remove_prefix(options_.prefix.size());
  const std::string token = tokens_[left] + std::string(rest);
  const std::uint32_t length = lengths_[left] + lengths_[right];
  const auto found = ids_.find(token);
  is_known = found != ids_.end();
  if (!is_known) {
    const std::uint32_t made = add_token(token);
    lengths_[made] = length;
    left_deltas_.push_back(0);
    right_deltas_.push_back(0);
    merges_.push_back(pair);
    return made;
  }
  std::uint32_t& known_length = lengths_[found->second];
  if (known_length == 0) known_length = length;  // a special token that the text spells
  // A word that spells the prefix itself: the same text as another token, of other units.
  if (known_length != length) return kNoUnit;
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
  const std::uint32_t left_length = lengths_[left], right_length = lengths_[right];
  std::size_t word = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i + 16 < places.size()) __builtin_prefetch(&slots_[places[i + 16]], 1);
    const std::uint32_t start = places[i], middle = start + left_length;
    if (slots_[start] != left || slots_[middle] != right) continue;
    word = word_at(start, word);
    const auto count = static_cast<std::int64_t>(word_counts_[word]);
    const std::uint32_t end = middle + right_length;
    if (left_length > 1) slots_[middle - 1] = kVoid;
    if (right_length > 1) slots_[middle] = kVoid;
    slots_[start] = made;
    slots_[end - 1] = made | kLastSlot;
    if (const std::uint32_t before = slots_[start - 1]; before != kBoundary) {
      const std::uint32_t id = before & ~kLastSlot;
      if (left_deltas_[id] == 0) left_touched_.push_back(id);
      left_deltas_[id] += count;
      left_events_.push_back({id, start - lengths_[id]});
    }
    if (const std::uint32_t id = slots_[end]; id != kBoundary) {
      if (right_deltas_[id] == 0) right_touched_.push_back(id);
      right_deltas_[id] += count;
      right_events_.push_back({id, start});
    }
  }
}

// The counts after a merge, and the new pairs.
void BpeTrainer::update(std::uint64_t pair, std::uint32_t made, bool is_known) {
  const std::uint32_t left = left_of(pair), right = right_of(pair);
  std::vector<std::uint64_t> recovered;  // pairs too rare to be listed so far
  const auto add = [&](std::uint64_t new_pair, std::int64_t delta) {
    std::int64_t& count = counts_[new_pair];
    if (is_known && count > 0 && count < threshold() && count + delta >= threshold()) recovered.push_back(new_pair);
    count += delta;
  };
  for (const std::uint32_t id : left_touched_) {
    counts_[pair_of(id, left)] -= left_deltas_[id];
    if (may_join(id, made)) add(pair_of(id, made), left_deltas_[id]);
    left_deltas_[id] = 0;
  }
  for (const std::uint32_t id : right_touched_) {
    counts_[pair_of(right, id)] -= right_deltas_[id];
    if (may_join(made, id)) add(pair_of(made, id), right_deltas_[id]);
    right_deltas_[id] = 0;
  }
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
    if (is_allowed && counts_.find(pairs[i]) >= threshold()) lists[i].reserve(event_counts_[id]);
    event_counts_[id] = i;
  }
  for (const Event& event : events)
    if (Places& list = lists[event_counts_[event.id]]; list.capacity()) list.push_back(event.place);
  for (std::size_t i = 0; i < lists.size(); ++i) {
    event_counts_[event_ids_[i]] = 0;
    if (!lists[i].empty()) push(pairs[i], std::move(lists[i]), is_known);
  }
  events.clear();
}

BpeTrainer::Places BpeTrainer::find_places(std::uint64_t pair) const {
  Places places;
  const std::uint32_t left = left_of(pair);
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i] == left && slots_[i + lengths_[left]] == right_of(pair)) places.push_back(static_cast<std::uint32_t>(i));
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
