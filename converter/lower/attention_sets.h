// Windows and static biases of attention -> the constants of engine/ops/attention.h.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "converter/graph/node.h"
#include "engine/ops/attention.h"
#include "intvit/status.h"

namespace intvit {

// Slots of a window that see each other, queries first, then pads; without windows, one set of all keys.
struct AttentionSetList {
  struct Set {
    std::vector<std::int32_t> rows;  // of its entries; -1: a pad
    std::vector<int> slots;          // of its entries in the window
    int queries = 0;
  };
  std::vector<Set> sets;
  bool has_pads = false;
};

AttentionSetList sets_of_windows(const WindowSpec& windows);

// The constant `sets` (engine/ops/attention_sets.h), and where biases of sets that look alike lie.
struct LoweredSets {
  std::vector<std::int32_t> words;
  std::uint32_t most_keys = 0;
  std::uint32_t bias_columns = 0;
  // One of each kind of sets that look alike, with where its biases begin.
  std::vector<std::pair<const AttentionSetList::Set*, std::uint32_t>> kinds;
};

LoweredSets lower_sets(const AttentionSetList& list);

// Biases of one head in 16 bits, and the shift that makes them units of its scores.
struct LoweredBias {
  std::vector<std::int16_t> values;  // [bias_columns]
  std::int32_t shift = 0;
};

// bias: [queries][keys] of the head, in nats, where slots of windows are both. parameters: of the head.
// farthest: of all |q - q_zero|, head_dim times. unsupported where scores and biases together do not fit 30 bits.
Result<LoweredBias> lower_bias(const LoweredSets& sets, const float* bias, int keys,
                               const std::array<std::int32_t, kAttentionParameters>& parameters, double farthest);

}  // namespace intvit
