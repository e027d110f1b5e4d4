// What every pass over the calibration pictures needs, as one value.
#pragma once

#include "converter/observe/picture_source.h"
#include "converter/observe/progress.h"

namespace intvit {

// All outlive the pass. Results do not depend on the number of threads.
struct PictureRun {
  PictureSource& pictures;
  int threads;
  const Progress& progress;
};

}  // namespace intvit
