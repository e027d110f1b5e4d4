#include <algorithm>

#include "converter/float/node_run.h"

namespace intvit {

void forward(const Copy&, const NodeRun& run) {
  std::copy_n(run.input(0), area(run.in(0).rows, run.in(0).columns), run.output(0));
  run.observe(0);
}

}  // namespace intvit
