// Any known architecture with seeded random weights: for `vitconvert synth`, where speed is measured and nothing else.
#pragma once

#include <cstdint>
#include <string>

#include "converter/families/input_size.h"
#include "converter/families/output_choice.h"
#include "converter/graph/network.h"
#include "intvit/status.h"

namespace intvit {

bool is_known_architecture(const std::string& name);

// The same on every machine. invalid_argument for an architecture that is not known, an input size that it cannot have,
// and outputs that it does not have.
Result<FloatNetwork> random_network(const std::string& architecture, const InputSize& input, std::uint64_t seed,
                                    const OutputChoice& outputs);

}  // namespace intvit
