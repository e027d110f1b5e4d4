// Adam (Kingma and Ba, 2015) for one number.
#pragma once

#include <cmath>

namespace intvit {

struct AdamStep {
  float rate = 0;
  float mean_share = 1, square_share = 1;  // 1 - beta^t: what the averages lack after t steps, counted from 1

  static constexpr float kMean = 0.9f, kSquare = 0.999f;
  static AdamStep at(int t, double rate) {
    return {static_cast<float>(rate), static_cast<float>(1 - std::pow(kMean, t)),
            static_cast<float>(1 - std::pow(kSquare, t))};
  }
};

struct Adam {
  float mean = 0, square = 0;

  // How much is to be taken off.
  float step(float gradient, const AdamStep& s) {
    mean = AdamStep::kMean * mean + (1 - AdamStep::kMean) * gradient;
    square = AdamStep::kSquare * square + (1 - AdamStep::kSquare) * gradient * gradient;
    return s.rate * (mean / s.mean_share) / (std::sqrt(square / s.square_share) + 1e-12f);
  }
};

}  // namespace intvit
