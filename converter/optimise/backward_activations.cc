#include <algorithm>

#include "converter/float/layers.h"
#include "converter/float/node_run.h"
#include "converter/optimise/backward.h"

namespace intvit {
namespace {

constexpr int kPiece = 1024;

// slope[i] = the function's at x[i], from two values beside it: off by less than 1e-4, with the vectors that there are.
void slopes(Activation function, const float* x, int count, float* slope) {
  constexpr float kHalf = 1.0f / 64;
  float beside[kPiece] = {};
  for (int i = 0; i < count; ++i) beside[i] = x[i] - kHalf;
  activate(function, beside, count, slope, 1);
  for (int i = 0; i < count; ++i) beside[i] += 2 * kHalf;
  activate(function, beside, count, beside, 1);
  for (int i = 0; i < count; ++i) slope[i] = (beside[i] - slope[i]) / (2 * kHalf);
}

}  // namespace

void backward(const Activate& activation, const BackwardRun& run) {
  float* to = run.input_gradient(0);
  if (to == nullptr) return;
  const float *gradient = run.output_gradient(0), *x = run.input(0);
  const int size = run.out(0).rows * run.out(0).columns;
  float slope[kPiece];
  for (int first = 0; first < size; first += kPiece) {
    const int count = std::min(kPiece, size - first);
    slopes(activation.function, x + first, count, slope);
    for (int i = 0; i < count; ++i) to[first + i] += gradient[first + i] * slope[i];
  }
}

void backward(const Multiply& multiply, const BackwardRun& run) {
  float *to_gate = run.input_gradient(0), *to_factor = run.input_gradient(1);
  const float *gradient = run.output_gradient(0), *gate = run.input(0), *factor = run.input(1);
  const int size = run.out(0).rows * run.out(0).columns;
  float buffer[kPiece];
  for (int first = 0; first < size; first += kPiece) {
    const int count = std::min(kPiece, size - first);
    if (to_gate != nullptr) {
      slopes(multiply.function, gate + first, count, buffer);
      for (int i = 0; i < count; ++i) to_gate[first + i] += gradient[first + i] * factor[first + i] * buffer[i];
    }
    if (to_factor != nullptr) {
      activate(multiply.function, gate + first, count, buffer, 1);
      for (int i = 0; i < count; ++i) to_factor[first + i] += gradient[first + i] * buffer[i];
    }
  }
}

}  // namespace intvit
