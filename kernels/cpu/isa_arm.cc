// Instruction sets of 64-bit ARM.
#include "kernels/cpu/cpu.h"

namespace intvit::kernels {

// Every 64-bit ARM that runs Linux has NEON.
bool cpu_has(Isa isa) { return isa == Isa::neon; }

}  // namespace intvit::kernels
