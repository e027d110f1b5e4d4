// The places of a network with all the quantizers that compete for each: what `auto` chooses from.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "converter/plan/plan.h"

namespace intvit {

struct PlaceOption {
  std::variant<ActivationScheme, SoftmaxScheme, WeightScheme> scheme;
  Equalisation equalisation = {};  // empty: none; only in front of linear layers
  double error = 0;                // behind the next multiplication, relative to what is there
};

struct Place {
  std::string name;  // site_name(), or layer_name() of weights
  int block;
  std::vector<PlaceOption> options;  // at least one
};

// Replaces what the plan has there.
inline void put(const Place& place, const PlaceOption& option, Plan& plan) {
  if (const auto* activation = std::get_if<ActivationScheme>(&option.scheme)) {
    plan.activations[place.name] = {*activation};
    plan.equalisations.erase(place.name);
    if (!option.equalisation.scale.empty()) plan.equalisations[place.name] = option.equalisation;
  } else if (const auto* softmax = std::get_if<SoftmaxScheme>(&option.scheme)) {
    plan.softmax[place.name] = *softmax;
  } else {
    plan.weights[place.name] = std::get<WeightScheme>(option.scheme);
  }
}

}  // namespace intvit
