#include "tests/kernels/tested_kernels.h"

#include "tests/kernels/test_data.h"
#include "tests/kernels/tile_emulator.h"

namespace intvit::kernels {

extern const LinearKernels linear_kernels_avxvnni_stand_in;
extern const AttentionKernels attention_kernels_avxvnni_stand_in;

}  // namespace intvit::kernels

namespace intvit::test {

namespace {

constexpr const char* kEmulatedAmx = "amx (emulated tile instructions)";

}  // namespace

TestedKernels::TestedKernels(Isa isa)
    : name(isa_name(isa)), linear(kernels::kernel_table(isa).linear), attention(kernels::kernel_table(isa).attention) {}

std::vector<TestedKernels> vector_kernels() {
  const std::vector<Isa> isas = vector_isas();
  std::vector<TestedKernels> tested(isas.begin(), isas.end());
  if (!cpu_supports(Isa::avx512vnni)) return tested;
#ifdef INTVIT_AVXVNNI_STAND_IN
  if (!cpu_supports(Isa::avxvnni)) {
    tested.emplace_back("avxvnni (in AVX-512 encoding)", kernels::linear_kernels_avxvnni_stand_in,
                        kernels::attention_kernels_avxvnni_stand_in);
  }
#endif
  if (isa_is_built(Isa::amx) && !cpu_supports(Isa::amx)) {
    emulate_tiles();
    tested.emplace_back(kEmulatedAmx, *kernels::kernel_table(Isa::amx).linear,
                        *kernels::kernel_table(Isa::amx).attention);
  }
  return tested;
}

std::vector<TestedKernels> kernels_of_any_depth() {
  std::vector<TestedKernels> tested = vector_kernels();
  std::erase_if(tested, [](const TestedKernels& kernels) { return kernels.name.starts_with(isa_name(Isa::amx)); });
  return tested;
}

std::vector<TestedKernels> without_emulated(std::vector<TestedKernels> tested) {
  std::erase_if(tested, [](const TestedKernels& kernels) { return kernels.name == kEmulatedAmx; });
  return tested;
}

std::vector<TestedKernels> all_kernels() {
  std::vector<TestedKernels> tested = vector_kernels();
  tested.emplace_back(Isa::scalar);
  return tested;
}

}  // namespace intvit::test
