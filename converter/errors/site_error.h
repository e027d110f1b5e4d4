// How well the uniform codes of a tensor hold its values, by themselves, from calibration's histograms.
#pragma once

#include <string>
#include <vector>

#include "converter/observe/statistics.h"
#include "converter/plan/plan.h"

namespace intvit {

struct SiteError {
  std::string site;  // name of the tensor
  double sqnr_db;    // per head: the worst head's
};

// In the order of execution. Tensors whose codes are not uniform, or are of other values than the statistics (an input
// that the method equalises), are left to --sensitivity.
std::vector<SiteError> measure_sites(const FloatNetwork& network, const CalibrationStatistics& statistics,
                                     const Plan& plan);

}  // namespace intvit
