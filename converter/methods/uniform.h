// What all methods with uniform codes share: from a range to a scheme, the error that a scheme makes, and the walk over
// the places of a network.
#pragma once

#include <functional>

#include "converter/methods/method.h"

namespace intvit {

// Codes that cover [low, high] and zero. Zero is one of the codes, as rounded zero points require.
UniformScheme uniform_scheme(double low, double high, int bits);

// Sum of squared differences between the values and what the codes stand for.
double squared_error(const Histogram& histogram, const UniformScheme& scheme);

// Signal to quantization noise in dB; infinity without any error.
double sqnr_db(const Histogram& histogram, const UniformScheme& scheme);

// A plan whose activation schemes come from `choose`, with the same range rule for all weights.
Plan uniform_plan(const MethodInput& input, WeightRange weight_range,
                  const std::function<UniformScheme(const Histogram&, int bits)>& choose);

}  // namespace intvit
