#include "converter/errors/module_error.h"

#include <algorithm>

#include "converter/errors/layer_error.h"
#include "converter/float/layers.h"
#include "converter/float/parallel.h"
#include "converter/plan/simulate.h"
#include "converter/weights/quantize.h"

namespace intvit {

ModuleError::ModuleError(const TensorSamples& samples, const FloatLinear& layer, int pictures)
    : samples_(samples),
      layer_(layer),
      pictures_(std::min(samples.pictures.size(), static_cast<std::size_t>(std::max(pictures, 1)))) {
  power_ = power_behind(all_rows(), layer.weight);
}

std::vector<float> ModuleError::all_rows() const {
  std::vector<float> all;
  for (std::size_t p = 0; p < pictures_; ++p) {
    all.insert(all.end(), samples_.pictures[p].begin(), samples_.pictures[p].end());
  }
  return all;
}

double ModuleError::power_behind(const std::vector<float>& rows, const std::vector<float>& weight) const {
  const OneThreadPerTask pinned;
  const int count = static_cast<int>(rows.size()) / std::max(samples_.cols, 1);
  std::vector<float> out(static_cast<std::size_t>(count) * static_cast<std::size_t>(layer_.out));
  multiply({rows.data(), samples_.cols}, {weight.data(), layer_.in}, true, 1, false, count, layer_.out, layer_.in,
           out.data(), layer_.out);
  double power = 0;
  for (int o = 0; o < layer_.out; ++o) {
    double sum = 0, squares = 0;
    for (int r = 0; r < count; ++r) {
      const double y =
          out[static_cast<std::size_t>(r) * static_cast<std::size_t>(layer_.out) + static_cast<std::size_t>(o)];
      sum += y;
      squares += y * y;
    }
    power += squares - sum * sum / std::max(count, 1);
  }
  return power;
}

double ModuleError::of(const ActivationScheme& scheme, const Equalisation* equalisation) const {
  if (power_ <= 0) return 0;
  std::vector<float> differences, picture;
  const auto cols = static_cast<std::size_t>(samples_.cols);
  for (std::size_t p = 0; p < pictures_; ++p) {
    const std::vector<float>& exact = samples_.pictures[p];
    picture = equalisation == nullptr ? exact : equalised(exact, *equalisation);
    simulate(scheme, picture.data(), samples_.rows, samples_.cols, samples_.cols);
    for (std::size_t i = 0; i < picture.size(); ++i) {
      if (equalisation != nullptr) {
        picture[i] = static_cast<float>((picture[i] + equalisation->offset[i % cols]) * equalisation->scale[i % cols]);
      }
      differences.push_back(picture[i] - exact[i]);
    }
  }
  return power_behind(differences, layer_.weight) / power_;
}

double ModuleError::of(const WeightScheme& scheme, const Equalisation* equalisation) const {
  if (power_ <= 0) return 0;
  const auto scale = [&](std::size_t i) {
    return equalisation == nullptr ? 1.0f
                                   : static_cast<float>(equalisation->scale[i % static_cast<std::size_t>(layer_.in)]);
  };
  FloatLinear scaled = layer_;
  for (std::size_t i = 0; i < scaled.weight.size(); ++i) scaled.weight[i] *= scale(i);
  std::vector<float> differences = dequantized(scaled, quantize_weights(scaled, scheme)).weight;
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i] = differences[i] / scale(i) - layer_.weight[i];
  return power_behind(all_rows(), differences) / power_;
}

}  // namespace intvit
