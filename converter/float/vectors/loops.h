// The functions of vector_functions.h for any instruction set. Loops take sixteen elements a turn, of which sums keep
// apart: so their order is the same for every length of vectors.
#pragma once

#include "converter/float/vectors/schemes.h"
#include "converter/float/vectors/vector_functions.h"
#include "converter/float/vectors/vector_math.h"

namespace intvit {
namespace {

template <typename Simd, typename Simd::F (*function)(typename Simd::F)>
void map(const float* x, int count, float* y) {
  for (int i = 0; i < count; i += Block<Simd>::kSize) {
    Block<Simd>::load(x + i, count - i, 0.0f).map(function).store(y + i, count - i);
  }
}

template <typename Simd>
float sum_of(const Block<Simd>& sums) {
  return sums.fold([](float a, float b) { return a + b; });
}

template <typename Simd>
void softmax_row(float* row, int count) {
  using F = typename Simd::F;
  using Sixteen = Block<Simd>;
  Sixteen most = Sixteen::of(row[0]);
  for (int i = 0; i < count; i += Sixteen::kSize) {
    most = most.map(Sixteen::load(row + i, count - i, row[0]), [](F a, F b) { return max(a, b); });
  }
  const F largest(most.fold([](float a, float b) { return a > b ? a : b; }));
  Sixteen sums = Sixteen::of(0.0f);
  for (int i = 0; i < count; i += Sixteen::kSize) {
    // Beyond the row e^-infinity = 0.
    const Sixteen powers =
        Sixteen::load(row + i, count - i, -__builtin_inff()).map([&](F x) { return exp_of_minus<Simd>(largest - x); });
    powers.store(row + i, count - i);
    sums = sums.map(powers, [](F a, F b) { return a + b; });
  }
  const F inverse(1.0f / sum_of(sums));
  for (int i = 0; i < count; i += Sixteen::kSize) {
    Sixteen::load(row + i, count - i, 0.0f).map([&](F x) { return x * inverse; }).store(row + i, count - i);
  }
}

template <typename Simd>
void layer_norm_row(const LayerNormRow& row) {
  using F = typename Simd::F;
  using Sixteen = Block<Simd>;
  const auto count = static_cast<float>(row.count);
  Sixteen sums = Sixteen::of(0.0f);
  for (int i = 0; row.centred && i < row.count; i += Sixteen::kSize) {
    sums = sums.map(Sixteen::load(row.input + i, row.count - i, 0.0f), [](F a, F b) { return a + b; });
  }
  const float mean = sum_of(sums) / count;
  Sixteen squares = Sixteen::of(0.0f);  // of the deviations: two passes, because sum(x^2) - sum(x)^2 cancels
  for (int i = 0; i < row.count; i += Sixteen::kSize) {
    squares = squares.map(Sixteen::load(row.input + i, row.count - i, mean), [&](F sum, F x) {
      const F deviation = x - F(mean);
      return Simd::fused(deviation, deviation, sum);
    });
  }
  const F inverse = F(1.0f) / sqrt(F(sum_of(squares) / count + row.eps));
  for (int i = 0; i < row.count; i += Sixteen::kSize) {
    const int left = row.count - i;
    Sixteen y = Sixteen::load(row.input + i, left, 0.0f)
                    .map(Sixteen::load(row.gamma + i, left, 0.0f),
                         [&](F x, F gamma) { return (x - F(mean)) * inverse * gamma; })
                    .map(Sixteen::load(row.beta + i, left, 0.0f), [](F x, F beta) { return x + beta; });
    if (row.accumulate) y = y.map(Sixteen::load(row.output + i, left, 0.0f), [](F a, F b) { return a + b; });
    y.store(row.output + i, left);
  }
}

template <typename Simd>
void add_product(float factor, const float* x, int count, float* sums) {
  using F = typename Simd::F;
  using Sixteen = Block<Simd>;
  for (int i = 0; i < count; i += Sixteen::kSize) {
    const int left = count - i;
    Sixteen::load(sums + i, left, 0.0f)
        .map(Sixteen::load(x + i, left, 0.0f), [&](F sum, F value) { return Simd::fused(F(factor), value, sum); })
        .store(sums + i, left);
  }
}

template <typename Simd>
constexpr VectorFunctions functions_of() {
  return {map<Simd, gelu_erf<Simd>>,
          map<Simd, gelu_tanh<Simd>>,
          map<Simd, quick_gelu<Simd>>,
          map<Simd, silu<Simd>>,
          softmax_row<Simd>,
          layer_norm_row<Simd>,
          add_product<Simd>,
          round_to_grid<Simd>,
          look_up<Simd>,
          squared_error<Simd>,
          dot<Simd>,
          dot_floats<Simd>};
}

}  // namespace
}  // namespace intvit
