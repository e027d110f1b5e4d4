#include "intvit/isa.h"

#include <array>

#include "kernels/cpu/cpu.h"

namespace intvit {
namespace {

constexpr std::array<std::string_view, kIsaCount> kNames = {"scalar", "neon", "avx2", "avxvnni", "avx512vnni", "amx"};

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

}  // namespace

std::string_view isa_name(Isa isa) {
  const auto index = static_cast<std::size_t>(isa);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::optional<Isa> isa_from_name(std::string_view name) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (kNames[static_cast<std::size_t>(i)] == name) return static_cast<Isa>(i);
  }
  return std::nullopt;
}

bool cpu_supports(Isa isa) { return isa == Isa::scalar || kernels::cpu_has(isa); }

bool isa_is_built(Isa isa) {
#define VIT_VARIANT(family, built) \
  if (isa == Isa::built) return true;
#include "kernels/dispatch/variants.inc"
#undef VIT_VARIANT
  return false;
}

View<const Isa> available_isas() {
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
