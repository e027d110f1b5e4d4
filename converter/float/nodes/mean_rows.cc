#include <algorithm>

#include "converter/float/node_run.h"

namespace intvit {

void forward(const MeanRows& mean, const NodeRun& run) {
  const int columns = run.in(0).columns;
  std::copy_n(run.input(0), area(mean.copied, columns), run.output(0));
  float* out = run.output(0) + area(mean.copied, columns);
  std::fill_n(out, columns, 0.0f);
  for (int row = mean.first_row; row < mean.first_row + mean.count; ++row) {
    for (int i = 0; i < columns; ++i) out[i] += run.input(0)[area(row, columns) + static_cast<std::size_t>(i)];
  }
  for (int i = 0; i < columns; ++i) out[i] /= static_cast<float>(mean.count);
  run.observe(0);
}

}  // namespace intvit
