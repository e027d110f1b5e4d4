// How a tiny program's numbers are chosen: tensors are bells of 45 codes around code 128, told in steps that may be
// finer or coarser than 8-bit codes.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "tests/engine/tiny_options.h"

namespace intvit::test {

struct TinyScale {
  int octaves = 0;           // an 8-bit code is 2^octaves steps
  bool around_zero = false;  // values around 0, not codes around 128

  double centre() const { return around_zero ? 0 : std::ldexp(128, octaves); }
  double sigma() const { return std::ldexp(45, octaves); }
};

// Of codes up to max_code, 15 or 255.
inline TinyScale codes_scale(std::uint32_t max_code) { return {static_cast<int>(std::bit_width(max_code)) - 8, false}; }

// Of the grid that an encode operation puts values on: 8 bits, or 12 in two planes.
inline TinyScale grid_scale(const TinyEncoding& encoding) { return {encoding.planes == 2 ? 4 : 0, false}; }

inline std::uint32_t fine_bits(const TinyEncoding& encoding) { return encoding.planes == 2 ? 2 : 4; }

// Of the values that it reads.
inline TinyScale values_scale(const TinyEncoding& encoding) {
  return {grid_scale(encoding).octaves + static_cast<int>(fine_bits(encoding)), true};
}

}  // namespace intvit::test
