#include "bench/peak/peak_loops.h"

namespace intvit::bench {

// Each in peak_<name>.cc.
extern const PeakLoops peak_loops_scalar;
extern const PeakLoops peak_loops_avx2;
extern const PeakLoops peak_loops_avxvnni;
extern const PeakLoops peak_loops_avx512vnni;
extern const PeakLoops peak_loops_amx;

namespace {

struct Entry {
  Isa isa;
  const PeakLoops* loops;
};

constexpr Entry kTable[] = {
    {Isa::scalar, &peak_loops_scalar},
#ifdef VIT_BUILD_avx2
    {Isa::avx2, &peak_loops_avx2},
#endif
#ifdef VIT_BUILD_avxvnni
    {Isa::avxvnni, &peak_loops_avxvnni},
#endif
#ifdef VIT_BUILD_avx512vnni
    {Isa::avx512vnni, &peak_loops_avx512vnni},
#endif
#ifdef VIT_BUILD_amx
    {Isa::amx, &peak_loops_amx},
#endif
};

}  // namespace

const PeakLoops* peak_loops(Isa isa) {
  for (const Entry& entry : kTable) {
    if (entry.isa == isa) return entry.loops;
  }
  return nullptr;
}

}  // namespace intvit::bench
