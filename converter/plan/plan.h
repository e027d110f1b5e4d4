// The plan: which quantizer every activation and every weight gets. A method makes it from statistics, a user can print
// it, edit it and feed it back (JSON, docs/converter.md), and lowering turns it into integers. Nothing else passes from
// a paper's method to the runtime.
#pragma once

#include <map>
#include <string>

#include "converter/plan/scheme.h"
#include "intvit/status.h"

namespace intvit {

struct Plan {
  std::string method;
  std::map<std::string, ActivationSchemes> activations;  // by name of the tensor
  std::map<std::string, SoftmaxScheme> softmax;          // by name of the probabilities; absent: exponential, 8 bits
  std::map<std::string, ResidualScheme> residuals;       // by name of the tensor; where absent: 16 bits
  std::map<std::string, Equalisation> equalisations;     // by name of the tensor: a linear layer's input, query, value
  std::map<std::string, WeightScheme> weights;           // by name of the node, e.g. "blocks.3.attn.qkv"
  // Largest magnitude seen, which 16-bit values must be able to hold: of what enters each activation function and of
  // values, by name of the tensor, and of residual streams, by name of the tensor that begins them. Streams that are
  // not named have `residual_magnitude`.
  double residual_magnitude = 0;
  std::map<std::string, double> magnitudes;
};

std::string plan_to_json(const Plan& plan);

// invalid_argument with the place in the text if it is not a plan.
Result<Plan> plan_from_json(const std::string& text, const std::string& name);

}  // namespace intvit
