// std::nearbyint without a call into the library, so that loops over it become vectors. Halves go to the even
// neighbour, as in the default rounding mode.
#pragma once

namespace intvit {

// |x| < 2^51
inline double rounded(double x) {
  constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52: has no fraction bits left
  return (x + kShift) - kShift;
}

// |x| < 2^22
inline float rounded(float x) {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23
  return (x + kShift) - kShift;
}

}  // namespace intvit
