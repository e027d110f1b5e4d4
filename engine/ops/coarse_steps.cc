#include "engine/ops/coarse_steps.h"

namespace intvit {

void check_coarse_steps(Checker& c, const CoarseSteps& coarse_steps, std::uint32_t n) {
  if (!coarse_steps.any() || !c.ok()) return;
  const auto columns = static_cast<std::uint64_t>(kernels::padded_columns(static_cast<int>(n)));
  c.within<std::int16_t>(c.constant(coarse_steps.power, DataType::s16, columns, "coarse powers"), 0, INT16_MAX,
                         "coarse powers");
  c.constant(coarse_steps.unit, DataType::s16, columns, "coarse units");
  c.require(coarse_steps.limit <= INT16_MAX, "coarse limit " + std::to_string(coarse_steps.limit) + ", at most 32767");
}

void set_coarse_steps(const CoarseSteps& coarse_steps, const Tensors& tensors, kernels::LinearArgs& args) {
  if (!coarse_steps.any()) return;
  args.coarse_power = tensors.constants[coarse_steps.power].as<std::int16_t>();
  args.coarse_unit = tensors.constants[coarse_steps.unit].as<std::int16_t>();
  args.coarse_limit = static_cast<std::int16_t>(coarse_steps.limit);
}

}  // namespace intvit
