// Limits of attention: softmax tables, groups of rows, what it makes, and how far its scores may reach.
#include <doctest/doctest.h>

#include <cstdint>

#include "engine/ops/attention.h"
#include "engine/ops/linear.h"
#include "engine/program/memory_plan.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

TEST_CASE("validate: softmax tables") {
  TinyOptions relative, absolute, wide;
  relative.softmax = {SoftmaxKind::relative, 16, 1, 1};
  absolute.softmax = {SoftmaxKind::absolute, 16, 1, 3};
  wide.softmax = {SoftmaxKind::absolute, 16, 2, 3};
  const auto attention = [](TinyProgram& t) -> AttentionOp& { return op<AttentionOp>(t, kAttn); };
  refuses("unknown kind of softmax", [&](TinyProgram& t) { attention(t).softmax_kind = static_cast<SoftmaxKind>(3); });
  refuses("levels", [&](TinyProgram& t) { attention(t).softmax_kind = SoftmaxKind::relative; });  // without a table
  for (const TinyOptions& options : {relative, absolute}) {
    for (const std::uint32_t wrong : {0u, 1u, 257u, 0xffffffffu}) {
      refuses(
          "levels", [&](TinyProgram& t) { attention(t).levels = wrong; }, options);
    }
    for (const std::uint32_t wrong : {0u, 3u}) {
      refuses(
          "planes", [&](TinyProgram& t) { attention(t).planes = wrong; }, options);
    }
    for (const int more : {-1, 1}) {
      refuses(
          "thresholds",
          [&](TinyProgram& t) { attention(t).thresholds = with_count<std::int16_t>(t, attention(t).thresholds, more); },
          options);
      refuses(
          "values",
          [&](TinyProgram& t) { attention(t).values = with_count<std::int16_t>(t, attention(t).values, more); },
          options);
    }
    const auto threshold = [&](std::size_t entry, std::int16_t x) {
      return [=](TinyProgram& t) {
        attention(t).thresholds = with_entry<std::int16_t>(t, attention(t).thresholds, entry, x);
      };
    };
    refuses("thresholds", threshold(0, -1), options);
    refuses("thresholds", threshold(29, 4097), options);
    refuses("do not ascend", threshold(17, 4096), options);  // of the second head
    accepts(threshold(14, 4096), options);                   // the last of the first head; the second begins anew
    refuses(
        "values",
        [&](TinyProgram& t) { attention(t).values = with_entry<std::int16_t>(t, attention(t).values, 0, 256); },
        options);
    refuses(
        "values",
        [&](TinyProgram& t) { attention(t).values = with_entry<std::int16_t>(t, attention(t).values, 31, -1); },
        options);
  }
  // Five tokens of 32767 are fine, 258 of them would not be.
  accepts([&](TinyProgram& t) { attention(t).values = with_entry<std::int16_t>(t, attention(t).values, 0, INT16_MAX); },
          wide);
  TinyOptions many = wide;
  many.edge = 68;  // 290 tokens
  refuses(
      "softmax values of 32767",
      [&](TinyProgram& t) { attention(t).values = with_entry<std::int16_t>(t, attention(t).values, 0, INT16_MAX); },
      many);

  for (const std::uint32_t wrong : {0u, 65u, 0xffffffffu}) {
    refuses(
        "groups of rows", [&](TinyProgram& t) { attention(t).groups = wrong; }, absolute);
  }
  refuses(
      "row groups", [&](TinyProgram& t) { attention(t).groups = 2; }, absolute);
  refuses(
      "row groups", [&](TinyProgram& t) { attention(t).row_groups = kNone; }, absolute);
  const auto number = [&](std::size_t entry, std::int32_t x) {
    return [=](TinyProgram& t) {
      attention(t).row_groups = with_entry<std::int32_t>(t, attention(t).row_groups, entry, x);
    };
  };
  refuses("bounds of row groups", number(0, INT32_MAX), absolute);
  accepts(number(2, INT32_MIN), absolute);  // the last bound is not used
  accepts(number(3, INT32_MIN), absolute);  // any offset is defined
  refuses("divisor of row group 2", number(8, 0), absolute);
  refuses("divisor of row group 0", number(6, 1 << 23), absolute);
  accepts(number(6, (1 << 23) - 1), absolute);
}

TEST_CASE("validate: attention's results and the reach of its scores") {
  TinyOptions values;
  values.attended = {EncodeKind::dynamic_rows, 1, 15};
  const auto parameter = [](AttentionParameter which, std::int32_t x) {
    return [=](TinyProgram& t) {
      AttentionOp& a = op<AttentionOp>(t, kAttn);
      a.parameters = with_entry<std::int32_t>(t, a.parameters, which, x);
    };
  };
  refuses("parameter", parameter(kOutZero, 256));
  accepts(parameter(kOutZero, 256), values);
  refuses("parameter", parameter(kOutZero, 32768), values);
  // With codes up to 15 scores are short enough for the longest shift: 8 * 15 * 15 * 2^15 < 2^31 ...
  TinyOptions narrow;
  narrow.max_code = 15;
  accepts(parameter(kSoftmaxLeftShift, 15), narrow);
  // ... unless something else writes the codes, or the zero point lies far from them.
  refuses(
      "overflow",
      [&](TinyProgram& t) {
        op<LinearOp>(t, kQkv).max_code = 255;
        parameter(kSoftmaxLeftShift, 15)(t);
      },
      narrow);
  narrow.channels = 64;
  accepts(parameter(kSoftmaxLeftShift, 15), narrow);
  refuses(
      "overflow",
      [&](TinyProgram& t) {
        parameter(kSoftmaxLeftShift, 15)(t);
        parameter(kQZero, 255)(t);
      },
      narrow);
  // Pixels have 8 bits too.
  refuses("overflow", [&](TinyProgram& t) {
    AttentionOp attention = op<AttentionOp>(t, kAttn);
    attention.src = t.program.buffer_of(PortKind::picture);
    attention.heads = 1, attention.head_dim = 8;
    attention.parameters =
        t.add("parameters", DataType::s32, std::vector<std::int32_t>{0, 0, 15, 0, 1, 1 << 30, 30, 0});
    t.program.buffers.push_back({DataType::u8, 8, 8, 16, 0});
    attention.dst = static_cast<BufferId>(t.program.buffers.size() - 1);
    t.program.steps.insert(t.program.steps.begin(), {"enemy", attention});
    plan_memory(t.program);
  });
}

TEST_CASE("validate: the queries of an attention are rows of its source, and its result has as many") {
  refuses("queries of 5 tokens", [](TinyProgram& t) { op<AttentionOp>(t, kAttn).queries = 1; });
  refuses("6 queries of 5 tokens", [](TinyProgram& t) {
    AttentionOp& attention = op<AttentionOp>(t, kAttn);
    attention.queries = ++t.program.buffers[attention.dst].rows;
    plan_memory(t.program);
  });
  accepts([](TinyProgram& t) {
    op<AttentionOp>(t, kAttn).queries = t.program.buffers[op<AttentionOp>(t, kAttn).dst].rows;
  });
}

}  // namespace
}  // namespace intvit::test
