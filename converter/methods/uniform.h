// What all methods have in common: the walk over the tensors of a network that gives each a uniform scheme, which a
// method then replaces where it has a better one.
#pragma once

#include <functional>

#include "converter/methods/method.h"
#include "converter/quantizers/uniform.h"

namespace intvit {

// A plan whose activation schemes come from `choose`, with the same range rule for all weights.
Plan uniform_plan(const MethodInput& input, WeightRange weight_range,
                  const std::function<UniformScheme(const Histogram&, int bits)>& choose);

// Every activation's range is the one between quantiles that loses least (quantizers/uniform.h); weights by least
// squared error.
Plan percentile_plan(const MethodInput& input);

}  // namespace intvit
