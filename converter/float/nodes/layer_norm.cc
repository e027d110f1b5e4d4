#include "converter/float/layers.h"
#include "converter/float/node_run.h"

namespace intvit {

void forward(const LayerNorm& norm, const NodeRun& run) {
  const int columns = run.in(0).columns;
  const NormKind kind = {norm.eps, norm.groups, norm.centred, addend(run.node) >= 0};
  layer_norm(norm.norm, kind, run.input(0) + area(norm.first_row, columns), run.out(0).rows, columns, run.output(0),
             run.threads);
  run.observe(0);
}

}  // namespace intvit
