// The error at the output of a linear layer whose input is equalised and quantized and whose weights are rounded to
// nearest: |x' W'^T - Q(x') Q(W')^T|^2 over sample rows, less its mean per output, which the bias takes
// (weights/error_feedback.h). Exact, where channel_error.h neglects that errors of channels go together, and slower.
#pragma once

#include <vector>

#include "converter/graph/layers.h"
#include "converter/plan/scheme.h"

namespace intvit {

// Every n-th output of a layer, about a hundred: enough to compare quantizers of its input.
FloatLinear some_outputs(const FloatLinear& layer);

// Computes on the calling thread, and needs an OneThreadPerTask alive in the caller.
class LayerError {
 public:
  LayerError(const std::vector<float>& rows, const FloatLinear& layer, const Equalisation& e, WeightScheme weights);

  // x' of the sample rows.
  const std::vector<float>& inputs() const { return inputs_; }

  double of(const UniformScheme& scheme) const;

 private:
  std::vector<float> inputs_;
  FloatLinear exact_, rounded_;
  std::vector<float> exact_outputs_;
};

}  // namespace intvit
