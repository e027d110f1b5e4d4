// What rounding with error feedback needs to know of a layer's inputs: their means and covariances over the calibration
// pictures, as the quantized network would present them (activations are replaced by what their codes stand for).
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "converter/calibration.h"
#include "converter/plan.h"

namespace intvit {

struct Moments {
  int inputs = 0;
  double count = 0;               // rows seen
  std::vector<double> mean;       // [inputs]
  std::vector<float> covariance;  // [inputs][inputs]
};

// Runs the float network over the pictures with simulated activation codes, as often as it takes to keep the
// covariances of one pass below `memory_bytes`; hands over each layer's moments as soon as they are complete.
Status for_each_moments(const FloatNetwork& network, const Plan& plan, PictureSource& pictures, int threads,
                        const Progress& progress, const std::function<void(const std::string& layer, Moments&&)>& use,
                        std::size_t memory_bytes = std::size_t{256} << 20);

}  // namespace intvit
