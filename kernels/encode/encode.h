// encode: 16-bit values -> codes of 2 to 8 bits -> the values that these codes stand for, on a grid that all codes of a
// tensor share and that the matrix multiplication reads. A quantizer may be uneven (a table) or differ from row to row
// or from column to column: the multiplication sees the grid alone. The codes themselves are never stored.
//
// x is in units of 2^-fine_bits steps of the grid. Values of more than 8 bits are written as two planes of bytes.
// encode_law.h has the definition.
//
// Whoever reads a file checks the ranges stated here: with thresholds that do not ascend, a vector kernel would write
// beyond its scratch memory. x may be anything.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/aside/aside.h"

namespace intvit::kernels {

enum class EncodeKind : std::uint32_t {
  table = 0,                // one table for all
  rows = 1,                 // even codes, one AffineCode per row
  columns = 2,              // even codes, one AffineCode per column
  dynamic_rows = 3,         // even codes, a row's AffineCode follows from its own extremes
  uniform = 4,              // the grid's steps are the codes: every value is rounded to it
  table_with_outliers = 5,  // one table for all but the outliers, which are on the grid
};

// value = values[number of k with thresholds[k] <= x]
struct CodeTable {
  const std::int16_t* thresholds;  // [levels - 1], ascending, equal ones allowed
  const std::int16_t* values;      // [levels], 0..32767, grid_zero included
  int levels;                      // 2..256
};

// The code of an even quantizer:
//
//   code  = clamp(multiply_q15(multiply_q15(x, multiplier), power) + zero, 0, max_code)
//   value = clamp(multiply_q15((code - zero) << step_shift, step) + grid_zero, 0, grid_max)
struct AffineCode {
  std::int16_t multiplier;  // 0..32767
  std::int16_t power;       // 0..32767
  std::int16_t zero;        // 0..max_code
  std::int16_t step;        // 0..32767
};

// The members of AffineCode, each an array over rows or columns.
struct AffineCodes {
  const std::int16_t* multiplier;
  const std::int16_t* power;
  const std::int16_t* zero;
  const std::int16_t* step;
};

struct EncodeArgs {
  const std::int16_t* src;
  std::ptrdiff_t src_stride;  // elements
  std::uint8_t* dst;          // does not overlap src
  std::ptrdiff_t dst_stride;
  std::ptrdiff_t plane_stride;  // from a row's low bytes to its high bytes; 0: low bytes only, for values up to 255
  int rows;
  int columns;  // so many bytes are written per row and plane
  EncodeKind kind;
  CodeTable table;                   // kinds table and table_with_outliers; table uses nothing below but scratch
  AffineCodes codes;                 // kinds rows, columns
  int max_code;                      // 1..255; not of kind uniform, nor are step_shift and outlier
  int step_shift;                    // 0..14; max_code << step_shift <= 32767
  int fine_bits;                     // 1..12
  std::int16_t outlier;              // 0..32767: larger |x| have no code, only the grid's rounding
  std::int16_t grid_zero, grid_max;  // grid_max 1..32767; at most 255 where plane_stride is 0
  void* scratch;                     // encode_scratch_bytes(columns), 64-byte aligned
};

// The extremes of each column.
struct RangeArgs {
  const std::int16_t* src;
  std::ptrdiff_t src_stride;  // elements
  int rows;
  int columns;
  std::int16_t* lowest;   // [columns], overwritten; 32767 if there are no rows
  std::int16_t* highest;  // [columns], overwritten; -32768 if there are no rows
};

inline constexpr int kMaxChannelGroups = 256;

// nearest_group() of every channel.
struct GroupArgs {
  const std::int16_t* lowest;  // [columns]
  const std::int16_t* highest;
  int columns;
  const std::int16_t* group_lowest;  // [groups]
  const std::int16_t* group_highest;
  int groups;           // 1..kMaxChannelGroups
  std::int16_t* group;  // [columns], overwritten; other memory than the inputs
};

struct EncodeKernels {
  void (*run)(const EncodeArgs&) noexcept;
  void (*column_ranges)(const RangeArgs&) noexcept;
  void (*nearest_groups)(const GroupArgs&) noexcept;
  // Lists of what values beyond `outlier` lose where run() clamps them to the grid.
  void (*set_aside)(const AsideArgs&) noexcept;
};

// Vector kernels expand a table of many levels to one entry per x between its outer thresholds. Half the range of s16
// is enough for whatever has one sign.
inline constexpr int kEncodeWindowEntries = 32768;

// The same for every number of columns so far.
constexpr std::size_t encode_scratch_bytes([[maybe_unused]] int columns) {
  return kEncodeWindowEntries * sizeof(std::int16_t);
}

}  // namespace intvit::kernels
