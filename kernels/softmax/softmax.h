// softmax of one row of attention scores, as codes of three kinds. All start from t[j] = (max - score[j]) * scale, the
// distance to the row's maximum in octaves: the probability is 2^-t[j] / sum_i 2^-t[i].
//
// exponential: e[j] = round(255 * 2^-t[j]).
// relative:    steps of a table, found by the distance to the row's maximum: any quantizer of 2^-t.
// absolute:    steps of a table, found by -log2 of the probability itself: any quantizer of [0, 1].
//
// The first two are relative to the row's maximum, not to its sum: the largest code always stands for the largest
// probability, and the division by the sum of the codes (one per row) happens in the epilogue of probabilities x V,
// where it costs nothing. So rows of 197 nearly equal probabilities keep eight bits each, where codes of [0, 1] would
// have one or two. The last divides by what its codes are steps of, the same for all rows (of a group).
//
// No exponential and no division per element: t is fixed point with 11 fraction bits, its integer part is a shift, and
// 2^-fraction a cubic in 16-bit arithmetic, off by less than 2^-12. Tables need not even that: thresholds between
// probabilities are thresholds between distances (softmax_law.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit::kernels {

// t = (min(65535, (d << left_shift) >> right_shift) * multiplier) >> 16, d = max - score, so that t has 11 fraction
// bits: the converter picks the shifts such that t = 16 is reached before 65535 is. At most one of the shifts is not
// zero.
struct SoftmaxScale {
  int left_shift;   // 0..15, small enough that (d << left_shift) < 2^31 for every d that can occur
  int right_shift;  // 0..31
  std::uint16_t multiplier;
};

enum class SoftmaxKind : std::uint32_t { exponential = 0, relative = 1, absolute = 2 };

inline constexpr int kSoftmaxFractionBits = 11;      // of t
inline constexpr int kSoftmaxTableFractionBits = 8;  // of thresholds
inline constexpr int kMaxSoftmaxDistance = 4095;     // of which a table sees: 16 octaves
inline constexpr int kMaxSoftmaxLevels = 256;
inline constexpr int kMaxSoftmaxGroups = 64;

// Steps of the kinds relative and absolute. The reader checks all of it; beyond that, any numbers are defined, as the
// functions of softmax_law.h say.
struct SoftmaxTable {
  const std::int16_t* thresholds;  // [levels - 1] ascending, 0..4096 (4096 is never reached), units of 1/256 octave
  const std::int16_t* values;      // [levels], 0..32767, in general descending: value k is of distances at or beyond
                                   // threshold k - 1 and before threshold k
  int levels;                      // 2..kMaxSoftmaxLevels
  // absolute only: rows are grouped by their largest probability; one group with offset 0 is plain absolute.
  const std::int32_t* group_bounds;    // [groups - 1] ascending, of -log2(largest probability), 1/256 octave
  const std::int32_t* group_offsets;   // [groups], what a distance is measured from: 1/256 octave
  const std::int32_t* group_divisors;  // [groups], 1..2^23 - 1
  int groups;                          // 1..kMaxSoftmaxGroups
};

struct SoftmaxArgs {
  const std::int32_t* scores;  // [padded_columns]; beyond `columns` anything
  std::uint8_t* dst;           // [padded_columns]; beyond `columns` zeros are written
  // Bytes from dst to a second plane like it, for the high bytes of the table's values; 0: there is none, and only low
  // bytes exist. Always 0 for the kind exponential.
  std::ptrdiff_t plane_stride;
  int columns;         // 1..; at most 32768 for the kind absolute
  int padded_columns;  // a multiple of 64
  SoftmaxScale scale;
  SoftmaxKind kind;
  SoftmaxTable table;  // unless exponential
  void* scratch;       // unless exponential: softmax_scratch_bytes(), not shared between threads
};

struct SoftmaxSums {
  std::uint32_t values;   // sum of what was written
  std::uint32_t divisor;  // what value / divisor is a probability by, at least 1
};

// A value for every distance, and the row's distances.
constexpr std::size_t softmax_scratch_bytes(int padded_columns) {
  return (kMaxSoftmaxDistance + 1 + static_cast<std::size_t>(padded_columns)) * sizeof(std::int16_t);
}

struct SoftmaxKernels {
  SoftmaxSums (*run)(const SoftmaxArgs&) noexcept;
};

}  // namespace intvit::kernels
