// The matrix kernels under test, linear and attention. Two instruction sets that this CPU lacks can be tested on
// AVX-512: AVX-VNNI by its own source with the same instruction in AVX-512's encoding (INTVIT_AVXVNNI_STAND_IN in
// tests/CMakeLists.txt), AMX by its own code with emulated tile instructions (tile_emulator.h).
#pragma once

#include <string>
#include <vector>

#include "kernels/dispatch/kernel_table.h"

namespace intvit::test {

struct TestedKernels {
  std::string name;
  const kernels::LinearKernels* linear;
  const kernels::AttentionKernels* attention;

  // Those of an instruction set that this CPU has.
  TestedKernels(Isa isa);
  TestedKernels(std::string stand_in, const kernels::LinearKernels& l, const kernels::AttentionKernels& a)
      : name(std::move(stand_in)), linear(&l), attention(&a) {}
};

// All above scalar that can run here.
std::vector<TestedKernels> vector_kernels();

// Those whose multiply() takes all depths that are multiples of four. Tiles of AMX do not.
std::vector<TestedKernels> kernels_of_any_depth();

// Without those whose instructions are emulated, for tests of so many cases that those would take most of the time.
std::vector<TestedKernels> without_emulated(std::vector<TestedKernels> tested);

// And scalar.
std::vector<TestedKernels> all_kernels();

}  // namespace intvit::test
