// nearest_groups in vectors of 64-bit numbers.
#pragma once

#include "kernels/encode/encode_law.h"

namespace intvit::kernels {
namespace {

// A group's number below its distance: the least of these is that of the nearest group, and of equals the first. A
// distance is less than 2 * 2^32, so that all of it fits.
inline constexpr int kGroupNumberBits = 8;
static_assert(kMaxChannelGroups == 1 << kGroupNumberBits);

template <typename Simd>
void nearest_groups_simd(const GroupArgs& args) {
  constexpr int kVectors = 4, kBlock = kVectors * Simd::kLanes64;
  if (args.columns < kBlock) return nearest_groups_by_law(args);
  for (int c = 0; c < args.columns; c += kBlock) {
    const int first = c + kBlock <= args.columns ? c : args.columns - kBlock;  // the last block may begin in another
    typename Simd::I64 lowest[kVectors], highest[kVectors], nearest[kVectors];
    for (int i = 0; i < kVectors; ++i) {
      lowest[i] = Simd::load16_as_64(args.lowest + first + i * Simd::kLanes64);
      highest[i] = Simd::load16_as_64(args.highest + first + i * Simd::kLanes64);
      nearest[i] = typename Simd::I64(INT64_MAX);
    }
    for (int g = 0; g < args.groups; ++g) {
      const typename Simd::I64 low(args.group_lowest[g]), high(args.group_highest[g]), number(g);
      for (int i = 0; i < kVectors; ++i) {
        const auto distance = Simd::square32(lowest[i] - low) + Simd::square32(highest[i] - high);
        const auto numbered = (distance << kGroupNumberBits) + number;
        nearest[i] = Simd::min64(nearest[i], numbered);
      }
    }
    for (int i = 0; i < kVectors; ++i) {
      Simd::template store_low_bits_as_16<kGroupNumberBits>(args.group + first + i * Simd::kLanes64, nearest[i]);
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
