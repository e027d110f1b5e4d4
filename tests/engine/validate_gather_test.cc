// Limits of gather operations.
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/ops/encode.h"
#include "engine/ops/gather.h"
#include "engine/ops/layer_norm.h"
#include "engine/program/memory_plan.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

const std::string kGather = "gather";
const TinyOptions kTwoPlanes = with_encoding({EncodeKind::rows, 2, 15});

// Behind all other steps, two rows side by side of `src`, three times; the last one has constants beside it.
void add_gather(TinyProgram& t, BufferId src, const Buffer& dst) {
  GatherOp gather;
  gather.src = src;
  gather.dst = static_cast<BufferId>(t.program.buffers.size());
  gather.join = 2;
  gather.map = t.add("map", DataType::s32, std::vector<std::int32_t>{0, 1, 2, 3, 4, -1});
  t.program.buffers.push_back(dst);
  t.program.steps.push_back({kGather, gather});
  plan_memory(t.program);
}

using Change = std::function<void(TinyProgram&, GatherOp&)>;

// Of values, and of the codes that are made of them: five rows of 16 columns.
std::function<void(TinyProgram&)> with_gather(DataType type, const Change& change) {
  return [=](TinyProgram& t) {
    const auto& norm = op<LayerNormOp>(t, kNorm);
    add_gather(t, type == DataType::s16 ? norm.src : norm.dst, {type, 3, 32, 32});
    change(t, op<GatherOp>(t, kGather));
  };
}

void refuses_gather(const std::string& reason, const Change& change, DataType type = DataType::s16) {
  refuses(reason, with_gather(type, change));
}

TEST_CASE("validate: buffers of a gather operation") {
  for (const DataType type : {DataType::s16, DataType::u8}) {
    accepts(with_gather(type, [](TinyProgram&, GatherOp&) {}));
    refuses_gather(
        "dst has 33 columns, must have 2 times 16",
        [](TinyProgram& t, GatherOp& g) {
          t.program.buffers[g.dst].columns = t.program.buffers[g.dst].stride = 33;
          plan_memory(t.program);
        },
        type);
    refuses_gather(
        "must have 0 times 16", [](TinyProgram&, GatherOp& g) { g.join = 0; }, type);
    refuses_gather(
        "must have 2147483650 times 16", [](TinyProgram&, GatherOp& g) { g.join = (1u << 31) + 2; }, type);
    refuses_gather(
        "src is buffer 99", [](TinyProgram&, GatherOp& g) { g.src = 99; }, type);
    refuses_gather(
        "dst is buffer 4294967295", [](TinyProgram&, GatherOp& g) { g.dst = kNone; }, type);
    refuses_gather(
        "src is dst", [](TinyProgram&, GatherOp& g) { g.dst = g.src; }, type);
  }
  refuses_gather("src must be s16 or u8",
                 [](TinyProgram& t, GatherOp& g) { g.src = t.program.buffer_of(PortKind::logits); });
  refuses_gather("dst is u8, must be s16",
                 [](TinyProgram& t, GatherOp& g) { t.program.buffers[g.dst].type = DataType::u8; });
  refuses("src is the picture", [](TinyProgram& t) {
    const BufferId picture = t.program.buffer_of(PortKind::picture);
    add_gather(t, picture, {DataType::u8, 3, 48, 48});  // 8 x 8 pixels
  });
  refuses(
      "src has two planes",
      [](TinyProgram& t) {
        add_gather(t, op<EncodeOp>(t, kNormEncode).dst, {DataType::u8, 3, 32, 32});
      },
      kTwoPlanes);
}

TEST_CASE("validate: the map and the constants of a gather operation") {
  const auto pad = [](std::int32_t value) {
    return [value](TinyProgram&, GatherOp& g) { g.pad = static_cast<std::uint32_t>(value); };
  };
  for (const std::int32_t value : {-32768, 32767}) accepts(with_gather(DataType::s16, pad(value)));
  for (const std::int32_t value : {0, 255}) accepts(with_gather(DataType::u8, pad(value)));
  for (const std::int32_t value : {-32769, 32768}) refuses_gather("pad of " + std::to_string(value), pad(value));
  for (const std::int32_t value : {-1, 256})
    refuses_gather("pad of " + std::to_string(value), pad(value), DataType::u8);
  const auto entry = [](std::size_t at, std::int32_t row) {
    return [=](TinyProgram& t, GatherOp& g) { g.map = with_entry<std::int32_t>(t, g.map, at, row); };
  };
  for (const std::int32_t row : {-1, 0, 4}) accepts(with_gather(DataType::s16, entry(0, row)));
  for (const std::int32_t row : {-2, 5, INT32_MIN, INT32_MAX}) refuses_gather("outside [-1, 4]", entry(5, row));
  for (const int more : {-1, 1}) {
    refuses_gather("must be 6 x s32",
                   [more](TinyProgram& t, GatherOp& g) { g.map = with_count<std::int32_t>(t, g.map, more); });
  }
  refuses_gather("map is constant", [](TinyProgram&, GatherOp& g) { g.map = kNone; });
}

}  // namespace
}  // namespace intvit::test
