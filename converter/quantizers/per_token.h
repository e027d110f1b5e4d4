// A uniform quantizer per token position, with rare large values kept aside: the per-patch outlier-aware quantizer of
// ADFQ-ViT (section 5a of its released code; docs/quantizers.md), for the inputs of qkv and fc1.
// The positions' ranges are static: fixed in calibration, over all pictures and channels. Outliers, |x| > tau in real
// units, stay on the grid of the tensor (scheme.h), which therefore must cover them.
// Assumes that every picture has as many tokens as the samples have rows.
#pragma once

#include <vector>

#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

namespace intvit {

struct TokenOptions {
  int bits = 4;
  int grid_bits = 8;   // of the common grid, 8..12
  double outlier = 0;  // tau; 0: no values are kept aside
  // Of every row, its position: those of one position have one quantizer, as the same slots of all windows do. Empty:
  // every row is a position of its own.
  std::vector<int> positions = {};
};

// Every position's range is the one between the quantiles 1 - p and p of its values with the least squared error, p as
// in percentile_scheme() of uniform.h; outliers count neither for quantiles nor for errors. importance: what an error
// of each channel counts (channel_error.h), [cols].
ActivationScheme token_scheme(const TensorSamples& samples, const std::vector<double>& importance,
                              const TokenOptions& options);

// Every row of a picture spans its own extremes, outliers aside: nothing but the grid is fixed in calibration.
ActivationScheme dynamic_token_scheme(const TensorSamples& samples, const TokenOptions& options);

}  // namespace intvit
