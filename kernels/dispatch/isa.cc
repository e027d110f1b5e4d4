#include "intvit/isa.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>

namespace intvit {
namespace {

constexpr std::array<std::string_view, kIsaCount> kNames = {"scalar", "avx2", "avxvnni", "avx512vnni", "amx"};

// The highest that is used without being named. All have run on hardware and agreed with the law; to have AMX used only
// where it is named, make this avx512vnni.
constexpr Isa kHighestAutomatic = Isa::amx;

struct AvailableIsas {
  std::array<Isa, kIsaCount> list{};
  std::size_t count = 0;

  AvailableIsas() {
    for (int i = 0; i < kIsaCount; ++i) {
      const Isa isa = static_cast<Isa>(i);
      if (isa_is_built(isa) && cpu_supports(isa)) list[count++] = isa;
    }
  }
};

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

std::string_view isa_name(Isa isa) { return kNames[static_cast<std::size_t>(isa)]; }

std::optional<Isa> isa_from_name(std::string_view name) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (kNames[static_cast<std::size_t>(i)] == name) return static_cast<Isa>(i);
  }
  return std::nullopt;
}

// gcc's __builtin_cpu_supports checks XGETBV too, so that an operating system without AVX state is not fooled.
bool cpu_supports(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return true;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2");
    case Isa::avx512vnni:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512vnni");
    case Isa::avxvnni:
      return __builtin_cpu_supports("avx2") && cpu_has_avxvnni();
    case Isa::amx:
      return cpu_supports(Isa::avx512vnni) && cpu_has_amx() && system_saves_tiles() && linux_permits_tiles();
  }
  return false;
}

bool isa_is_built(Isa isa) {
#define VIT_VARIANT(family, built) \
  if (isa == Isa::built) return true;
#include "kernels/dispatch/variants.inc"
#undef VIT_VARIANT
  return false;
}

std::span<const Isa> available_isas() {
  static const AvailableIsas isas;
  return {isas.list.data(), isas.count};
}

Isa best_isa() {
  Isa best = Isa::scalar;
  for (const Isa isa : available_isas()) {
    if (isa <= kHighestAutomatic) best = isa;
  }
  return best;
}

}  // namespace intvit
