// mean_rows: every instruction set's variant against the rounded mean in exact arithmetic (the scalar version is the
// only one today; the test follows the table, so a new variant is compared as soon as it is registered).
#include "kernels/mean_rows/mean_rows.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

void check(Isa isa, int rows, int columns, Pattern pattern, std::uint64_t seed) {
  Random random(seed);
  const auto c = static_cast<std::size_t>(columns);
  const std::size_t stride = c + seed % 5;
  FencedBuffer<std::int16_t> src(static_cast<std::size_t>(rows - 1) * stride + c);
  fill(src.data(), static_cast<std::size_t>(rows - 1) * stride + c, pattern, random);
  GuardedBuffer<std::int16_t> dst(c, seed % 9);
  kernels::kernel_table(isa).mean_rows->run(
      {src.data(), static_cast<std::ptrdiff_t>(stride), rows, columns, dst.data()});
  CHECK(dst.guards_intact());
  for (std::size_t i = 0; i < c; ++i) {
    std::int64_t sum = 0;
    for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) sum += src[r * stride + i];
    // Exact in double: both numbers are below 2^32, and a tie has a representable quotient.
    const double mean = std::floor(static_cast<double>(sum) / rows + 0.5);
    const std::string message = describe(isa) + ": " + std::to_string(rows) + " rows, column " + std::to_string(i);
    CHECK_MESSAGE(dst[i] == mean, message);
  }
}

TEST_CASE("mean_rows") {
  std::vector<Isa> isas = vector_isas();
  isas.insert(isas.begin(), Isa::scalar);
  std::uint64_t seed = 1;
  for (const Isa isa : isas) {
    for (const Pattern pattern : kPatterns) {
      for (int rows = 1; rows <= 26; ++rows) check(isa, rows, 1 + rows % 19, pattern, seed++);
      for (int columns = 1; columns <= 70; ++columns) check(isa, 7, columns, pattern, seed++);
      check(isa, 196, 192, pattern, seed++);
      check(isa, 65536, 3, pattern, seed++);
    }
  }
}

}  // namespace
}  // namespace intvit::test
