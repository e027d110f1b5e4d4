// encode.h in vectors. Rows shorter than a vector are left to the law.
#pragma once

#include "kernels/encode/affine_simd.h"
#include "kernels/encode/table_simd.h"

namespace intvit::kernels {
namespace {

// CodeSearch<bits> encodes a vector with a table of up to 2^bits levels, bits = 2..kMostBits.
template <typename Simd, template <int> class CodeSearch, int kMostBits>
void encode(const EncodeArgs& args) {
  if (args.columns < Simd::kLanes16) return encode_by_law(args);
  if (args.kind == EncodeKind::table) return encode_table<Simd, CodeSearch, false, 2, kMostBits>(args);
  if (args.kind == EncodeKind::table_with_outliers) return encode_table<Simd, CodeSearch, true, 2, kMostBits>(args);
  encode_affine<Simd>(args);
}

// Columns c to c + kVectors vectors.
template <typename Simd, int kVectors>
void ranges_of_columns(const RangeArgs& args, int c) {
  typename Simd::I16 lowest[kVectors];
  typename Simd::I16 highest[kVectors];
  for (int i = 0; i < kVectors; ++i) {
    lowest[i] = Simd::set16(32767);
    highest[i] = Simd::set16(-32768);
  }
  for (int r = 0; r < args.rows; ++r) {
    const std::int16_t* src = args.src + r * args.src_stride + c;
    for (int i = 0; i < kVectors; ++i) {
      const auto x = Simd::load16(src + i * Simd::kLanes16);
      lowest[i] = min(lowest[i], x);
      highest[i] = max(highest[i], x);
    }
  }
  for (int i = 0; i < kVectors; ++i) {
    Simd::store(args.lowest + c + i * Simd::kLanes16, lowest[i]);
    Simd::store(args.highest + c + i * Simd::kLanes16, highest[i]);
  }
}

// Several vectors at a time, so that a row's cache lines are read next to each other.
inline constexpr int kRangeVectors = 4;

template <typename Simd>
void column_ranges_simd(const RangeArgs& args) {
  constexpr int kBlock = kRangeVectors * Simd::kLanes16;
  if (args.columns < Simd::kLanes16) return column_ranges_by_law(args);
  int c = 0;
  for (; c + kBlock <= args.columns; c += kBlock) ranges_of_columns<Simd, kRangeVectors>(args, c);
  for (; c + Simd::kLanes16 <= args.columns; c += Simd::kLanes16) ranges_of_columns<Simd, 1>(args, c);
  if (c < args.columns) ranges_of_columns<Simd, 1>(args, args.columns - Simd::kLanes16);
}

}  // namespace
}  // namespace intvit::kernels
