// Limits of the coarse steps of the residual stream.
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>

#include "engine/ops/conv.h"
#include "engine/ops/linear.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

TEST_CASE("validate: coarse steps of the residual stream") {
  TinyOptions options;
  options.coarse_steps = true;
  const auto check = [&](const std::function<CoarseSteps&(TinyProgram&)>& coarse_steps) {
    refuses(
        "coarse limit", [&](TinyProgram& t) { coarse_steps(t).limit = 32768; }, options);
    refuses(
        "coarse powers",
        [&](TinyProgram& t) { coarse_steps(t).power = with_entry<std::int16_t>(t, coarse_steps(t).power, 15, -1); },
        options);
    for (const int more : {-1, 1}) {
      refuses(
          "coarse powers",
          [&](TinyProgram& t) { coarse_steps(t).power = with_count<std::int16_t>(t, coarse_steps(t).power, more); },
          options);
      refuses(
          "coarse units",
          [&](TinyProgram& t) { coarse_steps(t).unit = with_count<std::int16_t>(t, coarse_steps(t).unit, more); },
          options);
    }
    refuses(
        "coarse units", [&](TinyProgram& t) { coarse_steps(t).unit = kNone; }, options);
    accepts([&](TinyProgram& t) { coarse_steps(t) = {}; }, options);
  };
  check([](TinyProgram& t) -> CoarseSteps& { return op<ConvOp>(t, "patch_embed").coarse_steps; });
  check([](TinyProgram& t) -> CoarseSteps& { return op<LinearOp>(t, kProj).coarse_steps; });
}
}  // namespace
}  // namespace intvit::test
