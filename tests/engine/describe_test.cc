// What `inspect` says of every step: nothing that matters for accuracy or speed may be missing from it.
#include <doctest/doctest.h>

#include "engine/ops/attention.h"
#include "engine/ops/encode.h"
#include "engine/ops/linear.h"
#include "engine/ops/mean_rows.h"
#include "engine/ops/multiply.h"

namespace intvit::test {

TEST_CASE("operations: formats are described by what they are made of") {
  Tensors tensors;
  tensors.buffers.resize(3);
  tensors.buffers[0].type = DataType::u8;
  tensors.buffers[1].type = DataType::s16;

  LinearOp linear;
  linear.src = linear.dst = 0;
  linear.linear.bits = 4;
  linear.max_code = 15;
  CHECK(linear.describe(tensors) == "4-bit weights, 16 codes");
  linear.planes = 2;
  linear.dst = 1;
  CHECK(linear.describe(tensors) == "4-bit weights, two byte planes");
  linear.kind = kernels::Epilogue::residual;
  linear.coarse_steps.power = 0;
  linear.coarse_steps.limit = 127;
  CHECK(linear.describe(tensors) == "4-bit weights, two byte planes, residual of 256 codes");

  AttentionOp attention;
  attention.dst = 0;
  CHECK(attention.describe(tensors) == "exponential softmax, 256 codes");
  attention.softmax_kind = kernels::SoftmaxKind::absolute;
  attention.levels = 16;
  attention.groups = 8;
  attention.planes = 2;
  attention.dst = 1;
  CHECK(attention.describe(tensors) == "absolute softmax, 16 levels, 8 groups of rows, two byte planes");

  EncodeOp encode;
  encode.levels = 9;
  CHECK(encode.describe(tensors) == "table of 9 levels");
  encode.kind = kernels::EncodeKind::columns;
  encode.groups = 5;
  encode.max_code = 15;
  CHECK(encode.describe(tensors) == "5 groups of channels, 16 codes");
  encode.kind = kernels::EncodeKind::rows;
  encode.outlier = 900;
  CHECK(encode.describe(tensors) == "a scale per token, 16 codes, outliers on the grid");
  encode.kind = kernels::EncodeKind::dynamic_rows;
  encode.outlier = 32767;
  CHECK(encode.describe(tensors) == "a dynamic scale per token, 16 codes");
  Tensors with_lists = tensors;
  with_lists.buffers.push_back({DataType::s16, 5, 2 * 24 + 1, 64, 0});
  encode.aside = static_cast<BufferId>(with_lists.buffers.size() - 1);
  encode.outlier = 900;
  CHECK(encode.describe(with_lists) == "a dynamic scale per token, 16 codes, up to 24 values of a row aside");
  encode.kind = kernels::EncodeKind::uniform;
  encode.grid_max = 63;
  CHECK(encode.describe(with_lists) == "64 codes, up to 24 values of a row aside");

  MultiplyOp multiply;
  multiply.dst = 0;
  multiply.max_code = 63;
  CHECK(multiply.describe(tensors) == "64 codes");
  multiply.dst = 1;
  CHECK(multiply.describe(tensors).empty());

  CHECK(MeanRowsOp().describe(tensors).empty());
}

}  // namespace intvit::test
