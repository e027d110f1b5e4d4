// Values aside: the lists that encoding makes, and the multiplication that reads them.
#include "kernels/aside/aside.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/arithmetic/arithmetic.h"
#include "kernels/encode/encode.h"
#include "tests/kernels/linear_case.h"
#include "tests/kernels/test_data.h"
#include "tests/kernels/tested_kernels.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

constexpr std::array<Epilogue, 5> kAsideEpilogues = {Epilogue::codes, Epilogue::activation, Epilogue::values,
                                                     Epilogue::activation_values, Epilogue::residual};

struct Entry {
  int column, excess;
  bool operator==(const Entry&) const = default;
};

// The list of a row by its definition: all excesses, the largest kept.
std::vector<Entry> list_by_sorting(const std::int16_t* row, const AsideArgs& args, int* count) {
  std::vector<Entry> entries;
  for (int c = 0; c < args.columns; ++c) {
    if (row[c] <= args.outlier && row[c] >= -args.outlier) continue;
    const double steps = std::floor(std::ldexp(row[c], -args.fine_bits) + 0.5) + args.grid_zero;
    const double value = std::clamp(steps, -32768.0, 32767.0);
    const auto excess = static_cast<int>(value - std::clamp(value, 0.0, static_cast<double>(args.grid_max)));
    if (excess != 0) entries.push_back({c, excess});
  }
  *count = static_cast<int>(entries.size());
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return std::abs(a.excess) > std::abs(b.excess); });
  entries.resize(std::min(entries.size(), static_cast<std::size_t>(args.most)));
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.column < b.column; });
  return entries;
}

void check_lists(Isa isa, AsideArgs args, std::uint64_t seed) {
  const std::size_t words = static_cast<std::size_t>(aside_words(args.most)), stride = words + seed % 3;
  const auto rows = static_cast<std::size_t>(args.rows);
  GuardedBuffer<std::int16_t> lists(rows == 0 ? 0 : (rows - 1) * stride + words, seed % 7);
  args.lists = lists.data();
  args.lists_stride = static_cast<std::ptrdiff_t>(stride);
  kernel_table(isa).encode->set_aside(args);
  REQUIRE(lists.guards_intact());
  bool right = true;
  for (std::size_t r = 0; r < rows; ++r) {
    int count = 0;
    const auto expected = list_by_sorting(args.src + static_cast<std::ptrdiff_t>(r) * args.src_stride, args, &count);
    const std::int16_t* list = lists.data() + r * stride;
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      entries.push_back({static_cast<std::uint16_t>(list[1 + i]), list[1 + static_cast<std::size_t>(args.most) + i]});
    }
    right = right && static_cast<std::uint16_t>(list[0]) == std::min(count, 65535) && entries == expected;
  }
  CHECK_MESSAGE(right, describe(isa) << ": " << args.rows << " x " << args.columns << ", most " << args.most
                                     << ", outlier " << args.outlier << ", zero " << args.grid_zero << ", max "
                                     << args.grid_max << ", fine bits " << args.fine_bits << ", seed " << seed);
}

struct AsideCase {
  FencedBuffer<std::int16_t> src;
  AsideArgs args{};

  AsideCase(int rows, int columns, int most, std::uint64_t seed)
      : src(static_cast<std::size_t>(rows) * (static_cast<std::size_t>(columns) + seed % 3)) {
    args.src = src.data();
    args.src_stride = columns + static_cast<std::ptrdiff_t>(seed % 3);
    args.rows = rows;
    args.columns = columns;
    args.most = most;
  }
  std::size_t count() const { return static_cast<std::size_t>(args.rows) * static_cast<std::size_t>(args.src_stride); }
};

TEST_CASE("aside: lists hold the largest excesses, in the order of their columns") {
  Random random(1);
  std::uint64_t seed = 1;
  for (const Isa isa : all_isas()) {
    for (int columns = 1; columns <= 150; columns += columns < 70 ? 1 : 13) {
      for (const int most : {1, 3, 16, 255}) {
        AsideCase one(3, columns, most, seed);
        AsideArgs& args = one.args;
        args.fine_bits = static_cast<int>(random.integer(1, 12));
        args.outlier = static_cast<std::int16_t>(random.chance(40) ? 0 : random.integer(0, 32767));
        args.grid_max = static_cast<std::int16_t>(random.chance(80) ? (2 << random.integer(0, 7)) - 1 : 32767);
        args.grid_zero = static_cast<std::int16_t>(random.integer(0, args.grid_max));
        const int bits = static_cast<int>(random.integer(args.fine_bits, 15));
        fill(one.src.data(), one.count(), Pattern::random, random, -(1 << bits), (1 << bits) - 1);
        check_lists(isa, args, seed++);
      }
    }
  }
}

TEST_CASE("aside: extremes, nothing beyond, everything beyond, equal excesses") {
  std::uint64_t seed = 1000;
  for (const Isa isa : all_isas()) {
    for (const Pattern pattern : kPatterns) {
      for (const std::int16_t outlier : {0, 1, 32766, 32767}) {
        for (const int fine_bits : {1, 12}) {
          for (const std::int16_t grid_max : {1, 15, 255, 32767}) {
            for (const std::int16_t grid_zero : {0, 1, int{grid_max}}) {
              Random random(seed);
              AsideCase one(2, 99, 7, seed);
              one.args.fine_bits = fine_bits;
              one.args.outlier = outlier;
              one.args.grid_max = grid_max;
              one.args.grid_zero = grid_zero;
              fill(one.src.data(), one.count(), pattern, random);
              check_lists(isa, one.args, seed++);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("aside: a row may have more values beyond than a list can count entries") {
  for (const Isa isa : all_isas()) {
    Random random(3);
    AsideCase one(1, kMaxAsideColumns, 255, 0);
    one.args.fine_bits = 1;
    one.args.grid_max = 15;
    fill(one.src.data(), one.count(), Pattern::random, random, 100, 32767);
    check_lists(isa, one.args, 0);  // 65536 of them count as 65535
  }
}

// What is aside and what is not are the value: no other number of the grid's steps is.
TEST_CASE("aside: codes and excesses together are the value without an end of the grid") {
  Random random(4);
  std::vector<std::int16_t> src(3 * 77), lists(3 * static_cast<std::size_t>(aside_words(77)));
  std::vector<std::uint8_t> codes(src.size());
  fill(src.data(), src.size(), Pattern::random, random);
  for (const EncodeKind kind : {EncodeKind::uniform, EncodeKind::dynamic_rows}) {
    for (const Isa isa : all_isas()) {
      EncodeArgs encode{};
      encode.src = src.data();
      encode.src_stride = encode.dst_stride = encode.columns = 77;
      encode.dst = codes.data();
      encode.rows = 3;
      encode.kind = kind;
      encode.max_code = 15;
      encode.fine_bits = 5;
      encode.outlier = static_cast<std::int16_t>(kind == EncodeKind::uniform ? 0 : 200);
      encode.grid_zero = 7;
      encode.grid_max = 15;
      kernel_table(isa).encode->run(encode);
      AsideArgs aside{src.data(), 77, 3, 77, 5, encode.outlier, 7, 15, lists.data(), aside_words(77), 77};
      kernel_table(isa).encode->set_aside(aside);
      for (int r = 0; r < 3; ++r) {
        const std::int16_t* list = lists.data() + r * aside_words(77);
        for (int c = 0, i = 0; c < 77; ++c) {
          const std::size_t at = static_cast<std::size_t>(r * 77 + c);
          int value = codes[at];
          if (i < list[0] && list[1 + i] == c) value += list[1 + 77 + i++];
          if (std::abs(int{src[at]}) > encode.outlier) CHECK(value == 7 + ((src[at] + 16) >> 5));
        }
      }
    }
  }
}

// In 64 bits, of one result.
std::int64_t exact_sum_with_list(const LinearArgs& args, int row, int column) {
  const auto weight = [&](int k) {
    const LinearWeights& w = args.weights;
    if (w.bits == 8) return int{static_cast<std::int8_t>(w.tiles[tile_offset(column, k, w.k)])};
    return 16 * (stored_number(w.tiles, w.bits, column, k, w.k) - w.zero_points[column]);
  };
  std::vector<std::int64_t> values(args.src + row * args.src_stride, args.src + row * args.src_stride + args.weights.k);
  const std::int16_t* list = args.aside.lists + row * args.aside.stride;
  for (int i = 0; i < std::min<int>(static_cast<std::uint16_t>(list[0]), args.aside.most); ++i) {
    const std::uint16_t k = static_cast<std::uint16_t>(list[1 + i]);
    if (k < args.aside.columns) values[k] += list[1 + args.aside.most + i];
  }
  std::int64_t sum = 0;
  for (int k = 0; k < args.weights.k; ++k) sum += values[static_cast<std::size_t>(k)] * weight(k);
  return sum;
}

TEST_CASE("aside: a linear on clamped codes and lists is that on the values") {
  Random random(5);
  for (const TestedKernels& kernels : all_kernels()) {
    for (const int bits : {8, 4, 3, 2}) {
      for (const int rows : {1, 7, 41}) {
        constexpr int kColumns = 37, kDepth = 128, kMost = 9;
        LinearCase linear({rows, kColumns, kDepth, bits}, {}, static_cast<std::uint64_t>(rows));
        linear.requantize_by(4096, 13);  // sums of up to 2^23 and 2^24 * 9
        linear.put_aside(kMost, static_cast<std::uint64_t>(rows) + 5, [&](int) { return random.integer(0, 11); });
        std::vector<std::int16_t> dst(static_cast<std::size_t>(rows) * 48);
        LinearArgs args{};
        linear.run(*kernels.linear, Epilogue::values, false, dst.data(), 48, false, &args);
        bool right = true;
        for (int r = 0; r < rows; ++r) {
          for (int c = 0; c < kColumns; ++c) {
            const auto sum = static_cast<std::int32_t>(exact_sum_with_list(args, r, c));
            right = right && dst[static_cast<std::size_t>(r * 48 + c)] ==
                                 requantize(sum, 4096, 13, args.requantizer.multiplier[c]);
          }
        }
        CHECK_MESSAGE(right, kernels.name << ", bits " << bits << ", rows " << rows);
      }
    }
  }
}

void compare_with_lists(const std::vector<TestedKernels>& tested, const LinearShape& shape, int most,
                        const LinearPatterns& patterns, std::uint64_t seed, int used = 0, int max_value = 255) {
  if (!is_tried(seed)) return;
  Random random(seed);
  LinearCase linear(shape, patterns, seed, max_value);
  if (used != 0) linear.use_depth(used);
  linear.put_aside(most, seed, [&](int) {
    return random.chance(30) ? 0 : random.chance(5) ? random.integer(most, 65535) : random.integer(0, most);
  });
  for (const Epilogue epilogue : kAsideEpilogues) linear.compare(tested, epilogue, seed);
}

TEST_CASE("aside: every instruction set multiplies lists as the law does") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 1;
  for (const int bits : {8, 4, 3, 2}) {
    for (int rows = 1; rows <= 26; ++rows) compare_with_lists(tested, {rows, 49, 128, bits}, 5, {}, seed++);
    for (int n = 1; n <= 70; n += 3) compare_with_lists(tested, {1 + n % 14, n, 64, bits}, 3, {}, seed++);
    for (const int rows : {47, 53, 70, 98, 101}) compare_with_lists(tested, {rows, 100, 128, bits}, 8, {}, seed++);
    compare_with_lists(tested, {14, 20, 3072, bits}, 255, {}, seed++);
    // More rows than one block takes.
    compare_with_lists(without_emulated(tested), {kAsideRows + 3, 33, 64, bits}, 2, {}, seed++);
    compare_with_lists(without_emulated(tested), {2 * kAsideRows + 1, 17, 192, bits}, 1, {}, seed++);
    for (const int used : {4, 12, 60, 100, 192}) {
      compare_with_lists(tested, {13, 33, 192, bits}, 4, {}, seed++, used);
      compare_with_lists(tested, {29, 96, 192, bits}, 4, {}, seed++, used);
    }
    for (const Pattern codes : kPatterns) {
      for (const Pattern weights : kPatterns) {
        compare_with_lists(tested, {13, 40, 128, bits}, 6, {codes, weights, weights}, seed++);
        compare_with_lists(tested, {48, 96, 128, bits}, 6, {codes, weights, codes}, seed++);
      }
    }
    // Codes of few bits, which AVX2 multiplies in another way.
    for (const int max_value : {1, 15, 63})
      compare_with_lists(tested, {41, 50, 192, bits}, 6, {}, seed++, 0, max_value);
  }
}

TEST_CASE("aside: empty lists change nothing, and long ones may belong to one row") {
  const std::vector<TestedKernels> tested = vector_kernels();
  for (const int bits : {8, 4, 3, 2}) {
    for (const int length : {0, 40}) {
      for (const int owner : {0, 6, 12}) {
        LinearCase linear({13, 33, 64, bits}, {}, 7);
        linear.put_aside(40, 7, [&](int row) { return row == owner ? length : 0; });
        for (const Epilogue epilogue : kAsideEpilogues) linear.compare(tested, epilogue, 7);
      }
    }
  }
}

// As large as the reader allows: every excess at its end, every weight at its own.
TEST_CASE("aside: the largest sums of 255 entries fit, and beyond them they are modulo 2^32") {
  const std::vector<TestedKernels> tested = vector_kernels();
  for (const int bits : {8, 4, 3, 2}) {
    for (const Pattern weights : {Pattern::all_min, Pattern::all_max}) {
      for (const std::int16_t excess : {32767, -32768}) {
        LinearCase linear({5, 33, 64, bits}, {Pattern::all_max, weights, weights}, 11);
        linear.put_aside(255, 11, [](int) { return 255; });
        linear.set_excesses(excess);
        for (const Epilogue epilogue : kAsideEpilogues) linear.compare(tested, epilogue, 11);
      }
    }
  }
}

}  // namespace
}  // namespace intvit::test
