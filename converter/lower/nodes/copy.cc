#include "converter/lower/lowering.h"

namespace intvit {

// Codes of values that lie in a buffer already. Plain ones are made by a table, which takes any unit.
void emit(const Copy&, const Node& node, Lowering& lowering) {
  const LoweredTensor* x = lowering.values_read(node);
  if (x == nullptr) return;
  const Tensor& result = lowering.out(node, 0);
  if (result.role != Role::linear_input) {
    return lowering.refuse(node, "a result of codes for a linear layer, which '" + result.name + "' is not");
  }
  const ActivationScheme& scheme = lowering.scheme(node.outputs[0]);
  Destination out{x->buffer, x->codes};
  out.encoded = scheme.kind == CodeKind::uniform ? as_table(scheme.grid) : scheme;
  out.unit = {x->codes.scale, 1};
  lowering.put(node.outputs[0], out);
}

}  // namespace intvit
