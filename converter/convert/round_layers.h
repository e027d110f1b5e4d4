// The part of a conversion that chooses weights, and trains what was chosen where that is asked for.
#pragma once

#include "converter/convert/convert.h"
#include "converter/optimise/options.h"

namespace intvit {

// What the options say of training; without iterations where they say nothing. invalid_argument if they do not go
// together.
Result<OptimiseOptions> optimise_options(const ConvertOptions& options);

// The same, and whether the network can be trained.
Status check_optimise(const FloatNetwork& network, const ConvertOptions& options);

// The layers that optimise_weights() chooses. The options are checked. Training changes the activation codes of
// result.plan, and what it gave is in `result`.
Result<RoundedLayers> round_layers(const FloatNetwork& network, const PictureRun& run, const ConvertOptions& options,
                                   Conversion& result);

}  // namespace intvit
