// The peak loops do as many multiply-accumulates as they say: all products are 1, so their sum counts them.
#include "kernels/peak/peak.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/kernels/test_data.h"
#include "tests/kernels/tile_emulator.h"

namespace intvit::kernels {

extern const PeakKernels peak_kernels_avxvnni_stand_in;  // tested_kernels.h

}  // namespace intvit::kernels

namespace intvit::test {
namespace {

using namespace intvit::kernels;

TEST_CASE("peak: the sum of all products is the number of multiply-accumulates") {
  for (const Isa isa : available_isas()) {
    const PeakKernels& peak = *kernel_table(isa).peak;
    for (const PeakLoop* loop : {&peak.weights8, &peak.weights4}) {
      CAPTURE(loop->instruction);
      CHECK(loop->run(0) == 0);
      for (const std::int64_t rounds : {1, 2, 1000, 100001}) {
        CHECK(loop->run(rounds) == static_cast<std::uint32_t>(loop->macs_per_round * rounds));
      }
    }
  }
}

TEST_CASE("peak: the loops of sets that this CPU lacks, in what stands in for them") {
  if (!cpu_supports(Isa::avx512vnni)) {
    MESSAGE("skipped: this CPU has no AVX-512 VNNI");
    return;
  }
  std::vector<const PeakKernels*> stand_ins;
#ifdef INTVIT_AVXVNNI_STAND_IN
  stand_ins.push_back(&peak_kernels_avxvnni_stand_in);
#endif
  if (isa_is_built(Isa::amx) && !cpu_supports(Isa::amx)) {
    emulate_tiles();
    stand_ins.push_back(kernel_table(Isa::amx).peak);
  }
  for (const PeakKernels* peak : stand_ins) {
    CAPTURE(peak->weights8.instruction);
    for (const std::int64_t rounds : {0, 1, 7}) {
      CHECK(peak->weights8.run(rounds) == static_cast<std::uint32_t>(peak->weights8.macs_per_round * rounds));
    }
  }
}

// A percentage of another instruction set's peak would say nothing.
TEST_CASE("peak: an instruction set that multiplies with kernels of its own has a peak of its own") {
  for (const Isa isa : available_isas()) {
    const KernelTable& table = kernel_table(isa);
    if (table.linear_isa == isa) CHECK_MESSAGE(table.peak_isa == isa, isa_name(isa));
  }
}

}  // namespace
}  // namespace intvit::test
