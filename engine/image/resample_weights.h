// The coefficients of Pillow's 8-bit resize for one axis, computed with integers.
//
// Pillow computes them in double and rounds to 22 fractional bits. Every argument of a filter is a rational number
// p / q with q = 2 * max(source, destination), so that bilinear and bicubic coefficients are ratios of exact integers,
// rounded once; Lanczos needs a sine, which is a fixed-point series with an error near 2^-58. Only where Pillow's own
// rounding errors (1e-16) turn a value around the middle between two integers could the two differ.
// Nearest neighbour is one tap of 2^22 at the position where Pillow's running sum of doubles, emulated, lands.
//
// Not for: more than one axis (call it twice), boxes other than the whole source.
#pragma once

#include <cstdint>
#include <vector>

#include "intvit/input_geometry.h"
#include "intvit/status.h"
#include "kernels/resize/resize.h"

namespace intvit {

inline constexpr std::int64_t kMaxPictureEdge = 65535;
// After the resize the longer edge may be much longer, of which only the crop is ever computed: a picture of 1 x 65535
// pixels becomes 256 x 16776960.
inline constexpr std::int64_t kMaxResizedEdge = std::int64_t{1} << 24;

struct ResampleAxis {
  std::int64_t src_length = 0;  // 1..kMaxPictureEdge
  std::int64_t dst_length = 0;  // 1..kMaxResizedEdge
  std::int64_t dst_begin = 0;   // the outputs wanted: dst_begin .. dst_begin + dst_count - 1
  std::int64_t dst_count = 0;   // 1..kMaxPictureEdge
  Interpolation interpolation = Interpolation::bicubic;

  bool operator==(const ResampleAxis&) const = default;
};

// Reusable: compute() keeps the memory of an earlier call.
class ResampleWeights {
 public:
  Status compute(const ResampleAxis& axis);

  kernels::ResizeAxis view() const { return {first_.data(), taps_.data(), weights_.data(), taps_stride_}; }
  int max_taps() const { return max_taps_; }

 private:
  void compute_filter(const ResampleAxis& axis);
  void compute_nearest(const ResampleAxis& axis);

  std::vector<std::int32_t> first_;
  std::vector<std::int32_t> taps_;
  std::vector<std::int32_t> weights_;
  int taps_stride_ = 0;
  int max_taps_ = 0;
};

}  // namespace intvit
