#include "converter/float/layers.h"

#include <dnnl.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>

#include "converter/float/parallel.h"
#include "converter/float/vector_math.h"

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

template <bool accumulate>
void normalise(const float* gamma, const float* beta, float eps, bool centred, const float* input, int cols,
               float* output) {
  float mean = 0.0f;
  if (centred) {
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < cols; ++i) sum += input[i];
    mean = sum / static_cast<float>(cols);
  }
  float squares = 0.0f;  // of the deviations: two passes, because sum(x^2) - sum(x)^2 cancels
#pragma omp simd reduction(+ : squares)
  for (int i = 0; i < cols; ++i) squares += (input[i] - mean) * (input[i] - mean);
  const float inverse = 1.0f / std::sqrt(squares / static_cast<float>(cols) + eps);
#pragma omp simd
  for (int i = 0; i < cols; ++i) {
    const float value = (input[i] - mean) * inverse * gamma[i] + beta[i];
    output[i] = accumulate ? output[i] + value : value;
  }
}

float gelu_erf(float x) {
  const float magnitude = std::fabs(x);
  return (x > 0.0f ? x : 0.0f) - magnitude * normal_upper_tail(magnitude);
}

// x / 2 (1 + tanh(u)) = x sigmoid(2 u)
float gelu_tanh(float x) { return x * sigmoid(1.59576912f * (x + 0.044715f * x * x * x)); }  // 2 sqrt(2 / pi)

float quick_gelu(float x) { return x * sigmoid(1.702f * x); }

float silu(float x) { return x * sigmoid(x); }

float relu(float x) { return x > 0.0f ? x : 0.0f; }

template <float (*function)(float)>
void map(const float* input, int count, float* output) {
#pragma omp simd
  for (int i = 0; i < count; ++i) output[i] = function(input[i]);
}

}  // namespace

bool multiply(MatrixView left, MatrixView right, bool right_transposed, float scale, bool accumulate, int rows,
              int outputs, int inner, float* output, int output_stride) {
  return dnnl_sgemm('N', right_transposed ? 'T' : 'N', rows, outputs, inner, scale, left.data, left.stride, right.data,
                    right.stride, accumulate ? 1.0f : 0.0f, output, output_stride) == dnnl_success;
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
  const auto one = kind.accumulate ? normalise<true> : normalise<false>;
  parallel_for(threads, pieces(rows, kRowsPerTask), [&](int task) {
    const int end = std::min(rows, (task + 1) * kRowsPerTask);
    for (int row = task * kRowsPerTask; row < end; ++row) {
      for (int first = 0; first < cols; first += width) {
        const std::size_t start = static_cast<std::size_t>(row) * cols + first;
        one(norm.gamma.data() + first, norm.beta.data() + first, static_cast<float>(kind.eps), kind.centred,
            input + start, width, output + start);
      }
    }
  });
}

void softmax_rows(float* data, int rows, int cols) {
  for (int row = 0; row < rows; ++row) {
    float* line = data + static_cast<std::size_t>(row) * cols;
    float largest = line[0];
#pragma omp simd reduction(max : largest)
    for (int i = 0; i < cols; ++i) largest = line[i] > largest ? line[i] : largest;
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < cols; ++i) {
      line[i] = exp_of_minus(largest - line[i]);
      sum += line[i];
    }
    const float inverse = 1.0f / sum;
#pragma omp simd
    for (int i = 0; i < cols; ++i) line[i] *= inverse;
  }
}

void activate(Activation activation, const float* input, int count, float* output, int threads) {
  parallel_for(threads, pieces(count, kElementsPerTask), [&](int task) {
    const int begin = task * kElementsPerTask;
    const int size = std::min(kElementsPerTask, count - begin);
    switch (activation) {
      case Activation::gelu_erf:
        return map<gelu_erf>(input + begin, size, output + begin);
      case Activation::gelu_tanh:
        return map<gelu_tanh>(input + begin, size, output + begin);
      case Activation::quick_gelu:
        return map<quick_gelu>(input + begin, size, output + begin);
      case Activation::relu:
        return map<relu>(input + begin, size, output + begin);
      case Activation::silu:
        return map<silu>(input + begin, size, output + begin);
    }
  });
}

}  // namespace intvit
