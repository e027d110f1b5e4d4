// The peak loops do as many multiply-accumulates as they say: all products are 1, so their sum counts them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "bench/peak/peak_loops.h"
#include "intvit/isa.h"
#include "kernels/dispatch/kernel_table.h"
#include "tests/kernels/tile_emulator.h"

namespace intvit::bench {

extern const PeakLoops peak_loops_avxvnni_stand_in;  // tests/CMakeLists.txt

}  // namespace intvit::bench

namespace intvit::test {
namespace {

using namespace intvit::bench;

TEST_CASE("peak_loops: the sum of all products is the number of multiply-accumulates") {
  for (const Isa isa : available_isas()) {
    const PeakLoops* loops = peak_loops(isa);
    if (loops == nullptr) continue;
    for (const PeakLoop* loop : {&loops->weights8, &loops->weights4}) {
      CAPTURE(loop->instruction);
      CHECK(loop->run(0) == 0);
      for (const std::int64_t rounds : {1, 2, 1000, 100001}) {
        CHECK(loop->run(rounds) == static_cast<std::uint32_t>(loop->macs_per_round * rounds));
      }
    }
  }
}

TEST_CASE("peak_loops: those of sets that this CPU lacks, in what stands in for them") {
  if (!cpu_supports(Isa::avx512vnni)) {
    MESSAGE("skipped: this CPU has no AVX-512 VNNI");
    return;
  }
  std::vector<const PeakLoops*> stand_ins;
#ifdef INTVIT_AVXVNNI_STAND_IN
  stand_ins.push_back(&peak_loops_avxvnni_stand_in);
#endif
  if (isa_is_built(Isa::amx) && !cpu_supports(Isa::amx)) {
    emulate_tiles();
    stand_ins.push_back(peak_loops(Isa::amx));
  }
  for (const PeakLoops* loops : stand_ins) {
    REQUIRE(loops != nullptr);
    CAPTURE(loops->weights8.instruction);
    for (const std::int64_t rounds : {0, 1, 7}) {
      CHECK(loops->weights8.run(rounds) == static_cast<std::uint32_t>(loops->weights8.macs_per_round * rounds));
    }
  }
}

// A percentage of another instruction set's peak would say nothing.
TEST_CASE("peak_loops: an instruction set that multiplies with kernels of its own has loops of its own") {
  for (int i = 0; i < kIsaCount; ++i) {
    const Isa isa = static_cast<Isa>(i);
    const bool multiplies = isa_is_built(isa) && kernels::kernel_table(isa).linear_isa == isa;
    CHECK_MESSAGE((peak_loops(isa) != nullptr) == multiplies, isa_name(isa));
  }
}

}  // namespace
}  // namespace intvit::test
