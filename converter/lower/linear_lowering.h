// Linear layers -> the integer constants of kernels/gemm/linear.h.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "converter/lower/fixed_point.h"
#include "converter/lower/program_builder.h"
#include "converter/weights/quantize.h"
#include "engine/ops/linear_constants.h"

namespace intvit {

// Where a linear's codes come from: scale and zero point of its inputs, and the place of each input in a source row.
struct LinearInput {
  double scale;
  int zero_point;
  int depth;                   // codes per source row that are multiplied, a multiple of 64
  std::vector<int> placement;  // [in]
  int highest_code = 255;      // what a code can be
  int aside = 0;               // values of a row aside, at most
};

// placement of a row without gaps
std::vector<int> contiguous(int count);

// What a column's sums must become: real value / unit + zero, per column where columns differ.
struct LinearOutput {
  std::function<double(int column)> unit;
  std::function<double(int column)> zero = [](int) { return 0.0; };
  MultiplierPrecision precision = MultiplierPrecision::codes;
};

// Some of a layer's outputs, as if they were all of a layer of their own. `out` is asked for the layer's columns.
struct LinearPart {
  std::string name;  // under which constants lie
  int first = 0;
  int count = 0;
};

class LinearLowering {
 public:
  // Failures go to the builder. All but the weights are kept by reference.
  LinearLowering(ProgramBuilder& builder, const Plan& plan, RoundedLayers rounded)
      : builder_(builder), plan_(plan), rounded_(std::move(rounded)) {}

  // The largest real value of one unit of a layer's weights.
  double coarsest_scale(const std::string& name) const;

  LinearConstants requantized(const FloatLinear& layer, const std::string& name, const LinearInput& in,
                              const LinearOutput& out) {
    return requantized(layer, name, in, out, {name, 0, layer.out});
  }
  LinearConstants requantized(const FloatLinear& layer, const std::string& name, const LinearInput& in,
                              const LinearOutput& out, const LinearPart& part);

  // Logits: (sum + bias) * mantissa >> shift in units of `unit`.
  LinearConstants logits(const FloatLinear& head, const std::string& name, const LinearInput& in, double unit);

 private:
  // The layer's integers. Columns that are next to nothing beside their bias become so coarse that the bias can be
  // represented in units of their sums: how their weights are rounded does not matter.
  const QuantizedWeights& representable(const FloatLinear& layer, const std::string& name, const LinearInput& in,
                                        const LinearOutput& out, const LinearPart& part);
  LinearConstants pack(const QuantizedWeights& weights, const std::string& name, const LinearInput& in);

  ProgramBuilder& builder_;
  const Plan& plan_;
  RoundedLayers rounded_;
};

}  // namespace intvit
