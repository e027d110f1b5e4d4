#include "kernels/dispatch/kernel_table.h"

#include <array>

namespace intvit::kernels {

// The type of a family's kernels, by the family's name.
#define VIT_FAMILY(family, Type) using family##_kernels_type = Type;
#include "kernels/dispatch/families.inc"
#undef VIT_FAMILY

#define VIT_VARIANT(family, isa) extern const family##_kernels_type family##_kernels_##isa;
#include "kernels/dispatch/variants.inc"
#undef VIT_VARIANT

namespace {

// Every set has the instructions of the lower ones, except that NEON is another family's and that CPUs with AVX-512
// need not have AVX-VNNI.
constexpr bool includes(Isa isa, Isa lower) {
  return isa == lower || (lower < isa && lower != Isa::neon && lower != Isa::avxvnni);
}

constexpr KernelTable make_table(Isa isa) {
  KernelTable table{};
  table.isa = isa;
// Lines stand in rising order of instruction sets, so the last one that fits wins.
#define VIT_VARIANT(family, variant_isa)            \
  if (includes(isa, Isa::variant_isa)) {            \
    table.family = &family##_kernels_##variant_isa; \
    table.family##_isa = Isa::variant_isa;          \
  }
#include "kernels/dispatch/variants.inc"
#undef VIT_VARIANT
  return table;
}

constexpr std::array<KernelTable, kIsaCount> kTables = {make_table(Isa::scalar),     make_table(Isa::neon),
                                                        make_table(Isa::avx2),       make_table(Isa::avxvnni),
                                                        make_table(Isa::avx512vnni), make_table(Isa::amx)};

}  // namespace

const KernelTable& kernel_table(Isa isa) { return kTables[static_cast<std::size_t>(isa)]; }

}  // namespace intvit::kernels
