// Vectors of floats of one instruction set: xsimd's batches, and what xsimd lacks. Arch is a tag of the file's own, in
// an unnamed namespace, for the reason that kernels/simd/vector.h gives.
#pragma once

#include <cstdint>
#include <cstring>
#include <xsimd/xsimd.hpp>

namespace intvit {
namespace {

template <typename Arch>
struct Floats {
  using F = xsimd::batch<float, Arch>;
  using D = xsimd::batch<double, Arch>;
  using Bits = xsimd::batch<std::int32_t, Arch>;

  // c + a * b and c - a * b, rounded once where the set can; files are compiled so that nothing else is fused.
  static F fused(F a, F b, F c) { return fma(a, b, c); }
  static F fused_minus(F a, F b, F c) { return fnma(a, b, c); }

  // As many floats as D has elements.
  static D widen(const float* p) {
    double part[D::size];
    for (std::size_t i = 0; i < D::size; ++i) part[i] = p[i];
    return D::load_unaligned(part);
  }
  static void narrow(D v, float* p) {
    double part[D::size];
    v.store_unaligned(part);
    for (std::size_t i = 0; i < D::size; ++i) p[i] = static_cast<float>(part[i]);
  }
};

// Sixteen floats, in as many vectors as that takes.
template <typename Simd>
struct Block {
  using F = typename Simd::F;
  static constexpr int kSize = 16;
  static constexpr int kVectors = kSize / static_cast<int>(F::size);
  F v[kVectors];

  static Block of(float x) {
    Block block;
    for (F& vector : block.v) vector = F(x);
    return block;
  }
  static Block load(const float* p) {
    Block block;
    for (int i = 0; i < kVectors; ++i) block.v[i] = F::load_unaligned(p + i * static_cast<int>(F::size));
    return block;
  }
  // Where fewer than sixteen are left, the others are `beyond`.
  static Block load(const float* p, int left, float beyond) {
    if (left >= kSize) [[likely]]
      return load(p);
    float part[kSize];
    for (float& x : part) x = beyond;
    std::memcpy(part, p, static_cast<std::size_t>(left) * sizeof(float));
    return load(part);
  }
  void store(float* p) const {
    for (int i = 0; i < kVectors; ++i) v[i].store_unaligned(p + i * static_cast<int>(F::size));
  }
  void store(float* p, int left) const {
    if (left >= kSize) [[likely]]
      return store(p);
    float part[kSize];
    store(part);
    std::memcpy(p, part, static_cast<std::size_t>(left) * sizeof(float));
  }
  template <typename Function>
  Block map(Function&& function) const {
    Block result;
    for (int i = 0; i < kVectors; ++i) result.v[i] = function(v[i]);
    return result;
  }
  template <typename Function>
  Block map(const Block& other, Function&& function) const {
    Block result;
    for (int i = 0; i < kVectors; ++i) result.v[i] = function(v[i], other.v[i]);
    return result;
  }
  // All sixteen, halves with halves.
  template <typename Function>
  float fold(Function&& function) const {
    float part[kSize];
    store(part);
    for (int half = kSize / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) part[i] = function(part[i], part[i + half]);
    }
    return part[0];
  }
};

}  // namespace
}  // namespace intvit
