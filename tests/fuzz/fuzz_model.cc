// libFuzzer target: any bytes -> Model::from_memory, and one picture through what it accepts. Neither may crash, leave
// its memory or be undefined; a model that loads must give the same outputs on the best instruction set as on scalar.
//
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined ... ; ./fuzz_model corpus/   (CMake: INTVIT_FUZZ=ON)
//
// Seeds are the files that write_seeds writes; every model of vitconvert would do as well. Most mutations change a word
// of the program or a number of a constant and repair the checksums: flipped bits of a file seldom get past them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

#include "engine/format/layout.h"
#include "intvit/model.h"
#include "intvit/session.h"
#include "tests/engine/program_work.h"
#include "tests/engine/repair_checksums.h"

namespace {

using namespace intvit;

// A fuzzer finds nothing new in a large model.
constexpr std::uint64_t kMostWork = 20'000'000, kMostArenaBytes = std::uint64_t{16} << 20;

std::vector<std::int32_t> run_one(const std::shared_ptr<const Model>& model, Isa isa) {
  Result<std::unique_ptr<Session>> session = Session::create(model, {1, 1, isa, false});
  if (!session.ok()) return {};
  const InputGeometry& in = model->program().input;
  std::uint8_t* pixels = session.value()->picture(0);
  for (std::size_t i = 0; i < std::size_t{in.height} * in.width * 3; ++i) pixels[i] = static_cast<std::uint8_t>(i * 73);
  session.value()->run();
  std::vector<std::int32_t> results;
  for (std::size_t i = 0; i < model->outputs().size(); ++i) {
    const OutputView output = session.value()->output(0, i);
    for (int r = 0; r < output.rows; ++r) {
      for (int c = 0; c < output.columns; ++c) results.push_back(output.at(r, c));
    }
  }
  return results;
}

void try_bytes(std::span<const std::uint8_t> bytes) {
  const auto model = Model::from_memory(bytes, "fuzz");
  if (!model.ok() || !test::is_small(model.value()->program(), kMostWork, kMostArenaBytes)) return;
  if (run_one(model.value(), Isa::scalar) != run_one(model.value(), available_isas().back())) std::abort();
}

// What program words and 16-bit numbers are changed to, often just beyond a limit; or a step up or down.
constexpr std::uint32_t kEdges[] = {0,     1,     2,          3,          5,          6,          12,        13,
                                    14,    15,    16,         31,         32,         63,         64,        65,
                                    127,   128,   255,        256,        257,        4095,       4096,      4097,
                                    32767, 32768, 0x7fffffff, 0x80000000, 0xffffff00, 0xffff8000, 0xffffffff};

template <typename T>
void change_number(std::span<std::uint8_t> bytes, std::uint32_t random) {
  if (bytes.size() < sizeof(T)) return;
  std::uint8_t* at = bytes.data() + (random >> 8) % (bytes.size() / sizeof(T)) * sizeof(T);
  T value;
  std::memcpy(&value, at, sizeof value);
  const std::uint32_t choice = random % 64;
  value = static_cast<T>(choice < std::size(kEdges) ? kEdges[choice] : choice % 2 == 0 ? value + 1u : value - 1u);
  std::memcpy(at, &value, sizeof value);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
  std::vector<std::uint8_t> bytes(data, data + size);
  const std::uint32_t random = seed * 2654435761u;
  const auto program = intvit::test::section_of(bytes, SectionId::program);
  const auto constants = intvit::test::section_of(bytes, SectionId::data);
  if (program.empty() || seed % 16 == 0) return LLVMFuzzerMutate(data, size, max_size);
  for (std::uint32_t i = 0; i <= seed % 3; ++i) {
    if (seed % 4 == 3) {
      change_number<std::int16_t>(constants, random + i * 0x9e3779b9u);
    } else {
      change_number<std::uint32_t>(program, random + i * 0x9e3779b9u);
    }
  }
  intvit::test::repair_checksums(bytes);
  std::copy(bytes.begin(), bytes.end(), data);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try_bytes({data, size});
  std::vector<std::uint8_t> repaired(data, data + size);
  intvit::test::repair_checksums(repaired);
  try_bytes(repaired);
  return 0;
}
