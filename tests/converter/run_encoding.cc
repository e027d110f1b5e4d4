#include "tests/converter/run_encoding.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>

#include "kernels/dispatch/kernel_table.h"
#include "kernels/encode/encode_law.h"
#include "tests/converter/kernel_scratch.h"

namespace intvit {

Encoded run_encoding(const Encoding& e, const std::vector<std::int16_t>& x, int rows, int cols) {
  const kernels::EncodeKernels& kernels = *kernels::kernel_table(Isa::scalar).encode;
  const auto n = static_cast<std::size_t>(cols);
  std::vector<ScratchLine> scratch = scratch_of(kernels::encode_scratch_bytes(cols));
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(rows) * n * 2);
  kernels::EncodeArgs args{};
  args.src = x.data();
  args.src_stride = cols;
  args.dst = bytes.data();
  args.dst_stride = 2 * cols;
  args.plane_stride = e.op.planes == 2 ? cols : 0;
  args.rows = rows;
  args.columns = cols;
  args.table = {e.thresholds.data(), e.values.data(), static_cast<int>(e.op.levels)};
  args.max_code = static_cast<int>(e.op.max_code);
  args.step_shift = static_cast<int>(e.op.step_shift);
  args.fine_bits = static_cast<int>(e.op.fine_bits);
  args.outlier = static_cast<std::int16_t>(e.op.outlier);
  args.grid_zero = static_cast<std::int16_t>(e.op.grid_zero);
  args.grid_max = static_cast<std::int16_t>(e.op.grid_max);
  args.scratch = scratch.data();
  Encoded result;
  std::vector<std::int16_t> columns;
  args.kind = e.op.kind;
  if (e.op.kind == kernels::EncodeKind::rows) {
    REQUIRE(e.codes.size() == 4 * static_cast<std::size_t>(rows));
    args.codes = {e.codes.data(), e.codes.data() + rows, e.codes.data() + 2 * rows, e.codes.data() + 3 * rows};
  } else if (e.op.kind == kernels::EncodeKind::columns) {
    const auto groups = static_cast<std::size_t>(e.op.groups);
    REQUIRE(e.codes.size() == 6 * groups);
    std::vector<std::int16_t> lowest(n), highest(n);
    kernels.column_ranges({x.data(), cols, rows, cols, lowest.data(), highest.data()});
    columns.resize(4 * n);
    for (std::size_t c = 0; c < n; ++c) {
      const int group = kernels::nearest_group(lowest[c], highest[c], e.codes.data(), e.codes.data() + groups,
                                               static_cast<int>(groups));
      result.column_part.push_back(group);
      for (std::size_t i = 0; i < 4; ++i)
        columns[i * n + c] = e.codes[(2 + i) * groups + static_cast<std::size_t>(group)];
    }
    args.codes = {columns.data(), columns.data() + n, columns.data() + 2 * n, columns.data() + 3 * n};
  }
  kernels.run(args);
  for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      const std::uint8_t* at = bytes.data() + r * 2 * n + c;
      result.values.push_back(e.op.planes == 2 ? at[0] + 256 * at[n] : at[0]);
    }
  }
  if (e.side == 0) return result;
  const int words = kernels::aside_words(e.side);
  std::vector<std::int16_t> lists(static_cast<std::size_t>(rows * words));
  const bool all = e.op.kind == kernels::EncodeKind::uniform;
  kernels.set_aside({x.data(), cols, rows, cols, args.fine_bits, all ? std::int16_t{0} : args.outlier, args.grid_zero,
                     args.grid_max, lists.data(), words, e.side});
  for (int r = 0; r < rows; ++r) {
    const std::int16_t* list = lists.data() + r * words;
    for (int i = 0; i < std::min<int>(list[0], e.side); ++i) {
      result.values[static_cast<std::size_t>(r * cols + list[1 + i])] += list[1 + e.side + i];
    }
  }
  return result;
}
}  // namespace intvit
