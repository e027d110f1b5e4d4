// gated_activation: tables for GELU and its relatives (each chord fitted, which the converter's own do not need),
// against the functions in double. The instruction sets are compared in linear_test.cc, and here for all 65536 inputs.
#include "kernels/activation/gated_activation_law.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/gemm/linear.h"
#include "tests/kernels/test_data.h"
#include "tests/kernels/tested_kernels.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

double gelu_exact(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }
double gelu_tanh(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
double gelu_quick(double x) { return x / (1 + std::exp(-1.702 * x)); }
double silu(double x) { return x / (1 + std::exp(-x)); }
double relu(double x) { return x > 0 ? x : 0; }

struct Table {
  std::vector<std::int16_t> base, slope;
};

// For every segment the chord of delta(t) = -act(-t), moved by half of what it misses in the middle, in units of x.
Table make_table(double (*act)(double), double unit, int segment_bits) {
  Table table;
  const double length = std::exp2(segment_bits) * unit;
  for (int i = 0; i < kActivationSegments; ++i) {
    const double start = -act(-i * length), end = -act(-(i + 1) * length), middle = -act(-(i + 0.5) * length);
    const double shift = (middle - (start + end) / 2) / 2;
    const long base = std::lround((start + shift) / unit);
    table.base.push_back(static_cast<std::int16_t>(base));
    table.slope.push_back(static_cast<std::int16_t>(std::lround((end + shift) / unit) - base));
  }
  return table;
}

// Over all 16-bit x, for an output step of 2^15 / multiplier units of x.
double worst_error(double (*act)(double), double unit, int segment_bits, int multiplier) {
  const int zero_point = 9;
  const Table table = make_table(act, unit, segment_bits);
  const GatedActivation gated{table.base.data(), table.slope.data(), segment_bits,
                              static_cast<std::int16_t>(multiplier), static_cast<std::int16_t>(zero_point)};
  double worst = 0;
  for (int x = -32768; x <= 32767; ++x) {
    const double real = act(x * unit) / unit * multiplier / 32768 + zero_point;
    worst = std::max(worst, std::fabs(activate(static_cast<std::int16_t>(x), gated) - std::clamp(real, 0.0, 255.0)));
  }
  return worst;
}

// A code stands for 0.02 (an output range of 5) here; the error beyond the rounding to codes falls with wider ranges.
TEST_CASE("gated_activation: within 0.6 code of the function") {
  struct Function {
    const char* name;
    double (*act)(double);
    int unit_bits;     // x in units of 2^-unit_bits
    int segment_bits;  // 64 segments reach 2^(6 + segment_bits - unit_bits), where delta is gone
    double limit;      // in codes
  };
  const Function functions[] = {{"exact GELU", gelu_exact, 10, 6, 0.6},
                                {"tanh GELU", gelu_tanh, 10, 6, 0.6},
                                {"quick GELU", gelu_quick, 11, 8, 0.6},
                                {"SiLU", silu, 11, 8, 0.65},
                                {"ReLU", relu, 10, 6, 0.501}};
  for (const Function& f : functions) {
    const int multiplier = f.unit_bits == 10 ? 1600 : 800;
    const double worst = worst_error(f.act, std::exp2(-f.unit_bits), f.segment_bits, multiplier);
    MESSAGE("gated_activation: " << std::string(f.name) << " in units of 2^-" << f.unit_bits << ", segments of 2^"
                                 << f.segment_bits << " units: at most " << worst << " code from the function");
    CHECK(worst < f.limit);
  }
}

// All inputs through the activation epilogue: weights are zero, and the bias of a column is the input itself.
TEST_CASE("gated_activation: every instruction set, all 65536 inputs") {
  const std::vector<TestedKernels> tested = vector_kernels();
  Random random(5);
  const std::size_t n = 65536, k = 64;
  const std::vector<std::uint8_t> src(k), tiles(n * k), shift(n, 0);
  const std::vector<std::int16_t> multiplier(n, 32767);
  std::vector<std::int32_t> bias(n);
  for (std::size_t i = 0; i < n; ++i) bias[i] = static_cast<std::int32_t>(i) - 32768;
  for (int segment_bits = 0; segment_bits <= 9; ++segment_bits) {
    Table table = make_table(gelu_exact, 1.0 / 1024, segment_bits);
    if (segment_bits % 2 == 1) {  // and tables that no converter makes
      fill(table.base.data(), table.base.size(), Pattern::random, random);
      fill(table.slope.data(), table.slope.size(), Pattern::random, random);
    }
    LinearArgs args{};
    args.src = src.data();
    args.src_stride = static_cast<std::ptrdiff_t>(k);
    args.rows = 1;
    args.weights = {tiles.data(), nullptr, 8, static_cast<int>(n), static_cast<int>(k)};
    args.requantizer = {bias.data(), shift.data(), multiplier.data()};
    args.epilogue = Epilogue::activation;
    args.dst_stride = static_cast<std::ptrdiff_t>(n);
    args.activation = {table.base.data(), table.slope.data(), segment_bits,
                       static_cast<std::int16_t>(random.integer(0, 32767)),
                       static_cast<std::int16_t>(random.integer(0, 255))};
    GuardedBuffer<std::uint8_t> scratch(linear_scratch_bytes(static_cast<int>(k)));
    args.scratch = scratch.data();
    GuardedBuffer<std::uint8_t> expected(n);
    args.dst = expected.data();
    kernel_table(Isa::scalar).linear->run(args);
    for (const TestedKernels& kernels : tested) {
      GuardedBuffer<std::uint8_t> actual(n);
      args.dst = actual.data();
      kernels.linear->run(args);
      CHECK_MESSAGE(first_difference(expected, actual) < 0, kernels.name << ", segment_bits " << segment_bits);
      CHECK(actual.guards_intact());
    }
  }
}

}  // namespace
}  // namespace intvit::test
