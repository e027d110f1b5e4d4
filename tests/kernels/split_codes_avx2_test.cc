// What the kernels for AVX2 make of codes before they multiply them. That products are right is in linear_test.cc.
#include <doctest/doctest.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "kernels/arithmetic/arithmetic.h"
#include "kernels/gemm/linear.h"
#include "tests/kernels/test_data.h"

// Everything from here on is internal to this file, so no other code can end up with these instructions.
#include <immintrin.h>
#pragma GCC push_options
#pragma GCC target("avx2")
#include "kernels/gemm/avx2/split_codes_avx2.h"
#pragma GCC pop_options

namespace intvit::test {
namespace {

using namespace intvit::kernels;

struct Source {
  int rows, k;
  std::vector<std::uint8_t> codes;

  Source(int row_count, int depth, std::uint8_t filling)
      : rows(row_count), k(depth), codes(static_cast<std::size_t>(row_count * depth), filling) {}
  std::uint8_t& at(int row, int i) { return codes[static_cast<std::size_t>(row * k + i)]; }
};

// Whether it can be split; checks that the parts are the codes and cannot saturate vpmaddubsw.
bool splits(Source& source, std::size_t& extras) {
  GuardedBuffer<std::uint8_t> scratch(SplitCodes::scratch_bytes(source.k));
  SplitCodes split(source.k, scratch.data());
  const bool done = split.split(source.codes.data(), source.k, source.rows);
  CHECK(scratch.guards_intact());
  if (!done) return false;
  std::vector<int> sums(source.codes.size());
  for (int row = 0; row < source.rows; ++row) {
    for (int i = 0; i < source.k; ++i) {
      sums[static_cast<std::size_t>(row * source.k + i)] = split.offset(row) + split.main(row)[i];
      if (i % 2 == 1) REQUIRE(split.main(row)[i - 1] + split.main(row)[i] <= 256);
    }
  }
  const auto add = [&](std::span<const ExtraCodes> parts, int sign) {
    for (const ExtraCodes& extra : parts) {
      std::uint8_t codes[4];
      std::memcpy(codes, &extra.codes, sizeof codes);
      REQUIRE(codes[0] + codes[1] <= 256);
      REQUIRE(codes[2] + codes[3] <= 256);
      for (int i = 0; i < 4; ++i)
        sums[static_cast<std::size_t>(extra.row * source.k + extra.group * 4 + i)] += sign * codes[i];
    }
  };
  add(split.added(), 1);
  add(split.subtracted(), -1);
  extras = split.added().size() + split.subtracted().size();
  REQUIRE(std::equal(sums.begin(), sums.end(), source.codes.begin(), source.codes.end()));
  return true;
}

TEST_CASE("split codes: the parts add up, whatever the codes" * doctest::skip(!cpu_supports(Isa::avx2))) {
  Random random(1);
  std::size_t extras = 0;
  int done = 0;
  for (int i = 0; i < 400; ++i) {
    Source source(static_cast<int>(random.integer(1, SplitCodes::kMaxRows)),
                  4 * static_cast<int>(random.integer(1, 70)), 0);
    fill(source.codes.data(), source.codes.size(), kPatterns[static_cast<std::size_t>(i) % kPatterns.size()], random);
    done += splits(source, extras);
  }
  CHECK(done > 100);
  CHECK(done < 300);
}

TEST_CASE("split codes: what crowds has no extras, and strays have one each" *
          doctest::skip(!cpu_supports(Isa::avx2))) {
  std::size_t extras = 1;
  for (int mean = 0; mean <= 255; ++mean) {
    Source source(7, 192, static_cast<std::uint8_t>(mean));
    REQUIRE(splits(source, extras));
    CHECK(extras == 0);
  }
  for (int value = 0; value <= 255; ++value) {
    for (const int k : {128, 132}) {
      Source source(5, k, 120);
      source.at(4, k - 1) = static_cast<std::uint8_t>(value);
      REQUIRE(splits(source, extras));
      const int offset = (120 * (k - 1) + value) / k - 80;  // row 4 is a tile of its own
      CHECK(extras == (value < offset || (value - offset) + (120 - offset) > 256 ? 1 : 0));
    }
  }
}

TEST_CASE("split codes: too many strays are not worth it" * doctest::skip(!cpu_supports(Isa::avx2))) {
  std::size_t extras = 0;
  Source source(8, 256, 120);
  for (int group = 0; group < 64; ++group) {
    source.at(group % 8, 4 * group + 1) = 0;  // an eighth of 8 * 64 groups
    REQUIRE(splits(source, extras));
    CHECK(extras == static_cast<std::size_t>(group) + 1);
  }
  source.at(0, 4) = 255;
  CHECK(!splits(source, extras));
}

}  // namespace
}  // namespace intvit::test
