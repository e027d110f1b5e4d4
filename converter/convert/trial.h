// Whether a network can become a model at all, before the pictures have been gone through.
#pragma once

#include "converter/convert/convert.h"
#include "converter/observe/picture_run.h"

namespace intvit {

// How many pictures a trial looks at.
inline constexpr int kTrialPictures = 2;

// Lowers the network with the ranges of the first pictures (method minmax, 8 bits). With `options.plan`, that plan is
// checked instead, and no picture is read. unsupported or invalid_argument, as lower() says it.
Status try_lowering(const FloatNetwork& network, const PictureRun& run, const ConvertOptions& options);

}  // namespace intvit
