// Which variant of each family an instruction set gets. No kernel is called, so every table can be looked at anywhere.
#include "kernels/dispatch/kernel_table.h"

#include <doctest/doctest.h>

namespace intvit::test {
namespace {

TEST_CASE("kernel_table: the highest variants that the instruction set includes") {
  for (int i = 0; i < kIsaCount; ++i) {
    const Isa isa = static_cast<Isa>(i);
    if (!isa_is_built(isa)) continue;
    const kernels::KernelTable& table = kernels::kernel_table(isa);
    CHECK(table.isa == isa);
    CHECK(table.linear_isa == isa);
    CHECK(table.attention_isa == isa);
    // AVX-VNNI and AMX only multiply matrices in a way of their own.
    Isa rest = isa;
    while (rest == Isa::avxvnni || rest == Isa::amx || !isa_is_built(rest)) {
      rest = static_cast<Isa>(static_cast<int>(rest) - 1);
    }
    CHECK(table.layer_norm_isa == rest);
    CHECK(table.softmax_isa == rest);
    CHECK(table.encode_isa == rest);
    CHECK(table.multiply_isa == rest);
    CHECK(table.rotate_isa == rest);
    CHECK(table.resize_isa == rest);
    CHECK(table.mean_rows_isa == Isa::scalar);
  }
}

#if defined(__x86_64__)
// The compiler's own look at the CPU, which knows nothing of AVX-VNNI and AMX everywhere.
TEST_CASE("cpu_supports: what the compiler finds, too") {
  const bool avx2 = __builtin_cpu_supports("avx2");
  const bool avx512vnni = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512vnni");
  CHECK(cpu_supports(Isa::avx2) == avx2);
  CHECK(cpu_supports(Isa::avx512vnni) == avx512vnni);
}
#endif

// A name without kernels of its own still is a whole table, and no other family's CPU takes anything from it.
TEST_CASE("kernel_table: neon has the scalar kernels") {
  const kernels::KernelTable& table = kernels::kernel_table(Isa::neon);
  CHECK(table.isa == Isa::neon);
#define VIT_FAMILY(family, Type)            \
  REQUIRE(table.family != nullptr);         \
  CHECK(table.family##_isa == Isa::scalar); \
  CHECK(table.family == kernels::kernel_table(Isa::scalar).family);
#include "kernels/dispatch/families.inc"
#undef VIT_FAMILY
  CHECK_FALSE(isa_is_built(Isa::neon));
}

}  // namespace
}  // namespace intvit::test
