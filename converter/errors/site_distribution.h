// What every quantizer of a plan does to the values at its own place, whatever its scheme: for the report on a
// conversion. The float network and the quantized one run side by side on some pictures.
#pragma once

#include <string>
#include <vector>

#include "converter/graph/network.h"
#include "converter/observe/histogram.h"
#include "converter/observe/picture_run.h"
#include "converter/plan/plan.h"
#include "converter/weights/quantize.h"
#include "intvit/status.h"

namespace intvit {

struct SiteDistribution {
  std::string site;  // name of the tensor
  Role role = Role::values;
  double own_db = 0;          // signal to noise of this quantizer alone, on the float network's values
  double accumulated_db = 0;  // and of the same values where weights and all sites up to here are quantized
  double aside_share = 0;     // of values, 0..1: those that have no code of few bits, or lie beyond the grid
  Histogram before, after;    // of the float network's values, and of those that this quantizer alone makes of them
};

// ||W||^2 to ||W - W^||^2.
struct WeightError {
  std::string layer;  // name of the node
  double db = 0;
};

struct Distributions {
  int pictures = 0;
  std::vector<SiteDistribution> sites;  // both in the order of execution
  std::vector<WeightError> layers;
};

// What stands for no error at all.
inline constexpr double kNoErrorDb = 999;

// On the first `count` pictures. `network` has the plan's equalisations folded in, and `rounded` has all layers. One
// segment of one picture is in memory at a time, and two histograms a site. An error only where a picture cannot be
// read.
Result<Distributions> measure_distributions(const FloatNetwork& network, const Plan& plan, const RoundedLayers& rounded,
                                            const PictureRun& run, int count);

}  // namespace intvit
