// How a channel-wise quantizer of a LayerNorm's output becomes a layer-wise one: x' = x / r_c - b_c, undone in the
// layer behind (converter/equalise/fold.h), with one uniform scheme for all of x'.
//   RepQ-ViT (Li et al., ICCV 2023, eq. 4 to 7): r_c = s_c / s, b_c = s (z - z_c), s and z the means over the channels
//   DopQ-ViT's SOSF: the search of a better scale. With all of r_c = s_c / s, the choice of s changes no code, neither
//   of activations nor of weights (both are only rescaled), so our reading gives the search real freedom:
//   r_c = clip((s_c / s)^exponent, 1 / most, most), which always includes RepQ's.
// Channels without a range (LayerNorm's gain is 0) get r_c = 1, and their constant is b_c: exact in every code.
#pragma once

#include <limits>
#include <vector>

#include "converter/graph/layers.h"
#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

namespace intvit {

// What the quantizer of every channel spans.
struct ChannelRanges {
  std::vector<double> low, high;
};

// By the percentile search of RepQ-ViT in every channel (quantizers/uniform.h), without making room for zero.
ChannelRanges channel_ranges(const TensorSamples& samples, int bits, int threads);

enum class CommonScale {
  mean,
  median,
  inlier_median,  // of scales within three median absolute deviations ("MAD-guided", version 3 of DopQ-ViT's paper)
};

struct Reparameterisation {
  Equalisation equalisation;
  UniformScheme scheme;  // of x'
};

// RepQ-ViT's: the codes of x' are those of the channel-wise quantizers, whatever `common` is.
Reparameterisation reparameterise(const ChannelRanges& ranges, CommonScale common, int bits);

struct ScaleRule {
  CommonScale common = CommonScale::mean;
  double exponent = 1;
  double most = std::numeric_limits<double>::infinity();
};

// All that SOSF looks at; RepQ-ViT's comes first.
std::vector<ScaleRule> scale_rules();

// Channels are put in the middle of each other's ranges.
Equalisation partial_equalisation(const ChannelRanges& ranges, const ScaleRule& rule, int bits);

enum class Offsets {
  chosen,  // channels in the middle of each other
  none,    // 0: for values, which attention passes on as they are but for its rounded softmax
};

// The rule and the clipping of x' with the least |x W^T - Q(x') Q(W')^T|^2 at the layer's output, less its mean error,
// which the bias takes. Weights are rounded to nearest; sample rows and outputs.
Reparameterisation best_reparameterisation(const TensorSamples& samples, const FloatLinear& layer,
                                           const WeightScheme& weights, int bits, Offsets offsets, int threads);

}  // namespace intvit
