// The quantizer of a tensor's channels with the least error behind the next multiplication.
#pragma once

#include <vector>

#include "converter/errors/channel_error.h"
#include "converter/plan/scheme.h"

namespace intvit {

// The candidate with the least error.
ActivationScheme choose(const ChannelError& error, const std::vector<ActivationScheme>& candidates, int threads);

// The uniform scheme with the least error, among ranges between the samples' extremes and small parts of them.
ActivationScheme choose_uniform(const ChannelError& error, int bits, int threads);

}  // namespace intvit
