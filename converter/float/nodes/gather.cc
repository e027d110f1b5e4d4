#include <algorithm>

#include "converter/float/node_run.h"

namespace intvit {

void forward(const Gather& gather, const NodeRun& run) {
  const int columns = run.in(0).columns;
  float* out = run.output(0);
  for (const std::int32_t row : expand(gather.merge)) {
    if (row >= 0) {
      std::copy_n(run.input(0) + area(row, columns), columns, out);
    } else {
      std::fill_n(out, columns, 0.0f);
    }
    out += columns;
  }
  run.observe(0);
}

}  // namespace intvit
