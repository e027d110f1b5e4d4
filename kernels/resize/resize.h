// Antialiased separable resize of 8-bit pictures, equal to Pillow's to the bit.
//
// Pillow's 8-bit path is already fixed point: coefficients scaled by 2^22, 32-bit sums that start at 2^21, an
// arithmetic shift, a clamp; first all rows horizontally, then all columns vertically, 8 bits in between.
// (Source of the facts: python-pillow/Pillow, src/libImaging/Resample.c.) Pillow computes the coefficients in
// double; engine/image/resample_weights.h computes the same integers without floating point.
//
// Range: the coefficients of one output sample sum to about 2^22 and the overshoot of a bicubic or Lanczos filter
// is below 2x, so |sum| < 2^21 + 255 * 2 * 2^22 < 2^31. No single coefficient exceeds kResizeMaxWeight in size, so
// that it fits into three signed bytes.
//
// Weights come padded: they are readable, and 0, up to the next multiple of kResizeTapBlock. Samples do not: a kernel
// reads no sample that no tap names, and writes nothing beyond its outputs. src and dst do not overlap.
//
// Not for: nearest neighbour as such (one tap of 2^22 does it), premultiplied alpha, more than 8 bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit::kernels {

inline constexpr int kResizePrecisionBits = 22;
inline constexpr int kResizeTapBlock = 4;
inline constexpr int kResizePlanAlignment = 64;
inline constexpr int kResizeMaxWeight = 0x7f7f7f;  // the largest number of three signed bytes; about 1.99 * 2^22

// One output sample is clamp((2^21 + sum_t src[first + t] * weights[t]) >> 22) over `taps` neighbours.
// Neither `first` nor `first + taps` falls from one output to the next.
struct ResizeAxis {
  const std::int32_t* first;    // [outputs] index of the first source sample
  const std::int32_t* taps;     // [outputs] number of source samples, 1..taps_stride
  const std::int32_t* weights;  // [outputs][taps_stride], 0 beyond an output's taps
  int taps_stride;              // a multiple of kResizeTapBlock
};

struct ResizeRowArgs {
  const std::uint8_t* src;  // one row, `channels` interleaved samples per pixel
  std::uint8_t* dst;        // dst_width * channels
  int dst_width;
  int channels;      // 1..4
  ResizeAxis axis;   // first/taps in pixels, outputs = dst_width
  const void* plan;  // plan_row()'s, if the kernel has one
};

// The source rows are pointers, so that they may lie in a ring, or in the source picture itself.
struct ResizeColumnArgs {
  const std::uint8_t* const* rows;  // [taps]
  int taps;
  const std::int32_t* weights;  // [taps], padded with 0 to a multiple of kResizeTapBlock
  std::uint8_t* dst;            // one output row
  int samples;                  // width * channels
};

struct ResizeKernels {
  void (*row)(const ResizeRowArgs&) noexcept;
  void (*column)(const ResizeColumnArgs&) noexcept;
  // What row() wants to have of an axis in a form of its own, made once for all rows. Null where it wants nothing.
  // A multiple of kResizePlanAlignment.
  std::size_t (*row_plan_bytes)(const ResizeAxis&, int dst_width) noexcept = nullptr;
  // `plan` is aligned to kResizePlanAlignment and has so many bytes.
  void (*plan_row)(const ResizeAxis&, int dst_width, int channels, void* plan) noexcept = nullptr;
};

}  // namespace intvit::kernels
