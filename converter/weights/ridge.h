// The closed-form correction of a layer's weights for the error of its inputs (ERQ, Zhong et al., ICML 2024):
//   minimise over W', b':  E | T - W' a - b' |^2 + ridge * | W' - W |^2
// where a are the quantized inputs and T the wanted outputs. Only moments are needed: cov(a), cov(a, T).
#pragma once

#include "converter/graph/layers.h"
#include "converter/weights/moments.h"

namespace intvit {

// `wanted` is [inputs][outputs]: cov(a, T); `wanted_mean` [outputs]. `ridge` is a share of the mean variance of a.
FloatLinear ridge_corrected(const FloatLinear& layer, const Moments& moments, const std::vector<float>& wanted,
                            const std::vector<double>& wanted_mean, double ridge, int threads);

}  // namespace intvit
