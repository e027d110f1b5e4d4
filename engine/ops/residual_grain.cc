#include "engine/ops/residual_grain.h"

namespace intvit {

void check_grain(Checker& c, const ResidualGrain& grain, std::uint32_t n) {
  if (!grain.any() || !c.ok()) return;
  const auto columns = static_cast<std::uint64_t>(kernels::padded_columns(static_cast<int>(n)));
  c.within<std::int16_t>(c.constant(grain.power, DataType::s16, columns, "grain powers"), 0, INT16_MAX, "grain powers");
  c.constant(grain.unit, DataType::s16, columns, "grain units");
  c.require(grain.limit <= INT16_MAX, "grain limit " + std::to_string(grain.limit) + ", at most 32767");
}

void set_grain(const ResidualGrain& grain, const Tensors& tensors, kernels::LinearArgs& args) {
  if (!grain.any()) return;
  args.grain_power = tensors.constants[grain.power].as<std::int16_t>();
  args.grain_unit = tensors.constants[grain.unit].as<std::int16_t>();
  args.grain_limit = static_cast<std::int16_t>(grain.limit);
}

}  // namespace intvit
