// Choosing integer weights layer after layer, in the order of execution, on the inputs that the quantized network
// really presents: activations as their codes hold them, all earlier weights already rounded. For every layer
//   1. ridge correction: the weights that bring the quantized inputs nearest to what the float network's layer gives
//      for its own inputs, in closed form (ERQ, Zhong et al., ICML 2024); for a layer that adds to a residual stream,
//      nearest to what makes the stream itself right again;
//   2. rounding with second-order error feedback (weights/error_feedback.h), a bias that leaves no mean error.
#pragma once

#include "converter/observe/picture_run.h"
#include "converter/plan/plan.h"
#include "converter/weights/quantize.h"

namespace intvit {

struct WeightOptions {
  bool correct = true;        // the ridge correction, where activations have fewer than 8 bits
  double ridge = 10;          // added to the variances, in units of their mean: few pictures want much of it
  double stream_share = 1.0;  // of a residual stream's error that a layer which adds to it is asked to repair
};

// The patch embedding and the layers of sampled segments; a head sees one row per picture, too few for a covariance.
// `network` has its equalisations folded in. Deterministic for any number of threads.
Result<RoundedLayers> optimise_weights(const FloatNetwork& network, const Plan& plan, const PictureRun& run,
                                       const WeightOptions& options = {});

}  // namespace intvit
