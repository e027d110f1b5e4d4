// Clipping ranges of plain uniform codes by the error behind the next multiplication, where calibration's histograms
// only know the error of the values themselves.
#pragma once

#include "converter/methods/method.h"
#include "converter/observe/block_samples.h"

namespace intvit {

// Of queries and keys (the error of their product), values and proj's input (behind proj), and fc2's input (behind
// fc2). `values` and `attended` are those two sites' samples and `proj` the layer, equalised where the plan does so.
void choose_by_output_error(const MethodInput& input, const BlockSamples& samples, const SiteSamples& values,
                            const SiteSamples& attended, const FloatLinear& proj, Plan& plan);

// The same without equalised values.
void choose_by_output_error(const MethodInput& input, const BlockSamples& samples, Plan& plan);

}  // namespace intvit
