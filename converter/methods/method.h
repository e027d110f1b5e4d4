// A method looks at statistics and samples and assigns a quantizer to every tensor that needs one: it makes a plan.
// Methods are registered in methods.inc, one line each; --method, `vitconvert list methods` and the tests follow from
// there.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "converter/graph/network.h"
#include "converter/methods/budget.h"
#include "converter/methods/knobs.h"
#include "converter/observe/picture_run.h"
#include "converter/observe/statistics.h"
#include "converter/plan/plan.h"
#include "intvit/status.h"

namespace intvit {

struct MethodInput {
  const FloatNetwork& network;
  const CalibrationStatistics& statistics;
  int weight_bits;      // 2..6, 8
  int activation_bits;  // 3..6, 8
  PictureRun run;
  Knobs knobs;         // of the method
  Budget budget = {};  // auto only
};

class SampledSegment;

// A method at work: it sees the samples of the network's segments, in order, and then has a plan.
class Planner {
 public:
  virtual ~Planner() = default;

  // Without samples the statistics are enough, and see() is never called.
  virtual bool wants_samples() const { return true; }
  virtual void see(SampledSegment& segment) = 0;
  // After the last segment.
  virtual Status finish() { return {}; }

  // Settled for the segments seen, but for what finish() decides.
  const Plan& plan() const { return plan_; }

 protected:
  // What `input` refers to must outlive the planner. `plan` is what holds where the method has nothing better.
  Planner(const MethodInput& input, Plan plan) : input_(input), plan_(std::move(plan)) {}

  const MethodInput input_;
  Plan plan_;
};

struct Method {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Planner> (*start)(const MethodInput& input);
};

std::span<const Method> methods();

// invalid_argument naming those that exist.
Result<Method> find_method(const std::string& name);

// The whole of it, with the samples that the method wants.
Result<Plan> make_plan(const Method& method, const MethodInput& input);

}  // namespace intvit
