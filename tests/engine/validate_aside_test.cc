// Limits of values aside: their lists' buffers, who may write and read them, and sums of 32 bits.
#include <doctest/doctest.h>

#include "engine/ops/conv.h"
#include "engine/ops/encode.h"
#include "engine/ops/linear.h"
#include "engine/program/memory_plan.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

const TinyOptions kAsideTokens = with_encoding({EncodeKind::rows, 1, 15, 5, 6});
const TinyOptions kAsideUniform = with_encoding({EncodeKind::uniform, 1, 15, 5, 6});
const TinyOptions kAsideGroups = with_encoding({EncodeKind::columns, 1, 15, 5, 6});

EncodeOp& norm_encode(TinyProgram& t) { return op<EncodeOp>(t, kNormEncode); }
LinearOp& qkv_linear(TinyProgram& t) { return op<LinearOp>(t, kQkv); }
Buffer& lists_aside(TinyProgram& t) { return t.program.buffers[norm_encode(t).aside]; }

void set_list_columns(TinyProgram& t, std::uint32_t count) {
  lists_aside(t).columns = lists_aside(t).stride = count;
  plan_memory(t.program);
}

TEST_CASE("validate: the lists of values aside") {
  for (const TinyOptions& options : {kAsideTokens, kAsideUniform, kAsideGroups}) {
    accepts([](TinyProgram&) {}, options);
    accepts([](TinyProgram& t) { set_list_columns(t, 3); }, options);
    accepts([](TinyProgram& t) { set_list_columns(t, 511); }, options);
    for (const std::uint32_t wrong : {1u, 2u, 12u, 512u, 513u}) {
      refuses(
          "aside has " + std::to_string(wrong) + " columns", [&](TinyProgram& t) { set_list_columns(t, wrong); },
          options);
    }
    refuses(
        "aside is s32, must be s16", [](TinyProgram& t) { lists_aside(t).type = DataType::s32; }, options);
    refuses(
        "aside has 4 rows, must have 5", [](TinyProgram& t) { lists_aside(t).rows = 4; }, options);
    refuses(
        "aside is buffer 99", [](TinyProgram& t) { norm_encode(t).aside = 99; }, options);
    refuses(
        "aside is buffer 99", [](TinyProgram& t) { qkv_linear(t).aside = 99; }, options);
    refuses(
        "aside is src", [](TinyProgram& t) { norm_encode(t).aside = norm_encode(t).src; }, options);
    refuses(
        "reads a buffer that nothing has written", [](TinyProgram& t) { norm_encode(t).aside = kNone; }, options);
    // Nobody need read them.
    accepts([](TinyProgram& t) { qkv_linear(t).aside = kNone; }, options);
  }
}

TEST_CASE("validate: values aside of a table or of two planes") {
  refuses(
      "aside with a table or two planes", [](TinyProgram& t) { norm_encode(t).aside = norm_encode(t).src; },
      with_encoding({EncodeKind::table, 1, 15}));
  refuses(
      "aside with a table or two planes", [](TinyProgram& t) { norm_encode(t).aside = norm_encode(t).src; },
      with_encoding({EncodeKind::dynamic_rows, 2, 15}));
}

TEST_CASE("validate: a linear with values aside") {
  refuses(
      "aside with logits or two planes",
      [](TinyProgram& t) { op<LinearOp>(t, "head").aside = op<EncodeOp>(t, "norm.encode").aside; }, kAsideTokens);
  refuses(
      "aside with logits or two planes",
      [](TinyProgram& t) {
        t.program.buffers.push_back({DataType::s16, 5, 3, 3, 0});
        qkv_linear(t).aside = static_cast<BufferId>(t.program.buffers.size() - 1);
      },
      with_encoding({EncodeKind::dynamic_rows, 2, 15}));
  refuses(
      "aside is dst", [](TinyProgram& t) { op<LinearOp>(t, kProj).aside = op<LinearOp>(t, kProj).dst; }, kAsideTokens);
  refuses(
      "aside has 1 rows, must have 5",
      [](TinyProgram& t) { qkv_linear(t).aside = op<EncodeOp>(t, "norm.encode").aside; }, kAsideTokens);
}

TEST_CASE("validate: values aside of rows that are read as one") {
  TinyOptions options;
  options.head = TinyHead::two_tokens;
  refuses(
      "aside with several src rows",
      [](TinyProgram& t) {
        LinearOp& head = op<LinearOp>(t, "head");
        Program& p = t.program;
        const std::uint32_t columns = 16;  // of 10 classes
        head.kind = Epilogue::codes;
        head.linear.shift = t.add("zeros", DataType::u8, std::vector<std::uint8_t>(columns));
        head.linear.multiplier = t.add("zeros", DataType::s16, std::vector<std::int16_t>(columns));
        p.buffers.push_back({DataType::u8, 1, p.buffers[head.dst].columns, columns, 0});
        p.buffers.push_back({DataType::s16, 2, 3, 3, 0});
        head.dst = static_cast<BufferId>(p.buffers.size() - 2);
        head.aside = static_cast<BufferId>(p.buffers.size() - 1);
        plan_memory(p);
      },
      options);
}

// 255 excesses of 2^15 by weights of 128 leave 1077936127 to 16 codes and the bias.
TEST_CASE("validate: no sum of codes, values aside and a bias leaves 32 bits") {
  constexpr std::int32_t kRoom = INT32_MAX - (16 * 255 + 255 * 32768) * 128;
  const auto bias = [](std::int32_t value) {
    return [value](TinyProgram& t) {
      set_list_columns(t, 511);
      qkv_linear(t).linear.bias = with_entry<std::int32_t>(t, qkv_linear(t).linear.bias, 5, value);
    };
  };
  for (const std::int32_t sign : {1, -1}) {
    accepts(bias(sign * kRoom), kAsideTokens);
    refuses("bias beside values aside", bias(sign * (kRoom + 1)), kAsideTokens);
  }
  refuses("bias beside values aside", bias(INT32_MIN), kAsideTokens);
}

// 4-bit weights count sixteen times: of 255 values aside there is room for 2320 inputs of 8 bits.
TEST_CASE("validate: so many values aside of so many inputs do not fit 32-bit sums") {
  TinyOptions options = kAsideTokens;
  options.weight_bits = 4;
  options.heads = 1;
  const auto with_inputs = [&](std::uint32_t inputs) {
    options.channels = inputs;
    return options;
  };
  const auto all = [](TinyProgram& t) {
    set_list_columns(t, 511);
    const std::size_t count = t.program.constants[qkv_linear(t).linear.bias].count();
    qkv_linear(t).linear.bias = t.add("zeros", DataType::s32, std::vector<std::int32_t>(count));
  };
  accepts(all, with_inputs(2304));
  refuses("255 values aside of 2368 inputs do not fit 32-bit sums", all, with_inputs(2322));
}

}  // namespace
}  // namespace intvit::test
