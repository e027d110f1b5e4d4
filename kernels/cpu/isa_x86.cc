// Instruction sets of x86-64.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "kernels/cpu/cpu.h"

#if __has_include(<sys/platform/x86.h>) && !defined(__clang__)  // which does not know its _Bool in C++
#include <sys/platform/x86.h>
#define VIT_GLIBC_KEEPS_LEAVES
#else
#include <cpuid.h>
#endif

namespace intvit::kernels {
namespace {

struct Leaves {
  unsigned leaf1_ecx = 0, leaf7_ebx = 0, leaf7_ecx = 0, leaf7_edx = 0, leaf7_1_eax = 0;
};

// What CPUID says. Under a virtual machine each takes about 10 microseconds; glibc keeps what it asked for itself when
// the program started.
#ifdef VIT_GLIBC_KEEPS_LEAVES
Leaves leaves() {
  const auto leaf = [](unsigned index) { return __x86_get_cpuid_feature_leaf(index)->cpuid_array; };
  const unsigned *leaf1 = leaf(CPUID_INDEX_1), *leaf7 = leaf(CPUID_INDEX_7), *leaf7_1 = leaf(CPUID_INDEX_7_ECX_1);
  return {leaf1[2], leaf7[1], leaf7[2], leaf7[3], leaf7_1[0]};
}
#else
Leaves leaves() {
  Leaves found;
  unsigned eax, ebx, ecx, edx;
  if (__get_cpuid_max(0, nullptr) < 7) return found;
  __cpuid(1, eax, ebx, found.leaf1_ecx, edx);
  __cpuid_count(7, 0, eax, found.leaf7_ebx, found.leaf7_ecx, found.leaf7_edx);
  if (eax >= 1) __cpuid_count(7, 1, found.leaf7_1_eax, ebx, ecx, edx);
  return found;
}
#endif

// What the CPU has, and which registers the operating system saves.
struct CpuFeatures : Leaves {
  bool saves_ymm = false, saves_zmm = false, saves_tiles = false;

  CpuFeatures() : Leaves(leaves()) {
    constexpr unsigned kXgetbv = 1u << 27, kAvx = 1u << 28;  // of leaf 1
    if ((~leaf1_ecx & (kXgetbv | kAvx)) != 0) return;
    std::uint32_t xcr0, high;
    asm volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    const auto saves = [xcr0](std::uint32_t states) { return (xcr0 & states) == states; };
    saves_ymm = saves(0x6);
    saves_zmm = saves(0xe6);
    saves_tiles = saves(0x60000);
  }
};

const CpuFeatures& cpu_features() {
  static const CpuFeatures features;
  return features;
}

bool has_all(unsigned features, unsigned wanted) { return (features & wanted) == wanted; }

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

}  // namespace

bool cpu_has(Isa isa) {
  constexpr unsigned kAvx2 = 1u << 5, kAvxVnni = 1u << 4, kTile = 1u << 24, kTileInt8 = 1u << 25;
  constexpr unsigned kAvx512F = 1u << 16, kAvx512Dq = 1u << 17, kAvx512Bw = 1u << 30, kAvx512Vl = 1u << 31;
  constexpr unsigned kAvx512Vnni = 1u << 11;
  const CpuFeatures& cpu = cpu_features();
  switch (isa) {
    case Isa::avx2:
      return cpu.saves_ymm && has_all(cpu.leaf7_ebx, kAvx2);
    case Isa::avx512vnni:
      return cpu.saves_zmm && has_all(cpu.leaf7_ebx, kAvx512F | kAvx512Dq | kAvx512Bw | kAvx512Vl) &&
             has_all(cpu.leaf7_ecx, kAvx512Vnni);
    case Isa::avxvnni:  // its registers are those of AVX2
      return cpu_has(Isa::avx2) && has_all(cpu.leaf7_1_eax, kAvxVnni);
    case Isa::amx:
      return cpu_has(Isa::avx512vnni) && has_all(cpu.leaf7_edx, kTile | kTileInt8) && cpu.saves_tiles &&
             linux_permits_tiles();
    case Isa::scalar:
    case Isa::neon:
      break;
  }
  return false;
}

}  // namespace intvit::kernels
