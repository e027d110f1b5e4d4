// Limits of encode operations and of the codes they make: kinds, planes, tables, numbers, memory.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/ops/attention.h"
#include "engine/ops/conv.h"
#include "engine/ops/encode.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/program/memory_plan.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

const TinyOptions kTable = with_encoding({EncodeKind::table, 1, 15});
const TinyOptions kTable2 = with_encoding({EncodeKind::table, 2, 15});
const TinyOptions kTableWithOutliers = with_encoding({EncodeKind::table_with_outliers, 1, 15});
const TinyOptions kTokens = with_encoding({EncodeKind::rows, 1, 15});
const TinyOptions kGroups = with_encoding({EncodeKind::columns, 1, 15, 5});
const TinyOptions kDynamic = with_encoding({EncodeKind::dynamic_rows, 1, 15});
const TinyOptions kDynamic2 = with_encoding({EncodeKind::dynamic_rows, 2, 15});

EncodeOp& encode(TinyProgram& t) { return op<EncodeOp>(t, kNormEncode); }

TEST_CASE("validate: max_code of everything that makes codes") {
  for (const std::uint32_t wrong : {0u, 256u, 0xffffffffu}) {
    refuses("max_code", [&](TinyProgram& t) { op<LayerNormOp>(t, kNorm).max_code = wrong; });
    refuses("max_code", [&](TinyProgram& t) { op<LinearOp>(t, kQkv).max_code = wrong; });
    refuses("max_code", [&](TinyProgram& t) { op<LinearOp>(t, kFc1).max_code = wrong; });
    refuses("max_code", [&](TinyProgram& t) { op<AttentionOp>(t, kAttn).max_code = wrong; });
    for (const TinyOptions& options : {kTokens, kGroups, kDynamic}) {
      refuses(
          "max_code", [&](TinyProgram& t) { encode(t).max_code = wrong; }, options);
    }
  }
  accepts([](TinyProgram& t) { op<LayerNormOp>(t, kNorm).max_code = 1; });
}

TEST_CASE("validate: kinds and buffers of an encode operation") {
  refuses(
      "unknown kind", [](TinyProgram& t) { encode(t).kind = static_cast<EncodeKind>(6); }, kTable);
  refuses(
      "must be s16", [](TinyProgram& t) { encode(t).src = encode(t).dst; }, kTable);  // src is dst
  refuses(
      "must be u8", [](TinyProgram& t) { encode(t).dst = encode(t).src; }, kTable);
  refuses(
      "src and dst differ", [](TinyProgram& t) { encode(t).dst = t.program.buffer_of(PortKind::picture); }, kTable);
  refuses(
      "src and dst differ", [](TinyProgram& t) { encode(t).src = op<LayerNormOp>(t, "norm").dst; }, kTable);
  refuses(
      "src is buffer 99", [](TinyProgram& t) { encode(t).src = 99; }, kTable);
  refuses(
      "dst is buffer 4294967295", [](TinyProgram& t) { encode(t).dst = kNone; }, kTable);
  refuses(
      "nothing has written", [](TinyProgram& t) { t.program.steps.erase(t.program.steps.begin() + 1); }, kTable);
  TinyOptions options = kDynamic;  // a stream of as many rows and columns as the picture has
  options.channels = 24;
  refuses(
      "writes over the picture",
      [](TinyProgram& t) {
        Program& p = t.program;
        p.buffers.push_back({DataType::s16, 8, 24, 32, 0});
        ConvOp embed = op<ConvOp>(t, "patch_embed");
        embed.prefix = 4;
        embed.init = t.add("zeros", DataType::s16, std::vector<std::int16_t>(8 * 32));
        EncodeOp over = encode(t);
        over.src = embed.dst = static_cast<BufferId>(p.buffers.size() - 1);
        over.dst = p.buffer_of(PortKind::picture);
        p.steps.insert(p.steps.end() - 1, {{"embed", embed}, {"enemy", over}});
        plan_memory(p);
      },
      options);
}

TEST_CASE("validate: a table whose outliers are on the grid needs both") {
  refuses(
      "fine_bits", [](TinyProgram& t) { encode(t).fine_bits = 13; }, kTableWithOutliers);
  refuses(
      "outlier", [](TinyProgram& t) { encode(t).outlier = 32768; }, kTableWithOutliers);
  refuses(
      "grid_zero", [](TinyProgram& t) { encode(t).grid_zero = encode(t).grid_max + 1; }, kTableWithOutliers);
  refuses(
      "levels", [](TinyProgram& t) { encode(t).levels = 1; }, kTableWithOutliers);
  accepts([](TinyProgram& t) { encode(t).outlier = 0; }, kTableWithOutliers);
}

TEST_CASE("validate: planes") {
  for (const std::uint32_t wrong : {0u, 3u, 0xffffffffu}) {
    refuses(
        "planes, must be 1 or 2", [&](TinyProgram& t) { encode(t).planes = wrong; }, kTable);
    refuses("planes, must be 1 or 2", [&](TinyProgram& t) { op<LinearOp>(t, kQkv).planes = wrong; });
  }
  // Rows that are too short for two planes: 40 columns in rows of 64.
  TinyOptions options;
  options.hidden_codes = {EncodeKind::dynamic_rows, 1, 15};
  refuses(
      "dst's rows do not hold 2 planes", [](TinyProgram& t) { op<EncodeOp>(t, "blocks.0.mlp.encode").planes = 2; },
      options);
  refuses(
      "src's rows do not hold 2 planes", [](TinyProgram& t) { op<LinearOp>(t, kFc2).planes = 2; }, options);
  refuses(
      "dst's rows do not hold 2 planes",
      [](TinyProgram& t) {
        t.program.buffers[op<LinearOp>(t, kQkv).src].stride += 1;
        plan_memory(t.program);
      },
      kDynamic2);
  // Inputs beyond a plane.
  refuses(
      "inputs in 2 planes",
      [](TinyProgram& t) {
        t.program.buffers[op<LinearOp>(t, kQkv).src].stride = 64;
        plan_memory(t.program);
      },
      kDynamic2);
  // Two rows that are read as one have one plane.
  options = {};
  options.head = TinyHead::two_tokens;
  refuses(
      "inputs in 2 planes",
      [](TinyProgram& t) {
        LinearOp& head = op<LinearOp>(t, "head");
        Program& p = t.program;
        EncodeOp encoding;
        encoding.kind = EncodeKind::dynamic_rows;
        encoding.planes = 2;
        p.buffers[head.src].type = DataType::s16;
        encoding.src = head.src;
        p.buffers.push_back({DataType::u8, 2, 16, 128, 0});
        head.src = encoding.dst = static_cast<BufferId>(p.buffers.size() - 1);
        head.planes = 2;
        // Weights for all that the two rows hold, so that only the planes are wrong.
        LinearConstants& l = head.linear;
        l.k *= 2;
        l.tiles = t.add("zeros", DataType::s8, std::vector<std::int8_t>(2 * t.program.constants[l.tiles].count()));
        p.steps.insert(p.steps.end() - 1, {"norm.encode", encoding});
        plan_memory(p);
      },
      options);
}

// What lies in a plane that nobody writes depends on the batch and on other buffers.
TEST_CASE("validate: two planes are read only where all writers fill two") {
  refuses(
      "not written in 2 planes",
      [](TinyProgram& t) { encode(t).planes = 1, encode(t).grid_max = 255, encode(t).grid_zero = 9; }, kDynamic2);
  refuses(
      "not written in 2 planes",
      [](TinyProgram& t) {  // a LayerNorm that writes the codes themselves, before
        LayerNormOp norm = op<LayerNormOp>(t, kNorm);
        norm.dst = encode(t).dst;
        t.program.steps.insert(t.program.steps.begin() + 1, {"more", norm});
      },
      kDynamic2);
  // One plane of two may be read: a grid's low bytes are defined.
  accepts([](TinyProgram& t) { op<LinearOp>(t, kQkv).planes = 1; }, kDynamic2);
}

TEST_CASE("validate: tables of an encode operation") {
  for (const std::uint32_t wrong : {0u, 1u, 257u, 0xffffffffu}) {
    refuses(
        "levels, must be 2 to 256", [&](TinyProgram& t) { encode(t).levels = wrong; }, kTable);
  }
  refuses(
      "thresholds", [](TinyProgram& t) { encode(t).levels = 15; }, kTable);
  refuses(
      "thresholds", [](TinyProgram& t) { encode(t).thresholds = kNone; }, kTable);
  refuses(
      "values", [](TinyProgram& t) { encode(t).values = kNone; }, kTable);
  for (const int more : {-1, 1}) {
    refuses(
        "thresholds",
        [&](TinyProgram& t) { encode(t).thresholds = with_count<std::int16_t>(t, encode(t).thresholds, more); },
        kTable);
    refuses(
        "values", [&](TinyProgram& t) { encode(t).values = with_count<std::int16_t>(t, encode(t).values, more); },
        kTable);
  }
  refuses(
      "do not ascend",
      [](TinyProgram& t) { encode(t).thresholds = with_entry<std::int16_t>(t, encode(t).thresholds, 3, INT16_MAX); },
      kTable);
  const auto value = [](std::int16_t x) {
    return [x](TinyProgram& t) { encode(t).values = with_entry<std::int16_t>(t, encode(t).values, 0, x); };
  };
  refuses("values", value(-1), kTable);
  refuses("values", value(256), kTable);
  refuses("values", value(-1), kTable2);
  accepts(value(255), kTable);
  accepts(value(INT16_MAX), kTable2);
}

TEST_CASE("validate: numbers of an even encode operation") {
  for (const TinyOptions& options : {kTokens, kGroups, kDynamic}) {
    const auto wrong = [&](const std::string& reason, std::uint32_t EncodeOp::*field, std::uint32_t value) {
      refuses(
          reason, [&](TinyProgram& t) { encode(t).*field = value; }, options);
    };
    wrong("step_shift", &EncodeOp::step_shift, 15);
    wrong("step_shift", &EncodeOp::step_shift, 0xffffffff);
    wrong("exceed 32767", &EncodeOp::step_shift, 12);  // 15 << 12
    wrong("fine_bits", &EncodeOp::fine_bits, 0);
    wrong("fine_bits", &EncodeOp::fine_bits, 13);
    wrong("outlier", &EncodeOp::outlier, 32768);
    wrong("outlier", &EncodeOp::outlier, 0xffffffff);
    wrong("grid_max", &EncodeOp::grid_max, 0);
    wrong("grid_max", &EncodeOp::grid_max, 256);
    wrong("grid_max", &EncodeOp::grid_max, 0x80000000);
    wrong("grid_max", &EncodeOp::grid_max, 0xffffffff);
    wrong("grid_zero", &EncodeOp::grid_zero, 256);
    wrong("grid_zero", &EncodeOp::grid_zero, 0xffffffff);
  }
  refuses(
      "grid_max", [](TinyProgram& t) { encode(t).grid_max = 32768; }, kDynamic2);
  accepts([](TinyProgram& t) { encode(t).grid_max = 32767; }, kDynamic2);
  accepts([](TinyProgram& t) { encode(t).step_shift = 11, encode(t).grid_zero = 255; }, kDynamic);
}

TEST_CASE("validate: codes of tokens and channel groups") {
  for (const TinyOptions& options : {kTokens, kGroups}) {
    refuses(
        "codes", [](TinyProgram& t) { encode(t).codes = kNone; }, options);
    for (const int more : {-1, 1}) {
      refuses(
          "codes", [&](TinyProgram& t) { encode(t).codes = with_count<std::int16_t>(t, encode(t).codes, more); },
          options);
    }
    // Numbers of 5 tokens or 5 groups; those of groups lie behind 10 bounds, which may be negative.
    const std::size_t first = options.normed->kind == EncodeKind::rows ? 0 : 10;
    const auto number = [&](std::size_t which, std::int16_t value) {
      return [=](TinyProgram& t) {
        encode(t).codes = with_entry<std::int16_t>(t, encode(t).codes, first + 5 * which + 4, value);
      };
    };
    for (std::size_t which = 0; which < 4; ++which) refuses("out of range", number(which, -1), options);
    refuses("out of range", number(2, 16), options);  // zero
    accepts(number(2, 15), options);
    accepts(number(3, INT16_MAX), options);
  }
  accepts([](TinyProgram& t) { encode(t).codes = with_entry<std::int16_t>(t, encode(t).codes, 0, INT16_MIN); },
          kGroups);
  // Codes for five tokens, but the class token alone.
  refuses(
      "codes", [](TinyProgram& t) { op<EncodeOp>(t, "norm.encode").codes = encode(t).codes; }, kTokens);
  for (const std::uint32_t wrong : {0u, 257u, 0xffffffffu}) {
    refuses(
        "groups", [&](TinyProgram& t) { encode(t).groups = wrong; }, kGroups);
  }
}

}  // namespace
}  // namespace intvit::test
