// src values (s16) -> codes of few bits -> what these stand for, on the grid that the next linear reads: u8, or two
// planes of bytes, the low ones in the first half of every dst row (kernels/encode/encode.h). Values are in units of
// the grid's step / 2^fine_bits; a table's thresholds may have any unit.
#pragma once

#include "engine/ops/operation.h"
#include "kernels/encode/encode.h"

namespace intvit {

// Channels that one thread encodes by groups at a time.
inline constexpr int kChannelBlock = 64;

struct EncodeOp final : OperationOf<EncodeOp> {
  static constexpr std::uint32_t kKind = 6;
  static constexpr std::string_view kName = "encode";

  BufferId src = kNone;
  BufferId dst = kNone;
  kernels::EncodeKind kind = kernels::EncodeKind::table;
  std::uint32_t planes = 1;
  std::uint32_t levels = 0;       // tables: 2..256
  ConstantId thresholds = kNone;  // table: s16 [levels - 1], ascending
  ConstantId values = kNone;      // table: s16 [levels], >= 0
  // rows: s16 [4][T], multiplier, power, zero, step of every row. columns: s16 [6][groups], lowest and highest of the
  // group's channels, then the same four; every channel of a picture takes the group nearest to its extremes.
  ConstantId codes = kNone;
  std::uint32_t groups = 0;      // 1..256
  std::uint32_t max_code = 255;  // 1..255
  std::uint32_t step_shift = 0;  // max_code << step_shift <= 32767
  std::uint32_t fine_bits = 1;   // 1..12
  std::uint32_t outlier = 32767;
  std::uint32_t grid_zero = 0;   // 0..grid_max
  std::uint32_t grid_max = 255;  // 1..32767; with one plane up to 255
  // Where what outliers lose at the end of the grid goes, s16 [rows][1 + 2 K] (kernels/aside/aside.h), or none. Not for
  // tables; one plane. Of kind uniform every value is an outlier.
  BufferId aside = kNone;

  void for_each_field(FieldVisitor& v) override {
    v(src), v(dst), v(kind), v(planes), v(levels), v(thresholds), v(values), v(codes), v(groups), v(max_code);
    v(step_shift), v(fine_bits), v(outlier), v(grid_zero), v(grid_max), v(aside);
  }
  std::uint32_t op_set() const override { return kind >= kernels::EncodeKind::uniform ? 4 : 3; }
  std::vector<Operand> operands() const override {
    std::vector<Operand> all = {{"src", src, Access::read}, {"dst", dst, Access::write, {255, planes}}};
    if (aside != kNone) all.push_back({"aside", aside, Access::write});
    return all;
  }
  std::uint32_t highest_value(const Tensors& tensors) const override;
  void check(Checker& c) const override;
  std::uint32_t row_local_rows(const Tensors& tensors) const override {
    return kind == kernels::EncodeKind::columns ? 0 : tensors.rows_of(dst);
  }
  std::size_t scratch_bytes(const Tensors& tensors) const override;
  std::string describe(const Tensors& tensors) const override;
  void execute(const Execution& e) const override;
};

}  // namespace intvit
