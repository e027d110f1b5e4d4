// The memory plan: buffers that live together do not overlap, buffers of ports are apart, and a file cannot make it
// larger than its operations need.
#include "engine/program/memory_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "bench/common/random.h"
#include "engine/format/writer.h"
#include "engine/ops/conv.h"
#include "engine/ops/encode.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/tensors/limits.h"
#include "intvit/model.h"
#include "tests/engine/refusals.h"
#include "tests/engine/tiny_ports.h"

namespace intvit::test {
namespace {

bool meet(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

bool overlap(const Buffer& a, const Buffer& b) {
  return a.offset < b.offset + b.bytes() && b.offset < a.offset + a.bytes();
}

// Pairs of buffers that are alive together, lie in the same memory, and overlap.
int clashes(const Program& program, const std::vector<Lifetime>& alive) {
  int count = 0;
  for (std::size_t i = 0; i < program.buffers.size(); ++i) {
    for (std::size_t j = i + 1; j < program.buffers.size(); ++j) {
      const Buffer &a = program.buffers[i], &b = program.buffers[j];
      count += a.kept == b.kept && (a.kept || meet(alive[i], alive[j])) && overlap(a, b);
    }
  }
  return count;
}

TEST_CASE("memory plan: buffers that are alive together do not overlap") {
  for (const auto& [name, options] : all_variants()) {
    const TinyProgram tiny = make_tiny_program(options);
    const Program& p = tiny.program;
    CHECK_MESSAGE(clashes(p, lifetimes(p)) == 0, name);
    for (const Buffer& b : p.buffers) {
      CHECK(b.offset % 64 == 0);
      CHECK(b.offset + b.bytes() <= (b.kept ? p.kept_bytes : p.arena_bytes));
    }
  }
}

TEST_CASE("memory plan: of random lifetimes") {
  Random random(5);
  for (int repeat = 0; repeat < 50; ++repeat) {
    Program program;
    std::vector<Lifetime> alive;
    for (int i = 0; i < 40; ++i) {
      const auto columns = static_cast<std::uint32_t>(random.integer(1, 500));
      program.buffers.push_back({DataType::u8, static_cast<std::uint32_t>(random.integer(1, 9)), columns, columns});
      const auto first = static_cast<std::size_t>(random.integer(0, 30));
      alive.push_back({first, first + static_cast<std::size_t>(random.integer(0, 10))});
    }
    std::vector<BufferId> all(program.buffers.size());
    std::iota(all.begin(), all.end(), 0u);
    const std::uint64_t bytes = place(all, alive, program);
    CHECK(clashes(program, alive) == 0);
    std::uint64_t end = 0;
    for (const Buffer& b : program.buffers) end = std::max(end, b.offset + (b.bytes() + 63) / 64 * 64);
    CHECK(end == bytes);
  }
}

TEST_CASE("memory plan: what ports show is kept, each buffer once") {
  const TinyProgram tiny = with_four_outputs();
  const Program& p = tiny.program;
  std::set<BufferId> of_ports;
  std::uint64_t bytes = 0;
  for (const ProgramPort& port : p.ports) {
    if (of_ports.insert(port.buffer).second) bytes += (p.buffers[port.buffer].bytes() + 63) / 64 * 64;
  }
  CHECK(of_ports.size() == 4);
  CHECK(p.kept_bytes == bytes);
  for (BufferId id = 0; id < p.buffers.size(); ++id) CHECK(p.buffers[id].kept == of_ports.contains(id));
  CHECK(make_tiny_program().program.kept_bytes < bytes);
}

// The planner knows which steps threads do without meeting: here, all from the LayerNorm to the next attention.
TEST_CASE("memory plan: buffers of one stage do not share memory, those of two may") {
  const auto alive_together = [](EncodeKind kind) {
    TinyOptions options;
    options.normed = TinyEncoding{kind, 1, 15};
    TinyProgram tiny = make_tiny_program(options);
    const std::vector<Lifetime> alive = lifetimes(tiny.program);
    return meet(alive[op<EncodeOp>(tiny, kNormEncode).src], alive[op<LinearOp>(tiny, kQkv).dst]);
  };
  CHECK(alive_together(EncodeKind::rows));
  // Groups of channels need all rows: what is read before that may be overwritten after it.
  CHECK(!alive_together(EncodeKind::columns));
}

TEST_CASE("memory plan: buffers that nothing touches get no memory") {
  TinyProgram tiny = make_tiny_program();
  const std::uint64_t bytes = tiny.program.arena_bytes;
  for (int i = 0; i < 100; ++i) {
    tiny.program.buffers.push_back({DataType::s32, kMaxRows, kMaxColumns, kMaxColumns, std::uint64_t{1} << 40});
  }
  plan_memory(tiny.program);
  CHECK(tiny.program.arena_bytes == bytes);
  accepts([](TinyProgram& t) { t.program.buffers.push_back({DataType::s32, kMaxRows, kMaxColumns, kMaxColumns}); });
}

// Weights of 16 inputs and so many outputs that are all alike.
LinearOp wide_linear(TinyProgram& t, std::uint32_t n) {
  LinearOp op;
  op.linear.n = n;
  op.linear.k = 64;
  op.linear.tiles = t.add("tiles", DataType::s8, std::vector<std::int8_t>(std::size_t{n} * 64));
  op.linear.bias = t.add("bias", DataType::s32, std::vector<std::int32_t>(n));
  op.linear.shift = t.add("shift", DataType::u8, std::vector<std::uint8_t>(n));
  op.linear.multiplier = t.add("multiplier", DataType::s16, std::vector<std::int16_t>(n));
  return op;
}

// Rows that a small file makes long: every element is written, so they are needed.
TEST_CASE("memory plan: more than 8 GiB are refused") {
  constexpr std::uint32_t kPrefix = 100'000, kOutputs = 16'000;
  const auto complaint_about = [](int outputs) {
    TinyProgram t = make_tiny_program();
    Program& p = t.program;
    auto& embed = op<ConvOp>(t, "patch_embed");
    auto& norm = op<LayerNormOp>(t, kNorm);
    embed.prefix = kPrefix;
    p.buffers[embed.dst].rows = p.buffers[norm.dst].rows = kPrefix + 4;
    embed.init = t.add("init", DataType::s16, std::vector<std::int16_t>((kPrefix + 4) * 16));
    LinearOp linear = wide_linear(t, kOutputs);
    linear.src = norm.dst;
    p.steps.erase(p.steps.begin() + 2, p.steps.end());
    p.ports.resize(1);
    for (int i = 0; i < outputs; ++i) {
      p.buffers.push_back({DataType::u8, kPrefix + 4, kOutputs, kOutputs});
      linear.dst = static_cast<BufferId>(p.buffers.size() - 1);
      p.steps.push_back({"wide", linear});
      p.add_port("out" + std::to_string(i), PortKind::tokens, linear.dst);
    }
    return Model::from_memory(encode_model(p, {}), "test").status().message();
  };
  CHECK(complaint_about(5).empty());
  const std::string message = complaint_about(6);
  CHECK_MESSAGE(message.find("bytes of memory, at most 8589934592") != std::string::npos, message);
}

}  // namespace
}  // namespace intvit::test
