// Weights and requantization of one linear (kernels/gemm/linear.h), which several operations have.
#pragma once

#include "engine/ops/checker.h"
#include "engine/ops/execution.h"
#include "engine/ops/field_visitor.h"

namespace intvit {

struct LinearConstants {
  std::uint32_t n = 0;     // outputs
  std::uint32_t k = 0;     // inputs, padded to a multiple of 64
  std::uint32_t bits = 8;  // 8, 4, 3 or 2
  ConstantId tiles = kNone;
  ConstantId zero_points = kNone;  // u8 [padded n], below 2^bits; not for 8 bits
  ConstantId bias = kNone;         // s32 [padded n]
  ConstantId shift = kNone;        // u8 [padded n], 0..31 (logits: 1..62)
  ConstantId multiplier = kNone;   // s16 [padded n], >= 0 (logits: s32)

  bool has_zero_points() const { return bits != 8; }
  std::uint32_t op_set() const { return bits < 4 ? 4 : 3; }
  std::size_t scratch_bytes() const {
    return kernels::linear_scratch_bytes(static_cast<int>(k), static_cast<int>(bits));
  }

  void visit(FieldVisitor& v) { v(n), v(k), v(bits), v(tiles), v(zero_points), v(bias), v(shift), v(multiplier); }
};

// A row of the source is made of pieces of `stride` codes, of which the first `used` mean something. The rest is
// whatever was in memory, so its weights must be zero, or logits would depend on more than the picture.
struct SourceRow {
  std::uint32_t stride, used;
};

// Logits have 32-bit multipliers and longer shifts.
void check_linear(Checker& c, const LinearConstants& l, const Buffer& dst, bool logits, SourceRow row);

// All that follows from the constants, but for the multiplier, whose type depends on the epilogue. `scratch` is of
// l.scratch_bytes().
kernels::LinearArgs linear_args(const LinearConstants& l, const Execution& execution, void* scratch);

// The weights that a linear operation reads first, as many as the widest kernels multiply at once.
std::span<const std::uint8_t> first_weights(const LinearConstants& l, const Tensors& tensors);

}  // namespace intvit
