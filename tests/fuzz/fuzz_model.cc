// libFuzzer target: any bytes -> Model::from_memory, and one picture through what it accepts. Neither may crash, leave
// its memory or be undefined; a model that loads must give the same logits on the best instruction set as on scalar.
//
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined ... ; ./fuzz_model corpus/   (CMake: INTVIT_FUZZ=ON)
//
// Good seeds are the files of tests/engine/tiny_program.h and every model that vitconvert writes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "engine/model.h"
#include "engine/session.h"
#include "tests/engine/repair_checksums.h"

namespace {

using namespace intvit;

// Multiplications that one picture takes, roughly: a fuzzer finds nothing new in a large model.
struct Work {
  const Program& program;
  std::uint64_t rows(BufferId id) const { return program.buffers[id].rows; }

  std::uint64_t linear(const LinearConstants& l, BufferId dst) const { return rows(dst) * l.n * l.k; }
  std::uint64_t operator()(const PatchEmbedOp& op) const { return linear(op.linear, op.dst); }
  std::uint64_t operator()(const LinearOp& op) const { return linear(op.linear, op.dst); }
  std::uint64_t operator()(const LayerNormOp& op) const { return rows(op.dst) * program.buffers[op.dst].columns; }
  std::uint64_t operator()(const AttentionOp& op) const {
    return 2 * rows(op.src) * rows(op.src) * op.heads * op.head_dim;
  }
  std::uint64_t operator()(const MeanRowsOp& op) const {
    return std::uint64_t{op.row_count} * program.buffers[op.src].columns;
  }
};

bool is_small(const Program& program) {
  constexpr std::uint64_t kMostArenaBytes = std::uint64_t{16} << 20;
  constexpr std::uint64_t kMostWork = 20'000'000;
  std::uint64_t work = 0;
  for (const Step& step : program.steps) {
    work += std::visit(Work{program}, step.op);
    if (work > kMostWork) return false;
  }
  return program.arena_bytes < kMostArenaBytes;
}

std::vector<std::int32_t> run_one(const std::shared_ptr<const Model>& model, Isa isa) {
  Result<std::unique_ptr<Session>> session = Session::create(model, {1, 1, isa, false});
  if (!session.ok()) return {};
  const InputGeometry& in = model->program().input;
  std::uint8_t* pixels = session.value()->picture(0);
  for (std::size_t i = 0; i < std::size_t{in.height} * in.width * 3; ++i) pixels[i] = static_cast<std::uint8_t>(i * 73);
  session.value()->run();
  const std::span<const std::int32_t> logits = session.value()->logits(0);
  return {logits.begin(), logits.end()};
}

void try_bytes(std::span<const std::uint8_t> bytes) {
  const auto model = Model::from_memory(bytes, "fuzz");
  if (!model.ok() || !is_small(model.value()->program())) return;
  if (run_one(model.value(), Isa::scalar) != run_one(model.value(), available_isas().back())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try_bytes({data, size});
  std::vector<std::uint8_t> repaired(data, data + size);
  intvit::test::repair_checksums(repaired);
  try_bytes(repaired);
  return 0;
}
