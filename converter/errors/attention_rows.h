// What softmax quantizers cost at the output of the attention, row by row: |sum_j (a_j - a^_j) v_j|^2 for sampled rows
// of an attention, with many quantizers at a time. Choices of bounds, scales and tables are sums of these numbers.
// Values are the float network's. Not for layers' inputs (channel_error.h).
#pragma once

#include <vector>

#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

namespace intvit {

struct AttentionRows {
  std::vector<double> maxima;  // [rows] largest probability
  std::vector<int> heads;      // [rows]
  std::vector<double> errors;  // [rows][alternatives]
};

// About `most` rows, evenly spread over pictures, heads and tokens. Row r of alternative i is held by alternatives[i].
AttentionRows attention_rows(const TensorSamples& probabilities, const TensorSamples& values, int heads,
                             const std::vector<SoftmaxScheme>& alternatives, int most, int threads);

// The largest and the smallest row maximum, of the same rows.
struct MaximumRange {
  double least, largest;
};
MaximumRange row_maximum_range(const TensorSamples& probabilities);

}  // namespace intvit
