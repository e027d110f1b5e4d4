#include "converter/optimise/backward.h"

#include <type_traits>

#include "converter/float/node_run.h"

namespace intvit {

bool has_backward(const Node& node) { return node.as<PatchEmbed>() == nullptr; }

void backward(const BackwardRun& run) {
  if (const TensorId stream = addend(run.node); stream >= 0) {
    float* to = run.input_gradient(1);
    const float* from = run.output_gradient(0);
    const std::size_t size = area(run.out(0).rows, run.out(0).columns);
    for (std::size_t i = 0; to != nullptr && i < size; ++i) to[i] += from[i];
  }
  std::visit(
      [&run](const auto& kind) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(kind)>, PatchEmbed>) backward(kind, run);
      },
      run.node.kind);
}

}  // namespace intvit
