// The outputs of a model as the tools show them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/run/outputs_digest.h"
#include "intvit/logit_rule.h"
#include "intvit/session.h"

namespace intvit {

// The real values of one output, row after row.
using RealValues = std::vector<float>;

// Without what is always 1: [classes] of logits, [D] of an embedding, [T, C] of tokens, [h, w, C] of a map.
std::vector<std::size_t> shape_of(const Port& port);

// "[14, 14, 192]"
std::string shape_text(const std::vector<std::size_t>& shape);

double l2_norm(std::span<const float> values);

// Of all outputs of a picture.
std::vector<RealValues> real_outputs(const Session& session, int index);

// What the logits of a picture with such outputs stand for.
LogitMeaning logit_meaning(const LogitRule& rule, const std::vector<RealValues>& outputs);

}  // namespace intvit
