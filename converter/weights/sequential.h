// Choosing integer weights layer after layer, in the order of execution, on the inputs that the quantized network
// really presents: activations as their codes hold them, all earlier weights already rounded. For every layer
//   1. ridge correction: the weights that bring the quantized inputs nearest to what the float network's layer gives
//      for its own inputs, in closed form (ERQ, Zhong et al., ICML 2024); for a layer that adds to a residual stream,
//      nearest to what makes the stream itself right again;
//   2. rounding with second-order error feedback (weights/error_feedback.h), a bias that leaves no mean error.
#pragma once

#include <span>
#include <vector>

#include "converter/float/forward.h"
#include "converter/observe/picture_run.h"
#include "converter/plan/plan.h"
#include "converter/weights/quantize.h"

namespace intvit {

struct WeightOptions {
  bool correct = true;        // the ridge correction, where anything has fewer than 8 bits
  double ridge = 10;          // added to the variances, in units of their mean: few pictures want much of it
  double stream_share = 1.0;  // of a residual stream's error that a layer which adds to it is asked to repair
  bool report = true;         // progress, layer by layer; else somebody else does
};

// Whoever improves what was chosen for some layers before the next are chosen (converter/optimise/).
struct LayerRefiner {
  virtual ~LayerRefiner() = default;
  // In front of a sampled segment: the float and the quantized network's states, of all pictures.
  virtual void begin_segment(int segment, const std::vector<SegmentState>& exact,
                             const std::vector<SegmentState>& quantized) = 0;
  // The linear layer `node` of it has been chosen. May change what `rounded` has of it and of the segment's layers
  // before it, and then their weights in `quantized`, too.
  virtual void refine(int /*node*/, FloatNetwork& /*quantized*/, RoundedLayers& /*rounded*/) {}
  // Everything has been chosen. May change all of it.
  virtual void end(FloatNetwork& /*quantized*/, RoundedLayers& /*rounded*/) {}
};

// All layers of the plan but those of 8 bits behind the sampled segments. A head sees one row per picture, too few for
// a ridge correction: of its outputs the means are made right. `network` has its equalisations folded in. Deterministic
// for any number of threads.
Result<RoundedLayers> optimise_weights(const FloatNetwork& network, const Plan& plan, const PictureRun& run,
                                       const WeightOptions& options = {}, std::span<LayerRefiner* const> refiners = {});

}  // namespace intvit
