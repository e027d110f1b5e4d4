// Rows of softmax probabilities in groups by their largest probability, each group with its own uniform quantizer from
// 0 to the group's bound: IGQ-ViT (Moon et al., CVPR 2024), section 4. The levels are one table relative to the bound,
// so that at run time a group is an offset of the logarithm and a divisor (docs/arithmetic.md).
// Assumes simulate.h's nearest_bound() as the assignment. Not for linear layers' inputs (channel_groups.h).
#pragma once

#include <vector>

#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

namespace intvit {

// Levels q / (2^bits - 1), q = 0 .. 2^bits - 1.
TableScheme uniform_levels(int bits);

struct RowGroupOptions {
  int groups = 8;
  int bits = 4;
  int value_bits = 8;
};

// Bounds by alternation on the rows' largest probabilities, on a logarithmic scale: each row to the nearest bound, each
// bound to the mean of its rows. Ascending, in (0, 1]; fewer than `groups` if there are fewer distinct maxima.
std::vector<double> alternate_row_bounds(const std::vector<double>& maxima, int groups);

// errors[row * candidates.size() + i]: what row `row` costs with the bound candidates[i] (ascending). Returned are at
// most `groups` of the candidates, with the least sum over all rows when every row takes the bound that is nearest to
// its maximum: exact, by dynamic programming over neighbouring bounds.
std::vector<double> best_row_bounds(const std::vector<double>& maxima, const std::vector<double>& candidates,
                                    const std::vector<double>& errors, int groups);

// Bounds with the least error of (probabilities x values), from some of the rows. Bounds may lie below the maxima that
// they serve: rows are clipped where that costs less than coarser levels.
SoftmaxScheme row_groups(const TensorSamples& probabilities, const TensorSamples& values, int heads,
                         const RowGroupOptions& options, int threads);

}  // namespace intvit
