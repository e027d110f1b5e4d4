#include "engine/ops/aside.h"

namespace intvit {

const Buffer* check_aside(Checker& c, BufferId lists, const Buffer& codes) {
  const Buffer* aside = c.buffer(lists, DataType::s16, "aside");
  if (!c.ok()) return nullptr;
  c.require(aside->rows == codes.rows, [&] {
    return "aside has " + std::to_string(aside->rows) + " rows, must have " + std::to_string(codes.rows);
  });
  c.require(aside->columns % 2 == 1 && most_aside(*aside) >= 1 && most_aside(*aside) <= kernels::kMostAside, [&] {
    return "aside has " + std::to_string(aside->columns) + " columns, must have 1 + 2 K for a K of 1 to " +
           std::to_string(kernels::kMostAside);
  });
  c.require(codes.columns <= kernels::kMaxAsideColumns, [&] {
    return "aside is for rows of up to " + std::to_string(kernels::kMaxAsideColumns) + " values, not of " +
           std::to_string(codes.columns);
  });
  return c.ok() ? aside : nullptr;
}

}  // namespace intvit
