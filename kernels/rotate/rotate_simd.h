// rotate.h in vectors of pairs. The last of a head end where its half ends, so that some elements may be done twice.
// Heads narrower than that, and the few rows that are not turned, are left to the law.
#pragma once

#include "kernels/rotate/rotate_law.h"

namespace intvit::kernels {
namespace {

template <typename Simd>
class RotateVectors {
  using I16 = typename Simd::I16;
  using I32 = typename Simd::I32;

 public:
  RotateVectors(const std::int32_t* codes, int max_code)
      : bias_(codes[0]), shift_(codes[1]), max_code_(Simd::set16(max_code)) {}

  // Pairs x1, x2 -> codes at dst1 and dst2.
  void operator()(I16 x1, I16 x2, I16 cosine, I16 sine, std::uint8_t* dst1, std::uint8_t* dst2) const {
    I32 a_lo, a_hi, b_lo, b_hi;
    Simd::products_in_lanes(x1, cosine, a_lo, a_hi);
    Simd::products_in_lanes(x2, sine, b_lo, b_hi);
    store(dst1, a_lo - b_lo, a_hi - b_hi);
    Simd::products_in_lanes(x1, sine, a_lo, a_hi);
    Simd::products_in_lanes(x2, cosine, b_lo, b_hi);
    store(dst2, a_lo + b_lo, a_hi + b_hi);
  }

 private:
  I32 code(I32 sum) const { return Simd::shift_right_each(((sum + I32(1 << 14)) >> 15) + bias_, shift_); }
  void store(std::uint8_t* dst, I32 lo, I32 hi) const {
    Simd::store_codes(dst, min(Simd::pack32_in_lanes(code(lo), code(hi)), max_code_));
  }

  I32 bias_, shift_;
  I16 max_code_;
};

template <typename Simd>
void rotate_rows(const RotateArgs& args) {
  constexpr int kLanes = Simd::kLanes16;
  const int half = args.head_dim / 2;
  if (half < kLanes || args.angles == nullptr) return rotate_by_law(args);
  for (int h = 0; h < args.heads; ++h) {
    const RotateVectors<Simd> rotate(args.codes + 2 * h, args.max_code);
    for (int r = 0; r < args.rows; ++r) {
      const std::int16_t* x = args.src + r * args.src_stride + h * args.head_dim;
      const std::int16_t* cosine = args.angles + std::ptrdiff_t{r} * args.head_dim;
      std::uint8_t* dst = args.dst + r * args.dst_stride + h * args.head_dim;
      for (int next = 0; next < half; next += kLanes) {
        const int i = next + kLanes <= half ? next : half - kLanes;
        rotate(Simd::load16(x + i), Simd::load16(x + half + i), Simd::load16(cosine + i),
               Simd::load16(cosine + half + i), dst + i, dst + half + i);
      }
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
