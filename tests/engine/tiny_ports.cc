#include "tests/engine/tiny_ports.h"

#include "engine/ops/conv.h"
#include "engine/ops/linear.h"
#include "engine/program/memory_plan.h"

namespace intvit::test {

TinyProgram with_four_outputs(const TinyOptions& options) {
  TinyProgram tiny = make_tiny_program(options);
  Program& p = tiny.program;
  const auto* embed = p.steps.front().op.as<ConvOp>();
  const auto* head = p.steps.back().op.as<LinearOp>();

  ProgramPort& embedding = p.add_port("embedding", PortKind::embedding, head->src);
  embedding.mantissa = 3;
  embedding.exponent = -6;
  embedding.zero = 128;
  p.add_port("tokens", PortKind::tokens, embed->dst).exponent = -8;
  ProgramPort& features = p.add_port("features", PortKind::features, embed->dst);
  features.exponent = -8;
  features.first_row = embed->prefix;
  features.rows -= embed->prefix;
  features.grid_height = features.grid_width = options.edge / options.patch;
  plan_memory(p);
  return tiny;
}

TinyProgram without_logits(const TinyOptions& options) {
  TinyProgram tiny = with_four_outputs(options);
  tiny.program.steps.pop_back();
  std::erase_if(tiny.program.ports, [](const ProgramPort& port) { return port.kind == PortKind::logits; });
  plan_memory(tiny.program);
  return tiny;
}

}  // namespace intvit::test
