#include "engine/ops/registry.h"

// A build with operations of its own names another list, which includes this one.
#ifndef INTVIT_OPS
#define INTVIT_OPS "engine/ops/ops.inc"
#endif

namespace intvit {

#define VIT_OP(name) std::unique_ptr<Operation> make_##name();
#include INTVIT_OPS
#undef VIT_OP

namespace {

using Make = std::unique_ptr<Operation> (*)();

constexpr Make kMakers[] = {
#define VIT_OP(name) make_##name,
#include INTVIT_OPS
#undef VIT_OP
};

}  // namespace

std::unique_ptr<Operation> make_operation(std::uint32_t kind) {
  for (const Make make : kMakers) {
    std::unique_ptr<Operation> operation = make();
    if (operation->op_kind() == kind) return operation;
  }
  return nullptr;
}

std::vector<std::uint32_t> operation_kinds() {
  std::vector<std::uint32_t> kinds;
  for (const Make make : kMakers) kinds.push_back(make()->op_kind());
  return kinds;
}

}  // namespace intvit
