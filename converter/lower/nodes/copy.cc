#include "converter/lower/lowering.h"

namespace intvit {

void emit(const Copy&, const Node& node, Lowering& lowering) {
  const LoweredTensor* x = lowering.values_read(node);
  if (x == nullptr) return;
  const Tensor& result = lowering.out(node, 0);
  if (result.role != Role::linear_input) {
    return lowering.refuse(node, "a result of codes for a linear layer, which '" + result.name + "' is not");
  }
  lowering.put_codes_of(*x, node.outputs[0]);
}

}  // namespace intvit
