// What `inspect` says of every step: nothing that matters for accuracy or speed may be missing from it.
#include "converter/report/format_text.h"

#include <doctest/doctest.h>

using namespace intvit;

TEST_CASE("formats are described by what they are made of") {
  Program program;
  program.buffers.resize(3);
  program.buffers[0].type = DataType::u8;
  program.buffers[1].type = DataType::s16;

  LinearOp linear;
  linear.src = linear.dst = 0;
  linear.linear.bits = 4;
  linear.max_code = 15;
  CHECK(format_text(linear, program) == "4-bit weights, 16 codes");
  linear.planes = 2;
  linear.dst = 1;
  CHECK(format_text(linear, program) == "4-bit weights, two byte planes");
  linear.kind = LinearKind::residual;
  linear.grain.power = 0;
  linear.grain.limit = 127;
  CHECK(format_text(linear, program) == "4-bit weights, two byte planes, residual of 256 codes");

  AttentionOp attention;
  attention.dst = 0;
  CHECK(format_text(attention, program) == "exponential softmax, 256 codes");
  attention.softmax_kind = 2;
  attention.levels = 16;
  attention.groups = 8;
  attention.planes = 2;
  attention.dst = 1;
  CHECK(format_text(attention, program) == "absolute softmax, 16 levels, 8 groups of rows, two byte planes");

  EncodeOp encode;
  encode.levels = 9;
  CHECK(format_text(encode, program) == "table of 9 levels");
  encode.kind = EncodeOpKind::channel_groups;
  encode.groups = 5;
  encode.max_code = 15;
  CHECK(format_text(encode, program) == "5 groups of channels, 16 codes");
  encode.kind = EncodeOpKind::tokens;
  encode.outlier = 900;
  CHECK(format_text(encode, program) == "a scale per token, 16 codes, outliers aside");
  encode.kind = EncodeOpKind::dynamic_tokens;
  encode.outlier = 32767;
  CHECK(format_text(encode, program) == "a dynamic scale per token, 16 codes");

  CHECK(format_text(MeanRowsOp{}, program).empty());
}
