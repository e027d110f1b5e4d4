// The uniform quantizer with the least squared error of some weighted values: what every "minimise the MSE" of the
// papers on uniform quantizers comes down to. Deterministic.
#pragma once

#include <span>
#include <vector>

#include "converter/observe/histogram.h"
#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

namespace intvit {

struct WeightedValue {
  double value;
  double weight;
};

// Bins of a histogram that are not empty.
std::vector<WeightedValue> weighted_values(const Histogram& histogram);

// The values of a tensor, each with its channel's weight, in bins of equal width.
std::vector<WeightedValue> weighted_values(const TensorSamples& samples, const std::vector<double>& channel_weights);

double squared_error(std::span<const WeightedValue> values, const UniformScheme& scheme);

// Begins with the range that covers all values and shrinks it: first both ends together, then each end by itself, then
// each end in finer steps. Zero is always one of the codes. Without any values: a scheme of constant zero.
UniformScheme least_error_range(std::span<const WeightedValue> values, int bits);

}  // namespace intvit
