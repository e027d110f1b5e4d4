// The tensors and layers of a network with all the quantizers that compete for each: what `auto` chooses from.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "converter/plan/plan.h"

namespace intvit {

struct Candidate {
  std::variant<ActivationScheme, SoftmaxScheme, WeightScheme> scheme;
  Equalisation equalisation = {};  // empty: none; only in front of linear layers
  double error = 0;                // behind the next multiplication, relative to what is there
};

struct Contest {
  std::string name;  // of the tensor, or of the node whose weights they are
  int segment;
  std::vector<Candidate> candidates;  // at least one
};

// Replaces what the plan has there.
inline void put(const Contest& contest, const Candidate& candidate, Plan& plan) {
  if (const auto* activation = std::get_if<ActivationScheme>(&candidate.scheme)) {
    plan.activations[contest.name] = {*activation};
    plan.equalisations.erase(contest.name);
    if (!candidate.equalisation.scale.empty()) plan.equalisations[contest.name] = candidate.equalisation;
  } else if (const auto* softmax = std::get_if<SoftmaxScheme>(&candidate.scheme)) {
    plan.softmax[contest.name] = *softmax;
  } else {
    plan.weights[contest.name] = std::get<WeightScheme>(candidate.scheme);
  }
}

}  // namespace intvit
