// multiply.h in vectors, two at a time, as activations are looked up the fastest. The last two of a row end where the
// row ends, so that some elements may be done twice. Rows shorter than that are left to the law.
#pragma once

#include "kernels/activation/gated_activation_simd.h"
#include "kernels/multiply/multiply_law.h"

namespace intvit::kernels {
namespace {

template <typename Simd>
class MultiplyVectors {
  using I16 = typename Simd::I16;
  using I32 = typename Simd::I32;

 public:
  explicit MultiplyVectors(const MultiplyArgs& args)
      : activate_(args.activation), bias_(args.bias), shift_(args.shift), multiplier_(Simd::set16(args.multiplier)) {}

  // Of gates and x to values, in place of the gates.
  void operator()(I16& gate0, I16& gate1, I16 x0, I16 x1) const {
    activate_(gate0, gate1);
    gate0 = requantized(gate0, x0);
    gate1 = requantized(gate1, x1);
  }

 private:
  I16 requantized(I16 gate, I16 x) const {
    I32 lo, hi;
    Simd::products_in_lanes(gate, x, lo, hi);
    return Simd::multiply_q15(
        Simd::pack32_in_lanes(Simd::shift_right_each(lo + bias_, shift_), Simd::shift_right_each(hi + bias_, shift_)),
        multiplier_);
  }

  ActivationVectors<Simd> activate_;
  I32 bias_, shift_;
  I16 multiplier_;
};

// T is what is written: u8 codes or s16 values.
template <typename Simd, typename T>
void multiply_rows_to(const MultiplyArgs& args) {
  constexpr int kLanes = Simd::kLanes16, kBlock = 2 * kLanes;
  const MultiplyVectors<Simd> multiply(args);
  const auto max_code = Simd::set16(args.max_code);
  const auto store = [&](T* dst, typename Simd::I16 values) {
    if constexpr (sizeof(T) == 1) {
      Simd::store_codes(dst, min(values, max_code));
    } else {
      Simd::store(dst, values);
    }
  };
  for (int r = 0; r < args.rows; ++r) {
    const std::int16_t* src = args.src + r * args.src_stride;
    T* dst = static_cast<T*>(args.dst) + r * args.dst_stride;
    for (int next = 0; next < args.columns; next += kBlock) {
      const int c = next + kBlock <= args.columns ? next : args.columns - kBlock;
      const std::int16_t* x = src + args.columns + c;
      auto values0 = Simd::load16(src + c), values1 = Simd::load16(src + c + kLanes);
      multiply(values0, values1, Simd::load16(x), Simd::load16(x + kLanes));
      store(dst + c, values0);
      store(dst + c + kLanes, values1);
    }
  }
}

template <typename Simd>
void multiply_rows(const MultiplyArgs& args) {
  if (args.columns < 2 * Simd::kLanes16) return multiply_by_law(args);
  if (args.values) {
    multiply_rows_to<Simd, std::int16_t>(args);
  } else {
    multiply_rows_to<Simd, std::uint8_t>(args);
  }
}

}  // namespace
}  // namespace intvit::kernels
