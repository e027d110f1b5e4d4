// encode: every instruction set against the scalar law, and the law against what encode.h says, naively.
#include "kernels/encode/encode_law.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

constexpr EncodeKind kAffineKinds[] = {EncodeKind::rows, EncodeKind::columns, EncodeKind::dynamic_rows,
                                       EncodeKind::uniform};

// Where the high bytes lie: nowhere, behind the low bytes of their row, or in a matrix of their own.
enum class Planes { one, in_row, apart };
constexpr Planes kPlanes[] = {Planes::one, Planes::in_row, Planes::apart};

// All that a call reads, each array ending where readable memory ends.
struct Inputs {
  std::size_t row_count, column_count, stride;
  FencedBuffer<std::int16_t> src, multiplier, power, zero, step, thresholds, values;
  EncodeArgs args{};

  Inputs(int rows, int columns, int levels, std::size_t gap)
      : row_count(static_cast<std::size_t>(rows)),
        column_count(static_cast<std::size_t>(columns)),
        stride(column_count + gap),
        src((row_count - 1) * stride + column_count),
        multiplier(code_count()),
        power(code_count()),
        zero(code_count()),
        step(code_count()),
        thresholds(static_cast<std::size_t>(levels - 1)),
        values(static_cast<std::size_t>(levels)) {
    args.src = src.data();
    args.src_stride = static_cast<std::ptrdiff_t>(stride);
    args.rows = rows;
    args.columns = columns;
    args.table = {thresholds.data(), values.data(), levels};
    args.codes = {multiplier.data(), power.data(), zero.data(), step.data()};
    args.max_code = 15;
    args.step_shift = 4;
    args.fine_bits = 5;
    args.outlier = 32767;
    args.grid_max = 255;
  }

  std::size_t code_count() const { return std::max(row_count, column_count); }
  std::size_t src_count() const { return (row_count - 1) * stride + column_count; }

  void fill_src(Pattern pattern, Random& random) { fill(src.data(), src_count(), pattern, random); }
  void fill_codes(Pattern pattern, Random& random) {
    fill(multiplier.data(), code_count(), pattern, random, 0, 32767);
    fill(power.data(), code_count(), pattern, random, 0, 32767);
    fill(zero.data(), code_count(), pattern, random, 0, args.max_code);
    fill(step.data(), code_count(), pattern, random, 0, 32767);
  }
  // Multipliers and powers that spread the codes over their range.
  void fill_usual_codes(Random& random) {
    fill_codes(Pattern::random, random);
    for (std::size_t i = 0; i < code_count(); ++i) {
      const std::int64_t width = random.integer(1, 65535);
      const AffineCode code =
          affine_code_for_range(static_cast<std::int32_t>(-random.integer(0, width) / 2),
                                static_cast<std::int32_t>(width / 2), args.max_code, args.step_shift, args.fine_bits);
      multiplier[i] = code.multiplier;
      power[i] = code.power;
      zero[i] = code.zero;
      step[i] = code.step;
    }
  }
  void fill_table(std::int64_t low, std::int64_t high, Random& random) {
    const auto levels = static_cast<std::size_t>(args.table.levels);
    fill(thresholds.data(), levels - 1, Pattern::random, random, low, high);
    std::sort(thresholds.data(), thresholds.data() + levels - 1);
    fill(values.data(), levels, Pattern::random, random, 0, 32767);
  }
};

// The call's own memory, and the values that it wrote.
struct EncodeResult {
  std::size_t dst_stride, plane_stride;
  GuardedBuffer<std::uint8_t> bytes, scratch;

  EncodeResult(const Inputs& inputs, Planes planes, std::size_t gap, std::size_t misalignment)
      : dst_stride((planes == Planes::in_row ? 2 * inputs.column_count + 3 : inputs.column_count) + gap),
        plane_stride(planes == Planes::one      ? 0
                     : planes == Planes::in_row ? inputs.column_count + 3
                                                : inputs.row_count * dst_stride),
        bytes(plane_stride + (inputs.row_count - 1) * dst_stride + inputs.column_count, misalignment),
        scratch(encode_scratch_bytes(inputs.args.columns)) {}

  void run(Isa isa, EncodeArgs args) {
    args.dst = bytes.data();
    args.dst_stride = static_cast<std::ptrdiff_t>(dst_stride);
    args.plane_stride = static_cast<std::ptrdiff_t>(plane_stride);
    args.scratch = scratch.data();
    kernel_table(isa).encode->run(args);
  }
  int value(std::size_t r, std::size_t c) {
    const std::size_t at = r * dst_stride + c;
    return bytes[at] + (plane_stride == 0 ? 0 : 256 * bytes[at + plane_stride]);
  }
};

void compare(const std::vector<Isa>& isas, const Inputs& inputs, Planes planes, std::uint64_t seed) {
  EncodeResult expected(inputs, planes, seed % 5, seed % 11);
  expected.run(Isa::scalar, inputs.args);
  REQUIRE(expected.bytes.guards_intact());
  for (const Isa isa : isas) {
    EncodeResult actual(inputs, planes, seed % 5, seed % 63);
    actual.run(isa, inputs.args);
    const std::ptrdiff_t at = first_difference(expected.bytes, actual.bytes);
    const std::string message =
        describe(isa) + ": kind " + std::to_string(static_cast<int>(inputs.args.kind)) + ", planes " +
        std::to_string(static_cast<int>(planes)) + ", " + std::to_string(inputs.args.rows) + " x " +
        std::to_string(inputs.args.columns) + ", levels " + std::to_string(inputs.args.table.levels) + ", max_code " +
        std::to_string(inputs.args.max_code) + ", step_shift " + std::to_string(inputs.args.step_shift) +
        ", fine_bits " + std::to_string(inputs.args.fine_bits) + ", outlier " + std::to_string(inputs.args.outlier) +
        ", seed " + std::to_string(seed) + ", byte " + std::to_string(at);
    CHECK_MESSAGE(at < 0, message);
    CHECK_MESSAGE(actual.bytes.guards_intact(), message);
    CHECK_MESSAGE(actual.scratch.guards_intact(), message);
  }
}

TEST_CASE("encode: every kind and number of columns") {
  const std::vector<Isa> isas = vector_isas();
  Random random(1);
  std::uint64_t seed = 1;
  const auto check = [&](int rows, int columns) {
    for (const Planes planes : kPlanes) {
      Inputs inputs(rows, columns, static_cast<int>(random.integer(2, 40)), seed % 7);
      inputs.args.grid_max = planes == Planes::one ? 255 : 4095;
      inputs.args.grid_zero = planes == Planes::one ? 100 : 1000;
      inputs.args.outlier = seed % 3 == 0 ? 9000 : 32767;
      inputs.fill_src(Pattern::random, random);
      inputs.fill_usual_codes(random);
      inputs.fill_table(-32768, 32767, random);
      for (const EncodeKind kind : {EncodeKind::table, EncodeKind::rows, EncodeKind::columns, EncodeKind::dynamic_rows,
                                    EncodeKind::uniform, EncodeKind::table_with_outliers}) {
        inputs.args.kind = kind;
        compare(isas, inputs, planes, seed++);
      }
    }
  };
  for (int columns = 1; columns <= 140; ++columns) check(3, columns);
  for (const int columns : {192, 193, 197, 384, 768, 1031}) check(5, columns);
  for (int rows = 1; rows <= 9; ++rows) check(rows, 64);
}

TEST_CASE("encode: nothing to do") {
  Random random(2);
  for (const EncodeKind kind : {EncodeKind::table, EncodeKind::rows, EncodeKind::columns, EncodeKind::dynamic_rows,
                                EncodeKind::uniform, EncodeKind::table_with_outliers}) {
    for (int i = 0; i < kIsaCount; ++i) {
      const Isa isa = static_cast<Isa>(i);
      if (!isa_is_built(isa) || !cpu_supports(isa)) continue;
      for (const bool rows : {false, true}) {
        Inputs inputs(2, 40, 33, 0);
        inputs.fill_table(0, 100, random);
        inputs.args.kind = kind;
        (rows ? inputs.args.rows : inputs.args.columns) = 0;
        EncodeResult result(inputs, Planes::apart, 0, 0);
        result.run(isa, inputs.args);
        const auto untouched = GuardedBuffer<std::uint8_t>::untouched();
        CHECK(std::all_of(result.bytes.data(), result.bytes.data() + result.bytes.size(),
                          [&](std::uint8_t byte) { return byte == untouched; }));
      }
    }
  }
}

TEST_CASE("encode: even codes of every parameter and extreme") {
  const std::vector<Isa> isas = vector_isas();
  Random random(3);
  std::uint64_t seed = 10000;
  for (const int max_code : {1, 3, 7, 15, 31, 63, 127, 128, 255}) {
    for (int step_shift = 0; step_shift <= 14 && max_code << step_shift <= 32767; ++step_shift) {
      for (const Pattern pattern : kPatterns) {
        for (const Pattern codes : kPatterns) {
          for (const EncodeKind kind : kAffineKinds) {
            Inputs inputs(2, 70, 2, 0);
            inputs.args.kind = kind;
            inputs.args.max_code = max_code;
            inputs.args.step_shift = step_shift;
            inputs.args.fine_bits = static_cast<int>(seed % 12) + 1;
            constexpr std::int16_t kOutliers[] = {32767, 0, 1, 1000, 32766};
            inputs.args.outlier = kOutliers[seed % 5];
            constexpr std::int16_t kZeros[] = {0, 128, -32768, 32767, 5, -9};
            inputs.args.grid_zero = kZeros[random.integer(0, 5)];
            constexpr std::int16_t kLargest[] = {1, 255, 32767, 15};
            inputs.args.grid_max = kLargest[random.integer(0, 3)];
            inputs.fill_src(pattern, random);
            inputs.fill_codes(codes, random);
            compare(isas, inputs, inputs.args.grid_max <= 255 ? kPlanes[seed % 3] : Planes::apart, seed);
            ++seed;
          }
        }
      }
    }
  }
}

// Rows of every width, so that all powers occur.
TEST_CASE("encode: dynamic rows of every magnitude") {
  const std::vector<Isa> isas = vector_isas();
  Random random(4);
  std::uint64_t seed = 30000;
  for (const int max_code : {3, 15, 255}) {
    for (int i = 0; i < 300; ++i) {
      Inputs inputs(3, static_cast<int>(random.integer(1, 100)), 2, 1);
      inputs.args.kind = EncodeKind::dynamic_rows;
      inputs.args.max_code = max_code;
      inputs.args.grid_zero = 2000;
      inputs.args.grid_max = 32767;
      inputs.args.outlier = static_cast<std::int16_t>(random.any_magnitude(14) & 0x7fff);
      for (std::size_t at = 0; at < inputs.src_count(); ++at) {
        inputs.src[at] = static_cast<std::int16_t>(std::min<std::int64_t>(random.any_magnitude(15), 32767));
      }
      compare(isas, inputs, Planes::in_row, seed++);
    }
  }
}

TEST_CASE("encode: tables of 2 to 256 levels, ties and extreme thresholds") {
  const std::vector<Isa> isas = vector_isas();
  Random random(5);
  std::uint64_t seed = 40000;
  for (int levels = 2; levels <= 256; levels += levels < 70 ? 1 : 31) {
    // Spread, narrow (a window), a single value many times, and at the ends.
    const std::int64_t kRanges[][2] = {{-32768, 32767},  {-100, 100},    {-1, 1},       {7, 7},
                                       {-32768, -32767}, {32766, 32767}, {-8000, 8500}, {0, 32767}};
    for (const auto& range : kRanges) {
      for (const int rows : {1, 60}) {
        Inputs inputs(rows, 75, levels, 2);
        inputs.args.kind = seed % 2 == 0 ? EncodeKind::table : EncodeKind::table_with_outliers;
        inputs.args.outlier = static_cast<std::int16_t>(random.any_magnitude(14) & 0x7fff);
        inputs.fill_table(range[0], range[1], random);
        if (seed % 3 == 0) inputs.thresholds[0] = -32768;
        if (seed % 4 == 0) inputs.thresholds[static_cast<std::size_t>(levels - 2)] = 32767;
        inputs.fill_src(kPatterns[seed % 8 < 5 ? 0 : seed % 4], random);
        for (std::size_t i = 0; i < inputs.src_count(); i += 2) {  // half of them near a threshold
          const int near = inputs.thresholds[static_cast<std::size_t>(random.integer(0, levels - 2))];
          inputs.src[i] = saturate_s16(near + static_cast<int>(random.integer(-1, 1)));
        }
        compare(isas, inputs, kPlanes[seed % 3], seed);
        ++seed;
      }
    }
  }
}

// Every x there is, in one call.
TEST_CASE("encode: a table's value counts the thresholds up to x") {
  std::vector<Isa> isas = vector_isas();
  isas.push_back(Isa::scalar);
  Random random(6);
  for (const int levels : {2, 3, 4, 5, 8, 9, 16, 17, 32, 33, 64, 255, 256}) {
    for (const std::int64_t width : {3, 300, 12000, 32767}) {
      Inputs inputs(64, 1024, levels, 0);
      const bool aside = levels % 2 == 0;
      inputs.args.kind = aside ? EncodeKind::table_with_outliers : EncodeKind::table;
      inputs.args.outlier = static_cast<std::int16_t>(width);
      inputs.fill_table(-width - 1, width, random);
      if (levels > 2) inputs.thresholds[1] = inputs.thresholds[0];  // equal ones
      for (std::size_t i = 0; i < 65536; ++i) inputs.src[i] = static_cast<std::int16_t>(static_cast<int>(i) - 32768);
      for (const Isa isa : isas) {
        EncodeResult result(inputs, Planes::apart, 0, 1);
        result.run(isa, inputs.args);
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < 65536; ++i) {
          const std::int16_t x = inputs.src[i];
          const auto* const begin = inputs.thresholds.data();
          const auto count = std::count_if(begin, begin + levels - 1, [&](std::int16_t t) { return t <= x; });
          const int held = aside && std::abs(int{x}) > width ? grid_value(x, inputs.args)
                                                             : inputs.values[static_cast<std::size_t>(count)];
          wrong += result.value(i / 1024, i % 1024) != held ? 1 : 0;
        }
        CHECK_MESSAGE(wrong == 0, describe(isa) << ", levels " << levels << ", width " << width);
      }
    }
  }
}

// encode.h in doubles, which hold all these numbers exactly.
double rounded(double x) { return std::floor(x + 0.5); }

double naive_value(double x, const AffineCode& code, const EncodeArgs& args) {
  double steps = rounded(x / std::exp2(args.fine_bits));
  if (std::fabs(x) <= args.outlier && args.kind != EncodeKind::uniform) {
    const double scaled = rounded(rounded(x * code.multiplier / 32768) * code.power / 32768);
    const double number = std::clamp(scaled + code.zero, 0.0, static_cast<double>(args.max_code));
    steps = rounded((number - code.zero) * std::exp2(args.step_shift) * code.step / 32768);
  }
  return std::clamp(steps + args.grid_zero, 0.0, static_cast<double>(args.grid_max));
}

TEST_CASE("encode: the law is what encode.h says") {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    Inputs inputs(3, 50, 2, 0);
    EncodeArgs& args = inputs.args;
    args.kind = kAffineKinds[i % 4];
    args.max_code = (2 << random.integer(0, 7)) - 1;
    do {
      args.step_shift = static_cast<int>(random.integer(0, 14));
    } while (args.max_code << args.step_shift > 32767);
    args.fine_bits = static_cast<int>(random.integer(1, 12));
    args.outlier = static_cast<std::int16_t>(random.chance(50) ? 32767 : random.integer(0, 32767));
    args.grid_zero = static_cast<std::int16_t>(random.integer(-200, 5000));
    args.grid_max = static_cast<std::int16_t>(random.integer(1, 32767));
    const int bits = static_cast<int>(random.integer(3, 15));
    fill(inputs.src.data(), inputs.src_count(), Pattern::random, random, -(1 << bits), (1 << bits) - 1);
    if (random.chance(70)) {
      inputs.fill_usual_codes(random);
    } else {
      inputs.fill_codes(Pattern::random, random);
    }
    EncodeResult result(inputs, Planes::in_row, 0, 0);
    result.run(Isa::scalar, args);
    std::size_t wrong = 0;
    for (std::size_t r = 0; r < inputs.row_count; ++r) {
      const std::int16_t* row = inputs.src.data() + r * inputs.stride;
      int lowest = 0, highest = 0;
      for (std::size_t c = 0; c < inputs.column_count; ++c) {
        if (std::abs(int{row[c]}) <= args.outlier) {
          lowest = std::min(lowest, int{row[c]});
          highest = std::max(highest, int{row[c]});
        }
      }
      for (std::size_t c = 0; c < inputs.column_count; ++c) {
        const std::size_t at = args.kind == EncodeKind::rows ? r : c;
        const AffineCode code =
            args.kind == EncodeKind::dynamic_rows
                ? affine_code_for_range(lowest, highest, args.max_code, args.step_shift, args.fine_bits)
                : AffineCode{inputs.multiplier[at], inputs.power[at], inputs.zero[at], inputs.step[at]};
        wrong += result.value(r, c) != naive_value(row[c], code, args) ? 1 : 0;
      }
    }
    CHECK_MESSAGE(wrong == 0, "case " << i);
  }
}

TEST_CASE("encode: an outlier keeps the grid's precision and leaves the others alone") {
  Random random(8);
  Inputs inputs(1, 64, 2, 0);
  inputs.args.kind = EncodeKind::dynamic_rows;
  inputs.args.outlier = 1000;
  inputs.args.grid_zero = 1100;
  inputs.args.grid_max = 4095;
  fill(inputs.src.data(), 64, Pattern::random, random, -1000, 1000);
  EncodeResult before(inputs, Planes::apart, 0, 0);
  before.run(Isa::scalar, inputs.args);
  inputs.src[10] = 32000;
  inputs.src[11] = -1001;
  EncodeResult after(inputs, Planes::apart, 0, 0);
  after.run(Isa::scalar, inputs.args);
  CHECK(after.value(0, 10) == 1100 + 1000);
  CHECK(after.value(0, 11) == 1100 - 31);  // 1001 / 32 = 31.28
  for (std::size_t c = 0; c < 64; ++c) {
    if (c != 10 && c != 11) CHECK(before.value(0, c) == after.value(0, c));
  }
}

}  // namespace
}  // namespace intvit::test
