// The error of quantizers where it matters, behind the next multiplication, channel by channel:
//   sum over channels c of weight_c * |x_c - x^_c|^2
// with the squared column of the next matrix as the weight, and without the mean error of a channel where something
// behind takes that away: a bias (weights/error_feedback.h), or the softmax if all keys are off by the same. That
// errors of channels go together is neglected, as in the diagonal Hessian of PTQ4ViT. Not for schemes with a part per
// token or with groups of channels, since the samples are rows out of their pictures.
#pragma once

#include <vector>

#include "converter/graph/layers.h"
#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

namespace intvit {

class ChannelError {
 public:
  // The channels from `first` on, one per weight. Sample rows: every n-th of every picture, about a thousand together.
  ChannelError(const TensorSamples& samples, int first, std::vector<double> weights, bool mean_counts);

  double of(const ActivationScheme& scheme) const;

  // The samples' extremes over all rows, and zero.
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  int rows_ = 0, cols_;
  bool mean_counts_;
  double low_ = 0, high_ = 0;
  std::vector<float> samples_;   // [rows_][cols_]
  std::vector<double> weights_;  // [cols_]
};

// Sum of squares of every column of a layer's weights.
std::vector<double> column_powers(const FloatLinear& layer);

// Mean square of channels, or their variance.
std::vector<double> channel_powers(const TensorSamples& samples, int first, int count, bool about_mean);

}  // namespace intvit
