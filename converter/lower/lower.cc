#include "converter/lower/lower.h"

#include <variant>

#include "converter/lower/check_plan.h"
#include "converter/lower/input_geometry.h"
#include "converter/lower/lowering.h"
#include "converter/lower/output_ports.h"
#include "engine/program/memory_plan.h"
#include "engine/program/validate.h"

namespace intvit {

Result<LoweredModel> lower(const FloatNetwork& network, const Plan& plan, RoundedLayers rounded) {
  if (Status status = check_plan(network, plan); !status.ok()) return status;
  Result<InputGeometry> geometry = input_geometry(network.preprocessing);
  if (!geometry.ok()) return geometry.status();
  round_the_rest(network, plan, 1, rounded);
  Lowering lowering(network, plan, std::move(rounded));
  lowering.builder.program().input = geometry.take();
  for (const Node& node : network.nodes) {
    std::visit([&](const auto& kind) { emit(kind, node, lowering); }, node.kind);
    if (!lowering.builder.error().ok()) return lowering.builder.error();
  }
  if (Status status = add_ports(lowering); !status.ok()) return status;
  plan_memory(lowering.builder.program());
  LoweredModel model = lowering.builder.take();
  // The reader's checks, so that a model that cannot be read is never written.
  if (const Status status = validate(model.program); !status.ok()) {
    return Status(Code::unsupported, "the network exceeds the engine's limits: " + status.message());
  }
  return model;
}

}  // namespace intvit
