// Converts a network in many ways and compares the results, on the same pictures and the same machine. A combination
// that fails does not stop the others. With a folder, models and results are kept there, and a result is reused as long
// as everything that it depends on is unchanged, so that an interrupted sweep goes on where it was.
#pragma once

#include <string>
#include <vector>

#include "tools/vitconvert/sweep/checksums.h"
#include "tools/vitconvert/sweep/combination.h"
#include "tools/vitconvert/sweep/float_truth.h"
#include "tools/vitconvert/sweep/result.h"

namespace intvit {

struct SweepInput {
  const FloatNetwork& network;
  InputGeometry geometry;
  std::vector<LabelledPicture> calibration;
  std::vector<LabelledPicture> evaluation;  // all with labels
  PictureOptions reading;                   // of both
  std::vector<Combination> combinations;
  SweepChecksums checksums;
  std::string folder;     // exists; empty: nothing is kept
  Isa isa = Isa::scalar;  // of evaluation and latency
  int threads = 1;        // of everything but latency
  int latency_runs = 0;   // 0: not measured
};

struct SweepReport {
  Accuracy float_accuracy;
  std::vector<SweepResult> results;  // one per combination, in order
};

// An error only for what all combinations need. `log` is told what happens, in lines.
Result<SweepReport> sweep(const SweepInput& input, const Progress& progress, const Log& log);

}  // namespace intvit
