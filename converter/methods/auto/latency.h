// How long one picture takes in each of several models, on one thread: the median of some runs after warm-up. The
// models take turns, so that whatever slows the machine slows all of them alike, and see the same picture: how long
// kernels take may depend on how far apart values are.
#pragma once

#include <memory>
#include <vector>

#include "converter/observe/picture_source.h"
#include "converter/observe/progress.h"
#include "intvit/isa.h"
#include "intvit/model.h"

namespace intvit {

// Milliseconds from the first picture's pixels to the outputs, one per model.
Result<std::vector<double>> measure_latency(const std::vector<std::shared_ptr<const Model>>& models,
                                            PictureSource& pictures, Isa isa, int runs, const Progress& progress);

}  // namespace intvit
