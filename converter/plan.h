// The plan: which quantizer every activation and every weight gets. A method makes it from statistics, a user can print
// it, edit it and feed it back (JSON, docs/converter.md), and lowering turns it into integers. Nothing else passes from
// a paper's method to the runtime.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "converter/float/sites.h"
#include "engine/status.h"

namespace intvit {

// x = scale * (code - zero_point), code in [0, 2^bits).
struct UniformScheme {
  int bits = 8;
  double scale = 1;
  int zero_point = 0;

  double lowest() const { return -scale * zero_point; }
  double highest() const { return scale * ((1 << bits) - 1 - zero_point); }
};

// Per tensor: one scheme. Per head (query, key, value): one per head.
using ActivationSchemes = std::vector<UniformScheme>;

enum class WeightRange {
  max,  // every column's own extremes
  mse,  // the range with the least squared rounding error of the column
};

// Per output channel. 8 bits: symmetric, [-127, 127]. 4 bits: 16 levels anywhere (a zero point per column).
struct WeightScheme {
  int bits = 8;
  WeightRange range = WeightRange::max;
};

struct Plan {
  std::string method;
  std::map<std::string, ActivationSchemes> activations;  // by site_name()
  std::map<std::string, WeightScheme> weights;           // by layer_name(), e.g. "blocks.3.attn.qkv"
  // Largest magnitude seen, which 16-bit values must be able to hold: of the residual stream, and of what enters each
  // activation function, by site_name().
  double residual_magnitude = 0;
  std::map<std::string, double> magnitudes;
};

enum class Layer { patch_embed, qkv, proj, fc1, fc2, head };

// timm's module name: "patch_embed", "blocks.3.attn.proj", "head".
std::string layer_name(Layer layer, int block);

std::string plan_to_json(const Plan& plan);

// invalid_argument with the place in the text if it is not a plan.
Result<Plan> plan_from_json(const std::string& text, const std::string& name);

}  // namespace intvit
