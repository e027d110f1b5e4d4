// The error of quantizers of a linear layer's input where it matters, at the layer's output, channel by channel:
// sum over channels of |W_c|^2 var(x_c - x^_c). The mean error of a channel does not count, since the bias takes it
// (optimise/sequential.h); that errors of channels go together is neglected, as in PTQ4ViT's diagonal Hessian.
#pragma once

#include <functional>
#include <vector>

#include "converter/float/network.h"
#include "converter/observe/block_samples.h"
#include "converter/scheme.h"

namespace intvit {

class InputError {
 public:
  // Sample rows: every n-th of every picture, about a thousand together.
  InputError(const SiteSamples& inputs, const FloatLinear& layer);

  double of(const ActivationScheme& scheme) const;

  // The candidate with the least error.
  ActivationScheme choose(const std::vector<ActivationScheme>& candidates, int threads) const;

 private:
  int rows_ = 0, cols_ = 0;
  std::vector<float> samples_;   // [rows_][cols_]
  std::vector<double> weights_;  // [cols_]
};

}  // namespace intvit
