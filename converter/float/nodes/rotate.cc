#include <algorithm>

#include "converter/float/node_run.h"

namespace intvit {

void forward(const Rotate& rotate, const NodeRun& run) {
  const Tensor& result = run.out(0);
  const int columns = result.columns, head_dim = result.head_columns(), half = head_dim / 2;
  std::copy_n(run.input(0), area(rotate.first_row, columns), run.output(0));
  for (int row = rotate.first_row; row < result.rows; ++row) {
    const float* cosine = rotate.cosines.data() + area(row - rotate.first_row, half);
    const float* sine = rotate.sines.data() + area(row - rotate.first_row, half);
    for (int head = 0; head < result.heads; ++head) {
      const float* x = run.input(0) + area(row, columns) + head * head_dim;
      float* y = run.output(0) + area(row, columns) + head * head_dim;
      for (int i = 0; i < half; ++i) {
        y[i] = x[i] * cosine[i] - x[i + half] * sine[i];
        y[i + half] = x[i + half] * cosine[i] + x[i] * sine[i];
      }
    }
  }
  run.observe(0);
}

}  // namespace intvit
