// Calibration: the float network sees some pictures, and what its activations look like is remembered. One picture per
// thread is in memory at a time, and the same comes of it for every number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "converter/graph/network.h"
#include "converter/observe/picture_run.h"
#include "converter/observe/progress.h"
#include "converter/observe/statistics.h"
#include "intvit/status.h"

namespace intvit {

struct Calibration {
  CalibrationStatistics statistics;
  std::vector<std::vector<float>> outputs;  // of the float network, one [pictures][values] per output
  std::uint64_t checksum = 0;               // of all pixels, in order
};

// The network is kept by pointer (statistics).
Result<Calibration> calibrate(const FloatNetwork& network, const PictureRun& run);

}  // namespace intvit
