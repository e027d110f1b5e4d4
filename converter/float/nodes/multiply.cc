#include "converter/float/layers.h"
#include "converter/float/node_run.h"

namespace intvit {

void forward(const Multiply& multiply, const NodeRun& run) {
  const int count = run.out(0).rows * run.out(0).columns;
  float* out = run.output(0);
  const float* x = run.input(1);
  activate(multiply.function, run.input(0), count, out, run.threads);
  for (int i = 0; i < count; ++i) out[i] *= x[i];
  run.observe(0);
}

}  // namespace intvit
