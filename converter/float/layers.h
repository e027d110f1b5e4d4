// The arithmetic of a Vision Transformer in float32, on plain row-major arrays: linear layers on oneDNN, the rest in
// the vectors of vector_functions.h. Every result element is computed by one thread in an order that does not depend on
// the number of threads; it does depend on which instructions there are (float rounding, about 1e-6).
// Assumes valid shapes (load_network checks them) and an OneThreadPerTask alive in the caller. Not for the engine.
#pragma once

#include "converter/graph/layers.h"
#include "models/activation.h"

namespace intvit {

// A row-major matrix inside a larger one: element (i, j) is data[i * stride + j].
struct MatrixView {
  const float* data;
  int stride;
};

// output[rows][outputs] = scale * left[rows][inner] * right + (accumulate ? output : 0), where right is
// [inner][outputs], or [outputs][inner] when right_transposed. On one thread. False when oneDNN fails (out of memory).
bool multiply(MatrixView left, MatrixView right, bool right_transposed, float scale, bool accumulate, int rows,
              int outputs, int inner, float* output, int output_stride);

// The same for left^T, where left is [inner][rows] and right [inner][outputs].
bool multiply_transposed(MatrixView left, MatrixView right, float scale, bool accumulate, int rows, int outputs,
                         int inner, float* output, int output_stride);

// output[rows][count] = input[rows][layer.in] * layer's output features first ... first + count - 1, plus bias;
// added to what output holds when accumulate. False when oneDNN fails.
bool linear(const FloatLinear& layer, int first, int count, const float* input, int rows, bool accumulate,
            float* output, int threads);

struct NormKind {
  double eps = 1e-6;
  int groups = 1;           // parts of a row, each normed by itself
  bool centred = true;      // false: the mean is taken for 0
  bool accumulate = false;  // to what output holds
};

// Per row and group: (x - mean) / sqrt(variance + eps) * gamma + beta. A row has cols values.
void layer_norm(const FloatLayerNorm& norm, const NormKind& kind, const float* input, int rows, int cols, float* output,
                int threads);

// Per row of a rows x cols array, in place.
void softmax_rows(float* data, int rows, int cols);

void activate(Activation activation, const float* input, int count, float* output, int threads);

}  // namespace intvit
