// What schemes make of values, and sums, in doubles. Nothing is fused and sums have sixteen parts: every set gives the
// same bits.
#pragma once

#include "converter/float/vectors/floats.h"
#include "converter/float/vectors/vector_functions.h"

namespace intvit {
namespace {

// Calls body(from, i, left) for every sixteen elements from row[i] on, of which `left` count; `from` has all sixteen,
// zeros beyond the end.
template <typename T, typename Body>
void for_each_sixteen(const T* row, int count, Body&& body) {
  int i = 0;
  for (; i + 16 <= count; i += 16) body(row + i, i, 16);
  if (i == count) return;
  T part[16] = {};
  std::memcpy(part, row + i, static_cast<std::size_t>(count - i) * sizeof(T));
  body(part, i, count - i);
}

// Sixteen sums.
template <typename Simd>
struct Sums {
  using D = typename Simd::D;
  static constexpr int kSize = static_cast<int>(D::size), kVectors = 16 / kSize;
  D sums[kVectors];

  Sums() {
    for (D& sum : sums) sum = D(0.0);
  }
  // term(i) is that of elements i to i + kSize of sixteen.
  template <typename Term>
  void add(Term&& term) {
    for (int i = 0; i < kVectors; ++i) sums[i] = sums[i] + term(i * kSize);
  }
  double total() const {
    double part[16];
    for (int i = 0; i < kVectors; ++i) sums[i].store_unaligned(part + i * kSize);
    double sum = 0;
    for (const double p : part) sum += p;
    return sum;
  }
};

template <typename Simd>
struct EvenVectors {
  using D = typename Simd::D;
  D inverse, scale, lowest, highest;

  explicit EvenVectors(const EvenValues& v)
      : inverse(v.inverse), scale(v.scale), lowest(v.lowest), highest(v.highest) {}
  // x86's min and max keep a NaN that comes second.
  D nearest(D x) const {
    const D shift(6755399441055744.0);  // 1.5 * 2^52: adding it leaves no fraction bits
    return scale * ((min(highest, max(lowest, x * inverse)) + shift) - shift);
  }
};

template <typename Simd>
void round_to_grid(const ValuesOnGrid& values, float* row, int count) {
  using D = typename Simd::D;
  const EvenVectors<Simd> code(values.code), grid(values.grid);
  const D outlier(values.outlier);
  for_each_sixteen(row, count, [&](const float* from, int at, int left) {
    float rounded[16];
    for (int i = 0; i < 16; i += static_cast<int>(D::size)) {
      const D x = Simd::widen(from + i);
      Simd::narrow(grid.nearest(select(abs(x) > outlier, x, code.nearest(x))), rounded + i);
    }
    std::memcpy(row + at, rounded, static_cast<std::size_t>(left) * sizeof(float));
  });
}

template <typename Simd>
double squared_error(const EvenValues& values, const float* x, int count) {
  const EvenVectors<Simd> even(values);
  Sums<Simd> sums;
  for_each_sixteen(x, count, [&](const float* from, int, int) {
    sums.add([&](int i) {
      const auto value = Simd::widen(from + i), difference = value - even.nearest(value);
      return difference * difference;
    });
  });
  return sums.total();
}

// Of b, what is beyond the end is read as zeros too.
template <typename Simd, typename T, typename Load>
double sum_of_products(const T* a, const T* b, int count, Load&& load) {
  Sums<Simd> sums;
  for_each_sixteen(a, count, [&](const T* from_a, int at, int left) {
    T part[16] = {};
    const T* from_b = b + at;
    if (left < 16)
      from_b = static_cast<const T*>(std::memcpy(part, from_b, static_cast<std::size_t>(left) * sizeof(T)));
    sums.add([&](int i) { return load(from_a + i) * load(from_b + i); });
  });
  return sums.total();
}

template <typename Simd>
double dot(const double* a, const double* b, int count) {
  return sum_of_products<Simd>(a, b, count, [](const double* p) { return Simd::D::load_unaligned(p); });
}

template <typename Simd>
double dot_floats(const float* a, const float* b, int count) {
  return sum_of_products<Simd>(a, b, count, [](const float* p) { return Simd::widen(p); });
}

template <typename Simd>
void look_up(const SmallTable& table, const float* row, int count, double* levels) {
  using D = typename Simd::D;
  constexpr int kSize = static_cast<int>(D::size), kVectors = 16 / kSize;
  const D divisor(table.divisor);
  for_each_sixteen(row, count, [&](const float* from, int at, int left) {
    D x[kVectors], level[kVectors];
    for (int i = 0; i < kVectors; ++i) {
      x[i] = Simd::widen(from + i * kSize) / divisor;
      level[i] = D(table.levels[0]);
    }
    for (int k = 1; k < table.count; ++k) {
      const D threshold(table.thresholds[k - 1]), above(table.levels[k]);
      for (int i = 0; i < kVectors; ++i) level[i] = select(x[i] < threshold, level[i], above);
    }
    double found[16];
    for (int i = 0; i < kVectors; ++i) level[i].store_unaligned(found + i * kSize);
    std::memcpy(levels + at, found, static_cast<std::size_t>(left) * sizeof(double));
  });
}

}  // namespace
}  // namespace intvit
