// Limits of attention in sets, of its bias, and of queries, keys and values that lie apart.
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "engine/ops/attention.h"
#include "engine/program/memory_plan.h"
#include "kernels/attention/attention.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

AttentionOp& attention(TinyProgram& t) { return op<AttentionOp>(t, kAttn); }

TinyOptions with_sets() {
  TinyOptions options;
  options.sets = true;
  return options;
}

// Five rows: sets of 1 query and 3 queries with a pad row, and of 1.
constexpr std::int32_t kSets = 3;
constexpr std::size_t kEntries = 1 + 4 * kSets;  // where the list begins

std::function<void(TinyProgram&)> word(std::size_t at, std::int32_t x) {
  return [=](TinyProgram& t) { attention(t).sets = with_entry<std::int32_t>(t, attention(t).sets, at, x); };
}

std::function<void(TinyProgram&)> number(std::size_t set, int which, std::int32_t x) {
  return word(1 + 4 * set + static_cast<std::size_t>(which), x);
}

}  // namespace

TEST_CASE("validate: sets of attention") {
  const TinyOptions options = with_sets();
  TinyProgram tiny = make_tiny_program(options);
  REQUIRE(tiny.program.constants[attention(tiny).sets].as<std::int32_t>()[0] == kSets);
  accepts([](TinyProgram&) {}, options);
  for (const std::int32_t wrong : {INT32_MIN, -1, 0, 5, INT32_MAX}) {
    refuses("number does not fit", word(0, wrong), options);
  }
  refuses("entries of no set", word(0, kSets - 1), options);
  refuses(
      "sets is constant", [](TinyProgram& t) { attention(t).sets = 12345; }, options);
  refuses(
      "sets", [](TinyProgram& t) { attention(t).sets = attention(t).pad_row; }, options);
  for (const std::int32_t wrong : {INT32_MIN, -1, 1, INT32_MAX}) {
    refuses("numbers of set 0", number(0, kernels::kSetFirst, wrong), options);
    refuses("biases of set 1",
            number(1, kernels::kSetBias,
                   wrong == 1  ? INT32_MAX
                   : wrong < 0 ? wrong
                               : wrong - 1),
            options);
  }
  for (const std::int32_t wrong : {INT32_MIN, 0, 2, 32769, INT32_MAX}) {
    refuses("set", number(0, kernels::kSetKeys, wrong), options);
    refuses("numbers of set 0 out of range", number(0, kernels::kSetQueries, wrong), options);
  }
  refuses("not every row once", number(1, kernels::kSetQueries, 2), options);
  refuses("row -1 of set 1", number(1, kernels::kSetQueries, 4), options);
  refuses("row -2", word(kEntries + 4, -2), options);
  refuses("not every row once", word(kEntries, 5), options);
  refuses("not every row once", word(kEntries, INT32_MAX), options);
  // A key that no query belongs to is any row.
  refuses("a pad row where sets have none", word(kEntries + 4, 0), options);
  refuses("sets of rows up to 6 of 5", word(kEntries + 4, 5), options);
  accepts(
      [](TinyProgram& t) {
        word(kEntries + 4, 4)(t);
        attention(t).pad_row = kNone;
      },
      options);
  for (const std::uint32_t wrong : {0u, 3u, 5u, 0xffffffffu}) {
    refuses(
        "most_keys", [=](TinyProgram& t) { attention(t).most_keys = wrong; }, options);
  }
  refuses(
      "first queries alone", [](TinyProgram& t) { attention(t).queries = 5; }, options);
  refuses(
      "pad_row", [](TinyProgram& t) { attention(t).pad_row = with_count<std::uint8_t>(t, attention(t).pad_row, -1); },
      options);
  refuses(
      "pad row", [](TinyProgram& t) { attention(t).pad_row = kNone; }, options);
  refuses("a pad row or local rows without sets", [](TinyProgram& t) { attention(t).most_keys = 5; });
  refuses(
      "local_rows is 3, must be 0 or 0", [](TinyProgram& t) { attention(t).local_rows = 3; }, options);
  const auto sets = [](const std::vector<std::int32_t>& words) {
    return [words](TinyProgram& t) { attention(t).sets = t.add("sets", DataType::s32, words); };
  };
  refuses("number does not fit", sets({}), options);
  refuses("not every row once", sets({1, 0, 5, 5, 0, 0, 1, 2, 3, 3}), options);
  refuses("numbers of set 0 out of range", sets({1, 0, 5, 5, 0, 0, 1, 2, 3}), options);
  std::vector<std::int32_t> long_set = {1, 0, kernels::kMaxTokens + 1, 5, 0, 0, 1, 2, 3, 4};
  long_set.resize(5 + static_cast<std::size_t>(kernels::kMaxTokens + 1));
  refuses("numbers of set 0 out of range", sets(long_set), options);
  refuses("sets of 4 queries for 5", sets({1, 0, 4, 4, 0, 0, 1, 2, 3}), options);
}

TEST_CASE("validate: the bias of attention") {
  const TinyOptions options = with_sets();
  refuses(
      "bias_columns", [](TinyProgram& t) { ++attention(t).bias_columns; }, options);
  refuses(
      "bias", [](TinyProgram& t) { attention(t).bias = with_count<std::int16_t>(t, attention(t).bias, 1); }, options);
  refuses(
      "bias_shifts",
      [](TinyProgram& t) { attention(t).bias_shifts = with_count<std::int32_t>(t, attention(t).bias_shifts, -1); },
      options);
  refuses(
      "bias without one", [](TinyProgram& t) { attention(t).bias = attention(t).bias_shifts = kNone; }, options);
  refuses(
      "bias without one", [](TinyProgram& t) { attention(t).bias = kNone, attention(t).bias_columns = 0; }, options);
  const auto shift = [](std::int32_t x) {
    return
        [=](TinyProgram& t) { attention(t).bias_shifts = with_entry<std::int32_t>(t, attention(t).bias_shifts, 1, x); };
  };
  for (const std::int32_t wrong : {INT32_MIN, -1, 15, INT32_MAX}) refuses("bias_shifts", shift(wrong), options);
  accepts(shift(14), options);  // 2^29 and 8 * 255 * 128
  const auto left = [](std::int32_t x) {
    return [=](TinyProgram& t) {
      const std::size_t at = kAttentionParameters + kSoftmaxLeftShift;
      attention(t).parameters = with_entry<std::int32_t>(t, attention(t).parameters, at, x);
    };
  };
  // 8 * 255 * 128 * 2^11 is just below 2^29.
  accepts(
      [&](TinyProgram& t) {
        left(11)(t);
        shift(14)(t);
      },
      options);
  refuses(
      "can overflow with the bias",
      [&](TinyProgram& t) {
        left(12)(t);
        shift(14)(t);
      },
      options);
  refuses("can overflow with the bias", left(13), options);
  // Without sets, of all rows.
  accepts([](TinyProgram& t) {
    AttentionOp& a = attention(t);
    a.bias_columns = 5 * 16;
    a.bias = t.add("bias", DataType::s16, std::vector<std::int16_t>(2 * 80));
    a.bias_shifts = t.add("shifts", DataType::s32, std::vector<std::int32_t>(2));
  });
}

TEST_CASE("validate: queries, keys and values of attention that lie apart") {
  TinyOptions options;
  options.apart = true;
  accepts([](TinyProgram&) {}, options);
  refuses(
      "key_src", [](TinyProgram& t) { attention(t).key_src = kNone; }, options);
  refuses(
      "value_src", [](TinyProgram& t) { attention(t).value_src = kNone; }, options);
  refuses(
      "columns do not match the heads", [](TinyProgram& t) { attention(t).src = attention(t).key_src; }, options);
  for (const std::uint32_t wrong : {33u, 49u, 0xffffffffu}) {
    refuses(
        "columns of keys or values", [=](TinyProgram& t) { attention(t).key_column = wrong; }, options);
    refuses(
        "columns of keys or values", [=](TinyProgram& t) { attention(t).value_column = wrong; }, options);
  }
  accepts([](TinyProgram& t) { attention(t).key_column = 32; }, options);
  // What is written is not read at the same time.
  refuses(
      "dst is what it reads",
      [](TinyProgram& t) {
        AttentionOp& a = attention(t);
        a.value_src = a.dst;
        a.value_column = 0;
      },
      options);
  // What others left there long ago is not what a key may be.
  refuses(
      "reads a buffer that nothing has written",
      [](TinyProgram& t) {
        t.program.buffers.push_back(t.program.buffers[attention(t).key_src]);
        attention(t).value_src = static_cast<BufferId>(t.program.buffers.size() - 1);
        plan_memory(t.program);
      },
      options);
  refuses(
      "keys of 5 rows and values of 6",
      [](TinyProgram& t) {
        Buffer more = t.program.buffers[attention(t).key_src];
        more.rows = 6;
        t.program.buffers.push_back(more);
        attention(t).value_src = static_cast<BufferId>(t.program.buffers.size() - 1);
        plan_memory(t.program);
      },
      options);
}

}  // namespace intvit::test
