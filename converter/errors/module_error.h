// The error of any scheme where it matters, at the output of the linear layer behind it, exactly: whole pictures are
// simulated, so schemes per token and by channel groups can be compared with all others.
#pragma once

#include "converter/graph/layers.h"
#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

namespace intvit {

class ModuleError {
 public:
  // The first pictures of the samples are used, `pictures` at most. Both are kept by reference.
  ModuleError(const TensorSamples& samples, const FloatLinear& layer, int pictures);

  // |(x^ - x) W^T|^2 relative to |x W^T|^2, the mean of each output removed from both (the bias takes it). The scheme
  // is of x' where there is an equalisation. Computes on the calling thread.
  double of(const ActivationScheme& scheme, const Equalisation* equalisation) const;

  // The same for the layer's weights rounded to nearest, those of x' where there is an equalisation, with exact inputs.
  double of(const WeightScheme& scheme, const Equalisation* equalisation = nullptr) const;

 private:
  std::vector<float> all_rows() const;
  double power_behind(const std::vector<float>& rows, const std::vector<float>& weight) const;

  const TensorSamples& samples_;
  const FloatLinear& layer_;
  std::size_t pictures_;
  double power_ = 0;
};

}  // namespace intvit
