// linear: every instruction set against the scalar law. The law itself is tested in linear_law_test.cc.
#include <doctest/doctest.h>

#include <vector>

#include "tests/kernels/linear_case.h"
#include "tests/kernels/test_data.h"
#include "tests/kernels/tested_kernels.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

void compare_all_epilogues(const std::vector<TestedKernels>& tested, const LinearShape& shape,
                           const LinearPatterns& patterns, std::uint64_t seed) {
  // One plane, and two: usual files have up to 12 bits, hostile ones anything up to 16.
  constexpr std::array<int, 6> kMaxValues = {4095, 65535, 32767, 65535, 1023, 256};
  if (!is_tried(seed)) return;
  for (const int max_value : {255, kMaxValues[seed % kMaxValues.size()]}) {
    LinearCase linear(shape, patterns, seed, max_value);
    for (const Epilogue epilogue : kEpilogues) linear.compare(tested, epilogue, seed);
  }
}

TEST_CASE("linear: every number of rows") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 1;
  for (const int bits : {8, 4, 3, 2}) {
    for (int rows = 1; rows <= 26; ++rows) compare_all_epilogues(tested, {rows, 49, 128, bits}, {}, seed++);
    // Everything that can be left where tiles have 4, 6 or 12 rows, or those and 14.
    for (const int rows : {43, 47, 48, 49, 53, 56, 57, 70, 97, 98, 101}) {
      compare_all_epilogues(tested, {rows, 33, 64, bits}, {}, seed++);
    }
  }
}

TEST_CASE("linear: every number of columns") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 100;
  for (const int bits : {8, 4, 3, 2}) {
    for (int n = 1; n <= 70; ++n) compare_all_epilogues(tested, {1 + n % 14, n, 64 + n % 3 * 64, bits}, {}, seed++);
    compare_all_epilogues(tested, {13, 1000, 192, bits}, {}, seed++);
  }
}

TEST_CASE("linear: sums and biases that just fit 32 bits, and just do not") {
  const std::vector<TestedKernels> tested = vector_kernels();
  constexpr int kDepth = 64;
  for (const int bits : {8, 4, 3, 2}) {
    // Those of few bits count sixteen times.
    const int highest = bits == 8 ? 127 : ((1 << bits) - 1) * 16, lowest = bits == 8 ? -128 : -highest;
    for (const int max_value : {255, 65535}) {
      for (const std::int32_t beyond : {0, 1, 2}) {
        for (const int shift : bits == 4 ? std::vector{3, 4, 5, 31} : std::vector{4, 31}) {
          // Codes and weights at their largest, then weights at their least.
          LinearCase high({26, 40, kDepth, bits}, {Pattern::all_max, Pattern::all_max, Pattern::all_min}, 1, max_value);
          high.requantize_by(INT32_MAX - kDepth * max_value * highest + beyond, shift);
          LinearCase low({26, 40, kDepth, bits}, {Pattern::all_max, Pattern::all_min, Pattern::all_max}, 1, max_value);
          low.requantize_by(-kDepth * max_value * lowest - INT32_MAX - beyond, shift);
          for (const Epilogue epilogue : {Epilogue::codes, Epilogue::values, Epilogue::residual}) {
            high.compare(tested, epilogue, 1);
            low.compare(tested, epilogue, 1);
          }
        }
      }
    }
  }
}

TEST_CASE("linear: depths") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 300;
  for (const int bits : {8, 4, 3, 2}) {
    for (const int k : {64, 128, 192, 256, 320, 768, 3072})
      compare_all_epilogues(tested, {14, 20, k, bits}, {}, seed++);
    // The deepest that the reader accepts: sums come within 0.5 % of 2^31.
    compare_all_epilogues(tested, {2, 16, max_depth(bits), bits},
                          {Pattern::all_max, Pattern::all_min, Pattern::all_max}, seed++);
    compare_all_epilogues(tested, {2, 16, max_depth(bits), bits},
                          {Pattern::all_max, Pattern::all_max, Pattern::all_min}, seed++);
  }
}

// multiply() of all but AMX promises this to attention.
TEST_CASE("linear: 8-bit depths that are multiples of four") {
  const std::vector<TestedKernels> tested = kernels_of_any_depth();
  std::uint64_t seed = 350;
  for (int k = 4; k <= 132; k += 4) compare_all_epilogues(tested, {1 + k % 7, 35, k, 8}, {}, seed++);
}

TEST_CASE("linear: depths of which a part has weights") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 350;
  for (const int bits : {8, 4, 3, 2}) {
    for (const int used : {4, 12, 96, 100, 124, 128}) {
      for (const int rows : {1, 2, 13, 49}) {
        for (const int max_value : {255, 4095, 31}) {
          for (const Pattern codes : {Pattern::random, Pattern::crowded}) {
            if (!is_tried(++seed)) continue;
            LinearCase linear({rows, codes == Pattern::crowded ? 97 : 49, 128, bits}, {codes}, seed, max_value);
            linear.use_depth(used);
            for (const Epilogue epilogue : kEpilogues) linear.compare(tested, epilogue, seed);
          }
        }
      }
    }
  }
}

// AVX2 splits such codes, in tiles of four rows and blocks of a hundred (kernels/gemm/avx2/split_codes_avx2.h).
TEST_CASE("linear: codes that crowd around their mean") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 500;
  int rows = 1;
  for (const Pattern weights : kPatterns) {
    for (int i = 0; i < 3; ++i, ++rows) {
      compare_all_epilogues(tested, {rows, 127 + rows, 64 * (2 + rows % 3), 8}, {Pattern::crowded, weights}, seed++);
    }
  }
  for (const int many : {100, 101, 201}) {
    compare_all_epilogues(tested, {many, 130, 128, 8}, {Pattern::crowded}, seed++);
  }
  compare_all_epilogues(tested, {6, 128, 4096, 8}, {Pattern::crowded}, seed++);
  for (const int k : {132, 144, 156, 160, 188}) {
    compare_all_epilogues(kernels_of_any_depth(), {5, 144, k, 8}, {Pattern::crowded}, seed++);
  }
}

// AVX2 adds as many products in 16 bits as fit, in the worst case exactly (kernels/gemm/avx2/multiply_narrow_avx2.h).
TEST_CASE("linear: narrow codes and small weights") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 600;
  for (int max_code = 1; max_code <= 255; max_code = 2 * max_code + 1) {
    for (int max_weight = 1; max_weight <= 128; max_weight *= 2) {
      for (const Pattern weights : {Pattern::random, Pattern::all_min, Pattern::all_max}) {
        for (const int rows : {5, 38}) {
          LinearCase linear({rows, 20, 128, 8}, {weights == Pattern::random ? weights : Pattern::all_max, weights},
                            seed, max_code, max_weight);
          for (const Epilogue epilogue : {Epilogue::accumulators, Epilogue::codes, Epilogue::residual}) {
            linear.compare(tested, epilogue, seed++);
          }
        }
      }
    }
  }
}

TEST_CASE("linear: narrow codes and small weights but for one column") {
  const std::vector<TestedKernels> tested = vector_kernels();
  for (const int weight : {-128, 127}) {
    for (int column = 0; column < 40; ++column) {
      LinearCase linear({34, 40, 128, 8}, {Pattern::all_max, Pattern::random}, 1, 63, 4);
      linear.set_column(column, weight);
      linear.compare(tested, Epilogue::accumulators, 1);
    }
  }
}

TEST_CASE("linear: weights of few bits at their largest, for every zero point") {
  const std::vector<TestedKernels> tested = vector_kernels();
  for (const int bits : {4, 3, 2}) {
    for (int zero_point = 0; zero_point < 1 << bits; ++zero_point) {
      for (const Pattern weights : {Pattern::all_min, Pattern::all_max}) {
        LinearCase linear({9, 20, 192, bits}, {Pattern::all_max, weights}, 1);
        linear.set_zero_points(zero_point);
        linear.compare(tested, Epilogue::accumulators, 1);
      }
    }
  }
}

// AVX2 takes another loop for blocks of rows with such values, and has to find each of them.
TEST_CASE("linear: a single value above 32767") {
  const std::vector<TestedKernels> tested = kernels_of_any_depth();
  const int rows = 50, n = 16, k = 68;
  Random random(8);
  std::vector<std::uint8_t> tiles(static_cast<std::size_t>(n) * k);
  fill(tiles.data(), tiles.size(), Pattern::random, random);
  GuardedBuffer<std::uint8_t> scratch(linear_scratch_bytes(k));
  for (int at = 0; at < rows * k; at += 3) {
    std::vector<std::uint8_t> src(static_cast<std::size_t>(2 * rows * k));
    src[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(random.integer(0, 255));
    src[static_cast<std::size_t>(rows * k + at)] = static_cast<std::uint8_t>(random.integer(128, 255));
    const int value = src[static_cast<std::size_t>(at)] + 256 * src[static_cast<std::size_t>(rows * k + at)];
    std::vector<std::int32_t> expected(static_cast<std::size_t>(rows) * n);
    for (int c = 0; c < n; ++c) {
      expected[static_cast<std::size_t>(at / k * n + c)] =
          value * static_cast<std::int8_t>(tiles[tile_offset(c, at % k, k)]);
    }
    LinearArgs args{};
    args.src = src.data();
    args.src_stride = k;
    args.plane_stride = rows * k;
    args.rows = rows;
    args.weights = {tiles.data(), nullptr, 8, n, k};
    args.epilogue = Epilogue::accumulators;
    args.dst_stride = n;
    args.scratch = scratch.data();
    std::vector<std::int32_t> dst(expected.size());
    args.dst = dst.data();
    kernel_table(Isa::scalar).linear->run(args);
    REQUIRE(dst == expected);
    for (const TestedKernels& kernels : tested) {
      std::fill(dst.begin(), dst.end(), -1);
      kernels.linear->run(args);
      const std::string message = kernels.name + ": value number " + std::to_string(at);
      REQUIRE_MESSAGE(dst == expected, message);
    }
  }
}

// vpmaddubsw would saturate here: 255 * 127 + 255 * 127 > 32767.
TEST_CASE("linear: extreme codes, weights and zero points") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 400;
  for (const int bits : {8, 4, 3, 2}) {
    for (const Pattern codes : kPatterns) {
      for (const Pattern weights : kPatterns) {
        for (const Pattern zero_points : kPatterns) {
          if (bits == 8 && zero_points != Pattern::random) continue;
          compare_all_epilogues(tested, {15, 50, 192, bits}, {codes, weights, zero_points}, seed++);
        }
      }
    }
  }
}

}  // namespace
}  // namespace intvit::test
