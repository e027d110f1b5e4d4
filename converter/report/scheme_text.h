// Quantization schemes in words, for report pages.
#pragma once

#include <string>
#include <vector>

#include "converter/errors/site_distribution.h"
#include "converter/plan/plan.h"

namespace intvit {

struct SchemeText {
  std::string codes;           // "one table for the tensor"
  std::string bits;            // "4"
  std::vector<double> levels;  // on which codes lie; none where they differ from row to row or are too many to see
};

// Of a site that the plan has a quantizer for, or of probabilities without one, which have the engine's own.
SchemeText scheme_text(const Plan& plan, const std::string& site, Role role);

// "query", "input of a layer": what a site is.
std::string role_text(Role role);

}  // namespace intvit
