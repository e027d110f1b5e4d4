// The plan: which quantizer every activation and every weight gets. A method makes it from statistics, a user can print
// it, edit it and feed it back (JSON, docs/converter.md), and lowering turns it into integers. Nothing else passes from
// a paper's method to the runtime.
#pragma once

#include <map>
#include <string>

#include "converter/float/sites.h"
#include "converter/plan/scheme.h"
#include "intvit/status.h"

namespace intvit {

struct Plan {
  std::string method;
  std::map<std::string, ActivationSchemes> activations;  // by site_name()
  std::map<std::string, SoftmaxScheme> softmax;          // by site_name(); where absent: exponential, 8 bits
  std::map<std::string, ResidualScheme> residuals;       // by site_name(); where absent: 16 bits
  std::map<std::string, Equalisation> equalisations;     // by site_name() of a linear's input
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
