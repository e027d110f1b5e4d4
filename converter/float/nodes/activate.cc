#include "converter/float/layers.h"
#include "converter/float/node_run.h"

namespace intvit {

void forward(const Activate& activation, const NodeRun& run) {
  activate(activation.function, run.input(0), run.out(0).rows * run.out(0).columns, run.output(0), run.threads);
  run.observe(0);
}

}  // namespace intvit
