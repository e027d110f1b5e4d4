#include "engine/ops/mean_rows.h"

#include <algorithm>

#include "engine/ops/checker.h"
#include "engine/ops/execution.h"

namespace intvit {

std::unique_ptr<Operation> make_mean_rows() { return std::make_unique<MeanRowsOp>(); }

void MeanRowsOp::check(Checker& c) const {
  const Buffer* from = c.buffer(src, DataType::s16, "src");
  const Buffer* to = c.buffer(dst, DataType::s16, "dst");
  if (!c.ok()) return;
  c.require(src != dst, "src is dst");
  c.require(copied_rows < from->rows, "more rows are copied than there are beside those of the mean");
  c.require(from->columns == to->columns && to->rows == std::uint64_t{copied_rows} + 1,
            "dst must have a row beside the copied ones, as long as src's");
  c.require(row_count >= 1 && row_count <= 65536 && first_row <= from->rows && row_count <= from->rows - first_row,
            "rows out of range");
}

void MeanRowsOp::execute(const Execution& e) const {
  if (e.share(1).empty()) return;
  const Buffer& from = e.buffer(src);
  e.kernels.mean_rows->run({e.row<std::int16_t>(src, first_row), from.stride, static_cast<int>(row_count),
                            static_cast<int>(from.columns), e.row<std::int16_t>(dst, copied_rows)});
  for (std::uint32_t row = 0; row < copied_rows; ++row) {
    std::copy_n(e.row<std::int16_t>(src, row), from.columns, e.row<std::int16_t>(dst, row));
  }
}

}  // namespace intvit
