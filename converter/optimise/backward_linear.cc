#include <new>

#include "converter/float/layers.h"
#include "converter/float/node_run.h"
#include "converter/optimise/backward.h"

namespace intvit {

// dW = dY^T X, db = sum of dY's rows, dX = dY W
void backward(const Linear& layer, const BackwardRun& run) {
  const int in = layer.linear.in, columns = layer.linear.out / static_cast<int>(run.node.outputs.size());
  bool ok = true;
  for (std::size_t part = 0; part < run.node.outputs.size(); ++part) {
    const float* gradient = run.output_gradient(part);
    if (gradient == nullptr) continue;
    const int rows = run.out(part).rows, first = static_cast<int>(part) * columns;
    if (run.weights != nullptr) {
      ok = ok && multiply_transposed({gradient, columns}, {run.input(0), in}, 1.0f, true, columns, in, rows,
                                     run.weights->weight.data() + area(first, in), in);
      float* bias = run.weights->bias.data() + first;
      for (int row = 0; row < rows; ++row) {
        for (int c = 0; c < columns; ++c) bias[c] += gradient[area(row, columns) + static_cast<std::size_t>(c)];
      }
    }
    if (float* to = run.input_gradient(0)) {
      ok = ok && multiply({gradient, columns}, {layer.linear.weight.data() + area(first, in), in}, false, 1.0f, true,
                          rows, in, columns, to, in);
    }
  }
  if (!ok) throw std::bad_alloc();
}

}  // namespace intvit
