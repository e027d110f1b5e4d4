// What depends on the family of CPUs, and is no kernel.
#pragma once

#include "intvit/isa.h"

namespace intvit::kernels {

// cpu_supports() of a set that the CPU's family has; false for others. In isa_x86.cc or isa_arm.cc.
bool cpu_has(Isa isa);

namespace {

// Tells the CPU that this thread waits for another one's write.
[[maybe_unused]] inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Has a cache line on its way to the first or second level.
template <int kLevel>
void prefetch(const void* line) {
  static_assert(kLevel == 1 || kLevel == 2);
  __builtin_prefetch(line, 0, kLevel == 1 ? 3 : 2);
}

}  // namespace
}  // namespace intvit::kernels
