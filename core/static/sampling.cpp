#include "static/sampling.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace qianru {

namespace {

std::uint32_t as_threshold(double probability) {
  const double scaled = probability * 4294967296.0 - 1.0;
  if (scaled >= 4294967295.0) return 0xFFFFFFFFu;
  return scaled <= 0.0 ? 0u : static_cast<std::uint32_t>(scaled);
}

}  // namespace

std::vector<std::uint32_t> keep_thresholds(const std::uint64_t* counts, std::size_t n_keys, double sample) {
  double total = 0;
  for (std::size_t i = 0; i < n_keys; ++i) total += static_cast<double>(counts[i]);
  std::vector<std::uint32_t> thresholds(n_keys, 0xFFFFFFFFu);
  if (sample <= 0) return thresholds;
  for (std::size_t i = 0; i < n_keys; ++i) {
    const double ratio = sample * total / std::max(1.0, static_cast<double>(counts[i]));
    thresholds[i] = as_threshold(std::sqrt(ratio) + ratio);
  }
  return thresholds;
}

AliasTable::AliasTable(const std::uint64_t* counts, std::size_t n_keys, double power)
    : slots_(n_keys), n_slots_(static_cast<std::uint32_t>(n_keys)) {
  std::vector<double> share(n_keys);
  double total = 0;
  for (std::size_t i = 0; i < n_keys; ++i) total += share[i] = std::pow(static_cast<double>(counts[i]), power);
  std::vector<std::uint32_t> small, large;
  for (std::size_t i = 0; i < n_keys; ++i) {
    share[i] *= static_cast<double>(n_keys) / total;
    (share[i] < 1.0 ? small : large).push_back(static_cast<std::uint32_t>(i));
  }
  while (!small.empty() && !large.empty()) {
    const std::uint32_t s = small.back(), l = large.back();
    small.pop_back();
    slots_[s] = {as_threshold(share[s]), l};
    share[l] -= 1.0 - share[s];
    if (share[l] < 1.0) {
      large.pop_back();
      small.push_back(l);
    }
  }
  for (std::uint32_t i : small) slots_[i] = {0xFFFFFFFFu, i};  // rounding left these a hair below 1
  for (std::uint32_t i : large) slots_[i] = {0xFFFFFFFFu, i};
}

HuffmanPaths huffman_paths(const std::uint64_t* counts, std::size_t n_keys) {
  if (n_keys < 2) throw std::invalid_argument("a Huffman tree needs at least two words");
  for (std::size_t i = 1; i < n_keys; ++i)
    if (counts[i] > counts[i - 1]) throw std::invalid_argument("counts must come in falling order");
  // Leaves are 0 .. n-1, inner nodes n .. 2n-2 in order of creation, so that both queues below are sorted by themselves.
  const std::size_t n_nodes = 2 * n_keys - 1;
  std::vector<std::uint64_t> weight(counts, counts + n_keys);
  weight.reserve(n_nodes);
  std::vector<std::uint32_t> parent(n_nodes, 0);
  std::vector<float> sign(n_nodes, -1.0f);
  std::size_t next_leaf = n_keys, next_inner = n_keys;
  auto lightest = [&]() -> std::size_t {
    if (next_leaf > 0 && (next_inner >= weight.size() || weight[next_leaf - 1] < weight[next_inner])) return --next_leaf;
    return next_inner++;
  };
  while (weight.size() < n_nodes) {
    const std::size_t first = lightest(), second = lightest();
    parent[first] = parent[second] = static_cast<std::uint32_t>(weight.size());
    sign[second] = 1.0f;
    weight.push_back(weight[first] + weight[second]);
  }
  HuffmanPaths paths;
  paths.offsets.push_back(0);
  for (std::size_t word = 0; word < n_keys; ++word) {
    const std::size_t begin = paths.nodes.size();
    for (std::size_t node = word; node != n_nodes - 1; node = parent[node]) {
      paths.nodes.push_back(static_cast<std::uint32_t>(parent[node] - n_keys));
      paths.signs.push_back(sign[node]);
    }
    std::reverse(paths.nodes.begin() + static_cast<std::ptrdiff_t>(begin), paths.nodes.end());
    std::reverse(paths.signs.begin() + static_cast<std::ptrdiff_t>(begin), paths.signs.end());
    paths.longest = std::max(paths.longest, paths.nodes.size() - begin);
    paths.offsets.push_back(paths.nodes.size());
  }
  return paths;
}

}  // namespace qianru
