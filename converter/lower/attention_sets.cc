#include "converter/lower/attention_sets.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "converter/graph/windows.h"
#include "kernels/gemm/tiles.h"
#include "kernels/softmax/softmax.h"

namespace intvit {
namespace {

constexpr std::int32_t kMostBiasShift = 14;
constexpr double kLargestBias = 32767;

}  // namespace

AttentionSetList sets_of_windows(const WindowSpec& windows) {
  const WindowMap map = expand(windows);
  AttentionSetList list;
  for (int window = 0; window < map.windows; ++window) {
    const std::size_t first = static_cast<std::size_t>(window) * static_cast<std::size_t>(map.tokens);
    std::map<int, AttentionSetList::Set> regions;
    for (const bool pads : {false, true}) {
      for (int slot = 0; slot < map.tokens; ++slot) {
        const std::size_t at = first + static_cast<std::size_t>(slot);
        if ((map.rows[at] < 0) != pads) continue;
        AttentionSetList::Set& set = regions[map.regions.empty() ? 0 : map.regions[at]];
        set.rows.push_back(map.rows[at]);
        set.slots.push_back(slot);
        if (!pads) ++set.queries;
      }
    }
    for (auto& [region, set] : regions) {
      if (set.queries == 0) continue;  // pads that no token sees
      list.has_pads |= set.queries < static_cast<int>(set.rows.size());
      list.sets.push_back(std::move(set));
    }
  }
  return list;
}

LoweredSets lower_sets(const AttentionSetList& list) {
  LoweredSets lowered;
  std::vector<std::int32_t> rows;
  std::map<std::pair<int, std::vector<int>>, std::uint32_t> places;
  lowered.words.push_back(static_cast<std::int32_t>(list.sets.size()));
  for (const AttentionSetList::Set& set : list.sets) {
    const auto keys = static_cast<int>(set.rows.size());
    const auto [place, is_new] = places.try_emplace({set.queries, set.slots}, lowered.bias_columns);
    if (is_new) {
      lowered.kinds.emplace_back(&set, lowered.bias_columns);
      lowered.bias_columns += static_cast<std::uint32_t>(set.queries * kernels::padded_columns(keys));
    }
    lowered.words.insert(lowered.words.end(), {static_cast<std::int32_t>(rows.size()), keys, set.queries,
                                               static_cast<std::int32_t>(place->second)});
    lowered.most_keys = std::max(lowered.most_keys, static_cast<std::uint32_t>(keys));
    rows.insert(rows.end(), set.rows.begin(), set.rows.end());
  }
  lowered.words.insert(lowered.words.end(), rows.begin(), rows.end());
  return lowered;
}

Result<LoweredBias> lower_bias(const LoweredSets& sets, const float* bias, int keys,
                               const std::array<std::int32_t, kAttentionParameters>& parameters, double farthest) {
  // Of one nat, in units of scores that have their left shift: t of kernels/softmax/softmax.h is a score's distance
  // shifted to the right, times the multiplier.
  const std::int32_t right = parameters[kSoftmaxRightShift], left = parameters[kSoftmaxLeftShift];
  const double per_nat = std::numbers::log2e * (1 << kernels::kSoftmaxFractionBits) * std::ldexp(1.0, 16 + right) /
                         std::max(parameters[kSoftmaxMultiplier], 1);
  // A row's biases may all move alike, so they lie around 0.
  std::vector<double> exact(sets.bias_columns);
  double largest = 0;
  for (const auto& [set, place] : sets.kinds) {
    const auto stride = static_cast<std::size_t>(kernels::padded_columns(static_cast<int>(set->slots.size())));
    for (int i = 0; i < set->queries; ++i) {
      const float* row = bias + static_cast<std::ptrdiff_t>(set->slots[static_cast<std::size_t>(i)]) * keys;
      double low = row[set->slots[0]], high = low;
      for (const int slot : set->slots) {
        low = std::min<double>(low, row[slot]);
        high = std::max<double>(high, row[slot]);
      }
      for (std::size_t j = 0; j < set->slots.size(); ++j) {
        exact[place + static_cast<std::size_t>(i) * stride + j] = (row[set->slots[j]] - (low + high) / 2) * per_nat;
      }
      largest = std::max(largest, (high - low) / 2 * per_nat);
    }
  }
  LoweredBias lowered;
  while (std::ldexp(largest, -lowered.shift) > kLargestBias) ++lowered.shift;
  const double reach = std::ldexp(128 * farthest, left) + std::ldexp(1.0, 15 + lowered.shift);
  if (lowered.shift > kMostBiasShift || reach >= std::ldexp(1.0, 30)) {
    return Status(Code::unsupported, "a position bias that reaches " + std::to_string(largest / per_nat) +
                                         ", too far for scores of these queries and keys");
  }
  for (const double x : exact)
    lowered.values.push_back(static_cast<std::int16_t>(std::lround(std::ldexp(x, -lowered.shift))));
  return lowered;
}

}  // namespace intvit
