// Schemes whose codes are not plain uniform ones -> the integers of kernels/encode/encode.h and of softmax tables.
#pragma once

#include <cstdint>
#include <vector>

#include "converter/plan/plan.h"
#include "engine/ops/encode.h"
#include "intvit/status.h"
#include "kernels/softmax/softmax.h"

namespace intvit {

// The unit of the 16-bit values that an encode operation reads. Its producer may ask for a coarser one than is wanted.
struct FineUnit {
  double unit;    // real value of one
  int fine_bits;  // where uses_grid(): unit = grid.scale / 2^fine_bits; else any
};

// Whether values are told in steps of the grid: all but those of tables that have a code for every value.
bool uses_grid(const ActivationScheme& scheme);

// The same codes from a table, whose values may be in any unit. At most 8 bits.
ActivationScheme as_table(const UniformScheme& scheme);

// The finest useful unit that is at least `least_unit` and leaves the whole grid within 16 bits.
// unsupported if even one step of the grid is finer than that.
Result<FineUnit> fine_unit(const ActivationScheme& scheme, double least_unit);

// All of an EncodeOp but its buffers and constants' numbers.
struct Encoding {
  EncodeOp op;
  std::vector<std::int16_t> thresholds, values;  // tables
  std::vector<std::int16_t> codes;               // tokens, channel groups
  int side = 0;                                  // entries of the lists of values aside
};

// The scheme must not be plain. `unit` is the real value of one step of the source, where uses_grid() exactly
// grid.scale / 2^fine_bits.
Result<Encoding> make_encoding(const ActivationScheme& scheme, const FineUnit& unit);

struct SoftmaxEncoding {
  kernels::SoftmaxKind kind = kernels::SoftmaxKind::exponential;
  std::uint32_t levels = 0, planes = 1, groups = 0;
  std::vector<std::int16_t> thresholds, values;  // [heads][...]
  std::vector<std::int32_t> row_groups;
};

SoftmaxEncoding make_softmax_encoding(const SoftmaxScheme& scheme, int heads);

}  // namespace intvit
