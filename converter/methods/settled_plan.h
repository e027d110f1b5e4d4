// A plan that needs no samples.
#pragma once

#include "converter/methods/method.h"

namespace intvit {

class SettledPlan : public Planner {
 public:
  SettledPlan(const MethodInput& input, const Plan& plan) : Planner(input, plan) {}
  bool wants_samples() const override { return false; }
  void see(SampledSegment&) override {}
};

}  // namespace intvit
