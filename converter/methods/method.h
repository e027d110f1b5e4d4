// A method looks at statistics and assigns a quantizer to every place: it makes a Plan. Methods are registered in
// methods.inc, one line each; --method, `vitconvert list methods` and the tests follow from there.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "converter/float/network.h"
#include "converter/methods/budget.h"
#include "converter/methods/knobs.h"
#include "converter/observe/picture_source.h"
#include "converter/observe/statistics.h"
#include "converter/plan/plan.h"
#include "converter/progress.h"
#include "intvit/status.h"

namespace intvit {

struct MethodInput {
  const FloatNetwork& network;
  const CalibrationStatistics& statistics;
  int weight_bits;      // 3..6, 8
  int activation_bits;  // 3..6, 8
  PictureSource& pictures;
  int threads;
  const Progress& progress;
  const Knobs& knobs;  // of the method
  Budget budget = {};  // auto only
};

struct Method {
  std::string_view name;
  std::string_view summary;
  Result<Plan> (*make_plan)(const MethodInput& input);
};

std::span<const Method> methods();

// invalid_argument naming those that exist.
Result<Method> find_method(const std::string& name);

}  // namespace intvit
