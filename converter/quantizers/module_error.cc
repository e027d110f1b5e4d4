#include "converter/quantizers/module_error.h"

#include <algorithm>

#include "converter/float/layers.h"
#include "converter/float/parallel.h"
#include "converter/simulate.h"

namespace intvit {

ModuleError::ModuleError(const SiteSamples& samples, const FloatLinear& layer, int pictures)
    : samples_(samples),
      layer_(layer),
      pictures_(std::min(samples.pictures.size(), static_cast<std::size_t>(std::max(pictures, 1)))) {
  std::vector<float> all;
  for (std::size_t p = 0; p < pictures_; ++p) {
    all.insert(all.end(), samples.pictures[p].begin(), samples.pictures[p].end());
  }
  power_ = power_behind(all);
}

double ModuleError::power_behind(const std::vector<float>& rows) const {
  const OneThreadPerTask pinned;
  const int count = static_cast<int>(rows.size()) / std::max(samples_.cols, 1);
  std::vector<float> out(static_cast<std::size_t>(count) * static_cast<std::size_t>(layer_.out));
  multiply({rows.data(), samples_.cols}, {layer_.weight.data(), layer_.in}, true, 1, false, count, layer_.out,
           layer_.in, out.data(), layer_.out);
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
    picture = exact;
    if (equalisation != nullptr) {
      for (std::size_t i = 0; i < picture.size(); ++i) {
        picture[i] = static_cast<float>(picture[i] / equalisation->scale[i % cols] - equalisation->offset[i % cols]);
      }
    }
    simulate(scheme, picture.data(), samples_.rows, samples_.cols, samples_.cols);
    for (std::size_t i = 0; i < picture.size(); ++i) {
      if (equalisation != nullptr) {
        picture[i] = static_cast<float>((picture[i] + equalisation->offset[i % cols]) * equalisation->scale[i % cols]);
      }
      differences.push_back(picture[i] - exact[i]);
    }
  }
  return power_behind(differences) / power_;
}

}  // namespace intvit
