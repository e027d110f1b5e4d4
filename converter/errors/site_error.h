// How well the uniform codes of a site hold its values, by themselves, from calibration's histograms.
#pragma once

#include <string>
#include <vector>

#include "converter/observe/statistics.h"
#include "converter/plan/plan.h"
#include "models/vit.h"

namespace intvit {

struct SiteError {
  std::string site;  // site_name()
  double sqnr_db;    // per head: the worst head's
};

// In the order of execution. Sites whose codes are not uniform, or are of other values than the statistics (an input
// that the method equalises), are left to --sensitivity.
std::vector<SiteError> measure_sites(const VitDescription& vit, const CalibrationStatistics& statistics,
                                     const Plan& plan);

}  // namespace intvit
