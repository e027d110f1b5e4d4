#include "converter/methods/method.h"

#include <array>

#include "converter/methods/sampled_segment.h"

namespace intvit {

#define VIT_METHOD(name, summary) std::unique_ptr<Planner> start_##name(const MethodInput& input);
#include "converter/methods/methods.inc"
#undef VIT_METHOD

namespace {

constexpr std::array kMethods = {
#define VIT_METHOD(name, summary) Method{#name, summary, start_##name},
#include "converter/methods/methods.inc"
#undef VIT_METHOD
};

}  // namespace

std::span<const Method> methods() { return kMethods; }

Result<Method> find_method(const std::string& name) {
  std::string known;
  for (const Method& method : kMethods) {
    if (method.name == name) return method;
    known += (known.empty() ? "" : ", ") + std::string(method.name);
  }
  return Status(Code::invalid_argument, "method '" + name + "' is unknown; choose one of: " + known);
}

Result<Plan> make_plan(const Method& method, const MethodInput& input) {
  const std::unique_ptr<Planner> planner = method.start(input);
  Status status;
  if (planner->wants_samples()) {
    status = for_each_segment(input.network, input.run, [&](const SegmentSamples& samples) {
      SampledSegment segment(input, samples);
      planner->see(segment);
    });
  }
  if (status.ok()) status = planner->finish();
  if (!status.ok()) return status;
  return planner->plan();
}

}  // namespace intvit
