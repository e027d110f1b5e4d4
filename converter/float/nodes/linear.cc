#include <new>

#include "converter/float/layers.h"
#include "converter/float/node_run.h"

namespace intvit {

void forward(const Linear& layer, const NodeRun& run) {
  const bool adds = addend(run.node) >= 0;
  const std::size_t parts = run.node.outputs.size();
  const int columns = layer.linear.out / static_cast<int>(parts);
  for (std::size_t i = 0; i < parts; ++i) {
    if (!linear(layer.linear, static_cast<int>(i) * columns, columns, run.input(0), run.out(i).rows, adds,
                run.output(i), run.threads)) {
      throw std::bad_alloc();
    }
  }
  for (std::size_t i = 0; i < parts; ++i) run.observe(i);
}

}  // namespace intvit
