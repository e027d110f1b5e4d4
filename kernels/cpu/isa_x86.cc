// Instruction sets of x86-64.
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "kernels/cpu/cpu.h"

namespace intvit::kernels {
namespace {

struct CpuidLeaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;  // all zero if the CPU has no such leaf
  CpuidLeaf(unsigned leaf, unsigned subleaf) { __get_cpuid_count(leaf, subleaf, &eax, &ebx, &ecx, &edx); }
};

// __builtin_cpu_supports does not know this one everywhere. Its registers are those of AVX2.
bool cpu_has_avxvnni() { return (CpuidLeaf(7, 1).eax >> 4 & 1) != 0; }

// Linux gives the tile registers, 8 KiB that it has to save for every thread, to processes that ask for them. Older
// kernels and other systems refuse.
bool linux_permits_tiles() {
#ifdef SYS_arch_prctl
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;               // XFEATURE_XTILEDATA
  static const bool permitted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return permitted;
#else
  return false;
#endif
}

bool cpu_has_amx() {
  constexpr unsigned kTile = 1u << 24, kInt8 = 1u << 25;
  return (~CpuidLeaf(7, 0).edx & (kTile | kInt8)) == 0;
}

// XCR0: the operating system saves tile configurations and tiles. Only where AVX works is there an XCR0.
bool system_saves_tiles() {
  constexpr std::uint32_t kTileState = 3u << 17;
  std::uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & kTileState) == kTileState;
}

}  // namespace

// gcc's __builtin_cpu_supports checks XGETBV too, so that an operating system without AVX state is not fooled.
bool cpu_has(Isa isa) {
  switch (isa) {
    case Isa::avx2:
      return __builtin_cpu_supports("avx2");
    case Isa::avx512vnni:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512vnni");
    case Isa::avxvnni:
      return __builtin_cpu_supports("avx2") && cpu_has_avxvnni();
    case Isa::amx:
      return cpu_has(Isa::avx512vnni) && cpu_has_amx() && system_saves_tiles() && linux_permits_tiles();
    case Isa::scalar:
    case Isa::neon:
      break;
  }
  return false;
}

}  // namespace intvit::kernels
