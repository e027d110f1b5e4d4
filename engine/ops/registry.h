// The operations that a model file may name: those of ops.inc.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/ops/operation.h"

namespace intvit {

// With fields that are not set; null if there is no such kind.
std::unique_ptr<Operation> make_operation(std::uint32_t kind);

std::vector<std::uint32_t> operation_kinds();

}  // namespace intvit
