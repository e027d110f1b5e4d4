#include "converter/float/layers.h"

#include <dnnl.h>

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "converter/float/parallel.h"
#include "converter/float/vectors/vector_functions.h"

namespace intvit {
namespace {

// Output features per task of a linear layer: small enough that the narrowest layer (C = 192) still feeds several
// threads, large enough that packing the input again for every task costs little.
constexpr int kFeaturesPerTask = 96;
constexpr int kRowsPerTask = 32;
constexpr int kElementsPerTask = 16384;

int pieces(int count, int size) { return (count + size - 1) / size; }

// Starts a tile of a linear layer's output with its bias, on top of which the product is accumulated.
void put_bias(const float* bias, int rows, int count, bool accumulate, float* tile, int stride) {
  for (int row = 0; row < rows; ++row) {
    float* line = tile + static_cast<std::size_t>(row) * stride;
    if (accumulate) {
      for (int i = 0; i < count; ++i) line[i] += bias[i];
    } else {
      std::copy_n(bias, count, line);
    }
  }
}

void relu(const float* input, int count, float* output) {
  for (int i = 0; i < count; ++i) output[i] = input[i] > 0.0f ? input[i] : 0.0f;
}

VectorFunctions::Map function_of(Activation activation) {
  switch (activation) {
    case Activation::gelu_erf:
      return vector_functions().gelu_erf;
    case Activation::gelu_tanh:
      return vector_functions().gelu_tanh;
    case Activation::quick_gelu:
      return vector_functions().quick_gelu;
    case Activation::silu:
      return vector_functions().silu;
    case Activation::relu:
      break;
  }
  return relu;
}

}  // namespace

bool multiply(MatrixView left, MatrixView right, bool right_transposed, float scale, bool accumulate, int rows,
              int outputs, int inner, float* output, int output_stride) {
  return dnnl_sgemm('N', right_transposed ? 'T' : 'N', rows, outputs, inner, scale, left.data, left.stride, right.data,
                    right.stride, accumulate ? 1.0f : 0.0f, output, output_stride) == dnnl_success;
}

bool multiply_transposed(MatrixView left, MatrixView right, float scale, bool accumulate, int rows, int outputs,
                         int inner, float* output, int output_stride) {
  return dnnl_sgemm('T', 'N', rows, outputs, inner, scale, left.data, left.stride, right.data, right.stride,
                    accumulate ? 1.0f : 0.0f, output, output_stride) == dnnl_success;
}

bool linear(const FloatLinear& layer, int first, int count, const float* input, int rows, bool accumulate,
            float* output, int threads) {
  std::atomic<bool> ok = true;
  parallel_for(threads, pieces(count, kFeaturesPerTask), [&](int task) {
    const int begin = task * kFeaturesPerTask;
    const int features = std::min(kFeaturesPerTask, count - begin);
    const float* weight = layer.weight.data() + static_cast<std::size_t>(first + begin) * layer.in;
    put_bias(layer.bias.data() + first + begin, rows, features, accumulate, output + begin, count);
    if (!multiply({input, layer.in}, {weight, layer.in}, true, 1.0f, true, rows, features, layer.in, output + begin,
                  count)) {
      ok = false;
    }
  });
  return ok;
}

void layer_norm(const FloatLayerNorm& norm, const NormKind& kind, const float* input, int rows, int cols, float* output,
                int threads) {
  const int width = cols / kind.groups;
  parallel_for(threads, pieces(rows, kRowsPerTask), [&](int task) {
    const int end = std::min(rows, (task + 1) * kRowsPerTask);
    for (int row = task * kRowsPerTask; row < end; ++row) {
      for (int first = 0; first < cols; first += width) {
        const std::size_t start = static_cast<std::size_t>(row) * cols + first;
        vector_functions().layer_norm_row({input + start, norm.gamma.data() + first, norm.beta.data() + first, width,
                                           static_cast<float>(kind.eps), output + start, kind.centred,
                                           kind.accumulate});
      }
    }
  });
}

void softmax_rows(float* data, int rows, int cols) {
  for (int row = 0; row < rows; ++row) {
    vector_functions().softmax_row(data + static_cast<std::size_t>(row) * cols, cols);
  }
}

void activate(Activation activation, const float* input, int count, float* output, int threads) {
  const VectorFunctions::Map function = function_of(activation);
  parallel_for(threads, pieces(count, kElementsPerTask), [&](int task) {
    const int begin = task * kElementsPerTask;
    const int size = std::min(kElementsPerTask, count - begin);
    function(input + begin, size, output + begin);
  });
}

}  // namespace intvit
