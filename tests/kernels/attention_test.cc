// attention: every instruction set against the scalar law. The law itself is tested in attention_law_test.cc.
#include "kernels/attention/attention.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/softmax_tables.h"
#include "tests/kernels/test_data.h"
#include "tests/kernels/tested_kernels.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

struct AttentionShape {
  int tokens, head_dim;
  Pattern pattern = Pattern::random;
  int heads = 1;  // how many lie side by side in a row; the last one is computed
  int query_begin = 0;
  int query_end = -1;      // tokens
  int largest_code = 255;  // of q, k and v
};

AttentionHead random_head(const AttentionShape& c, Random& random) {
  const auto zero_point = [&] {
    return static_cast<std::int32_t>(random.chance(30) ? 0 : random.chance(30) ? 255 : random.integer(0, 255));
  };
  AttentionHead head;
  head.q_zero = zero_point();
  head.v_zero = zero_point();
  head.out_zero = zero_point();
  // Mostly scales for which a row is neither flat nor a single 255; sometimes anything.
  const double range = std::sqrt(static_cast<double>(c.head_dim)) * 73 * 73;  // of random scores
  const double t_per_unit = std::exp2(random.real(0, 4)) / range;
  const double wanted = t_per_unit * std::exp2(16 + kSoftmaxFractionBits);
  const int shift = static_cast<int>(std::floor(std::log2(wanted))) - 15;
  head.softmax = {0, std::clamp(-shift, 0, 31),
                  static_cast<std::uint16_t>(std::min(65535.0, wanted * std::exp2(-shift)))};
  if (random.chance(20))
    head.softmax = {0, static_cast<int>(random.integer(0, 31)), static_cast<std::uint16_t>(random.integer(0, 65535))};
  if (random.chance(10)) head.softmax.multiplier = random.chance(50) ? 0 : 65535;
  if (random.chance(10)) {
    head.softmax.right_shift = 0;
    while (head.softmax.left_shift < 15 &&
           (std::int64_t{c.head_dim} * 255 * 255 << (head.softmax.left_shift + 1)) < INT32_MAX) {
      ++head.softmax.left_shift;
    }
  }
  head.ratio = static_cast<std::uint32_t>(random.integer(1u << 30, INT32_MAX));
  head.ratio_shift = static_cast<std::int32_t>(random.chance(80) ? random.integer(27, 33) : random.integer(0, 62));
  return head;
}

// What differs between kinds of softmax and of results.
struct Variant {
  SoftmaxKind kind = SoftmaxKind::exponential;
  OwnedSoftmaxTable table;
  bool two_planes = false;
  int max_code = 255;
  bool values = false;
};

class AttentionCase {
 public:
  AttentionCase(const AttentionShape& c, std::uint64_t seed)
      : c_(c),
        channels_(static_cast<std::size_t>(c.heads) * static_cast<std::size_t>(c.head_dim)),
        stride_(3 * channels_ + seed % 5),
        // The last byte of the last value is the last readable one.
        src_((static_cast<std::size_t>(c.tokens) - 1) * stride_ + 3 * channels_),
        dst_stride_(channels_ + seed % 3) {
    if (c_.query_end < 0) c_.query_end = c_.tokens;
    Random random(seed);
    const std::size_t size = (static_cast<std::size_t>(c.tokens) - 1) * stride_ + 3 * channels_;
    fill(src_.data(), size, c.pattern, random, 0, c.largest_code);
    head_ = random_head(c, random);
  }

  // Of all q, as far from their zero as can be, to keys that are nothing but 0 or nothing but 255.
  void stretch_scores() {
    for (std::size_t row = 0; row < static_cast<std::size_t>(c_.tokens); ++row) {
      std::uint8_t* q = src_.data() + row * stride_;
      std::fill_n(q, channels_, static_cast<std::uint8_t>(255 - head_.q_zero));
      std::fill_n(q + channels_, channels_, static_cast<std::uint8_t>(row % 3 == 1 ? 0 : 255));
    }
  }

  AttentionHead& head() { return head_; }
  Variant& variant() { return variant_; }

  std::size_t dst_bytes() const {
    return ((static_cast<std::size_t>(c_.tokens) - 1) * dst_stride_ + channels_) * (variant_.values ? 2 : 1);
  }

  void run(const TestedKernels& kernels, GuardedBuffer<std::uint8_t>& dst) {
    GuardedBuffer<std::uint8_t> scratch(attention_scratch_bytes(c_.tokens, c_.head_dim));
    const std::size_t head_at = channels_ - static_cast<std::size_t>(c_.head_dim);
    AttentionArgs args{};
    args.q = src_.data() + head_at;
    args.k = args.q + channels_;
    args.v = args.k + channels_;
    args.q_stride = args.k_stride = args.v_stride = static_cast<std::ptrdiff_t>(stride_);
    args.written_elsewhere = c_.tokens % 2 == 0;
    args.next_head = args.written_elsewhere;
    if (args.written_elsewhere) args.next = args.q;
    args.next_bytes = args.written_elsewhere ? 64 : 0;
    args.dst = dst.data() + head_at * (variant_.values ? 2 : 1);
    args.dst_stride = static_cast<std::ptrdiff_t>(dst_stride_);
    args.tokens = c_.tokens;
    args.head_dim = c_.head_dim;
    args.query_begin = c_.query_begin;
    args.query_end = c_.query_end;
    args.head = head_;
    args.softmax_kind = variant_.kind;
    args.softmax_table = variant_.table.view();
    args.two_planes = variant_.two_planes;
    args.max_code = variant_.max_code;
    args.values = variant_.values;
    args.scratch = scratch.data();
    kernels.attention->run(args);
    CHECK(scratch.guards_intact());
  }

  void compare(const std::vector<TestedKernels>& tested, std::uint64_t seed) {
    GuardedBuffer<std::uint8_t> expected(dst_bytes(), variant_.values ? seed % 29 * 2 : seed % 29);
    run(Isa::scalar, expected);
    REQUIRE(expected.guards_intact());
    for (const TestedKernels& kernels : tested) {
      GuardedBuffer<std::uint8_t> actual(dst_bytes(), variant_.values ? seed % 31 * 2 : seed % 31);
      run(kernels, actual);
      const std::ptrdiff_t at = first_difference(expected, actual);
      const std::string message =
          kernels.name + ": " + std::to_string(c_.tokens) + " tokens, head_dim " + std::to_string(c_.head_dim) +
          ", queries " + std::to_string(c_.query_begin) + " to " + std::to_string(c_.query_end) + ", kind " +
          std::to_string(static_cast<int>(variant_.kind)) + ", " + std::to_string(variant_.table.values.size()) +
          " levels, two planes " + std::to_string(variant_.two_planes) + ", values " + std::to_string(variant_.values) +
          ", max code " + std::to_string(variant_.max_code) + ", byte " + std::to_string(at) + ", seed " +
          std::to_string(seed);
      CHECK_MESSAGE(at < 0, message);
      CHECK_MESSAGE(actual.guards_intact(), message);
    }
  }

 private:
  AttentionShape c_;
  std::size_t channels_, stride_;
  FencedBuffer<std::uint8_t> src_;
  std::size_t dst_stride_;
  AttentionHead head_{};
  Variant variant_;
};

void compare(const std::vector<TestedKernels>& tested, const AttentionShape& c, std::uint64_t seed) {
  if (!is_tried(seed)) return;
  AttentionCase(c, seed).compare(tested, seed);
}

TEST_CASE("attention: every number of tokens") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 1;
  for (int tokens = 1; tokens <= 70; ++tokens) {
    compare(tested, {tokens, 64}, seed++);
    compare(tested, {tokens, 1 + tokens % 20, Pattern::random, 2}, seed++);
  }
  for (const int tokens : {97, 101, 197, 198, 257}) {
    for (const int head_dim : {32, 64, 80}) compare(tested, {tokens, head_dim, Pattern::random, 3}, seed++);
  }
}

TEST_CASE("attention: head sizes") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 1000;
  for (int head_dim = 1; head_dim <= 20; ++head_dim) {
    for (const int tokens : {5, 17, 26, 65}) compare(tested, {tokens, head_dim, Pattern::random, 2}, seed++);
  }
  for (const int head_dim : {32, 33, 48, 63, 64, 72, 80, 88, 96, 128, 131}) {
    for (int i = 0; i < 5; ++i) compare(tested, {29, head_dim, Pattern::random, 2}, seed++);
  }
}

TEST_CASE("attention: ranges of queries") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 2000;
  for (int begin = 0; begin < 53; begin += 7) {
    for (const int count : {1, 2, 11, 23, 24, 25}) {
      if (begin + count <= 53) compare(tested, {53, 20, Pattern::random, 1, begin, begin + count}, seed++);
    }
  }
  // Blocks of many keys have more queries.
  for (const int tokens : {768, 769, 800}) compare(tested, {tokens, 16, Pattern::random, 1, 7, 7 + 99}, seed++);
}

TEST_CASE("attention: extreme codes and zero points") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 3000;
  for (const Pattern pattern : kPatterns) {
    for (const int zero : {0, 128, 255}) {
      for (const int head_dim : {7, 64, 88}) {
        for (int i = 0; i < 6; ++i) {
          AttentionCase attention({31, head_dim, pattern}, seed);
          attention.head().q_zero = zero;
          attention.head().v_zero = i % 2 == 0 ? zero : 255 - zero;
          attention.compare(tested, seed++);
        }
      }
    }
  }
}

// AVX2 then adds more products in 16 bits, and may take less than 128 off keys and values.
TEST_CASE("attention: narrow codes of queries, keys and values") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 3500;
  for (int largest = 0; largest < 255; largest = 2 * largest + 1) {
    for (const Pattern pattern : {Pattern::random, Pattern::all_max, Pattern::alternating}) {
      for (const int tokens : {3, 17, 26, 50}) {
        for (const int head_dim : {7, 64, 88}) {
          for (const bool values : {false, true}) {
            if (!is_tried(++seed)) continue;
            AttentionCase attention({tokens, head_dim, pattern, 2, 0, -1, largest}, seed);
            attention.variant().values = values;
            attention.compare(tested, seed);
          }
        }
      }
    }
  }
}

TEST_CASE("attention: softmax tables, values in two planes, narrow codes and 16-bit results") {
  const std::vector<TestedKernels> all = vector_kernels(), most = without_emulated(all);
  Random random(5);
  std::uint64_t seed = 4000;
  const auto compare_variant = [&](int tokens, int head_dim, const Variant& variant, int query_end) {
    if (!is_tried(++seed)) return;
    AttentionCase attention({tokens, head_dim, Pattern::random, 2, query_end < tokens ? 3 : 0, query_end}, seed);
    attention.variant() = variant;
    if (variant.values) attention.head().out_zero = static_cast<std::int32_t>(random.any_magnitude(15));
    if (variant.values && attention.head().out_zero == 32768) attention.head().out_zero = 32767;
    attention.compare(seed % 5 == 0 ? all : most, seed);
  };
  for (const int tokens : {1, 17, 64, 197}) {
    for (const int head_dim : {16, 32, 64, 80, 5}) {
      for (const SoftmaxKind kind : {SoftmaxKind::exponential, SoftmaxKind::relative, SoftmaxKind::absolute}) {
        for (const int levels : {2, 15, 16, 17, 32, 33, 64, 256}) {
          for (int i = 0; i < 8; ++i) {
            Variant variant;
            variant.kind = kind;
            variant.two_planes = i % 2 == 1;
            variant.values = i % 4 / 2 == 1;
            variant.table = i < 6 ? random_softmax_table(levels, variant.two_planes ? 32767 : 255, random)
                                  : hostile_softmax_table(levels, random);
            variant.max_code = static_cast<int>(random.chance(30) ? 255 : (1 << random.integer(1, 8)) - 1);
            compare_variant(tokens, head_dim, variant, std::min(tokens, 30));
          }
        }
      }
    }
  }
  for (const int levels : {16, 24, 200}) {
    for (const bool two_planes : {false, true}) {
      Variant variant;
      variant.kind = levels == 24 ? SoftmaxKind::absolute : SoftmaxKind::relative;
      variant.two_planes = two_planes;
      variant.values = levels != 16;
      variant.table = random_softmax_table(levels, two_planes ? 8191 : 255, random);
      compare_variant(1025, 64, variant, 30);
    }
  }
}

TEST_CASE("attention: codes end at max_code") {
  AttentionCase attention({40, 24}, 78);  // a seed without gaps between rows
  attention.head().ratio_shift = 30;
  GuardedBuffer<std::uint8_t> all(attention.dst_bytes());
  attention.run(Isa::scalar, all);
  for (const int max_code : {1, 7, 15, 200, 255}) {
    attention.variant().max_code = max_code;
    GuardedBuffer<std::uint8_t> some(attention.dst_bytes());
    attention.run(Isa::scalar, some);
    for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(some[i] == std::min<int>(all[i], max_code));
  }
}

// Equal scores of the most tokens that the reader accepts: the sums come within 1 % of 2^31.
TEST_CASE("attention: 32768 tokens") {
  const std::vector<TestedKernels> tested = vector_kernels();
  for (const int zero : {0, 255}) {
    for (const Pattern pattern : {Pattern::all_min, Pattern::all_max}) {
      AttentionCase attention({kMaxTokens, 4, pattern, 1, 100, 103}, 9);
      attention.head().q_zero = zero;
      attention.head().v_zero = zero;
      attention.head().ratio = 1u << 30;
      attention.head().ratio_shift = 30;
      attention.head().out_zero = 255 - zero;
      attention.compare(tested, 9);
      // All values are equal, so the output is v - v_zero + out_zero, exactly.
      GuardedBuffer<std::uint8_t> dst(attention.dst_bytes());
      attention.run(Isa::scalar, dst);
      const int value = (pattern == Pattern::all_min ? 0 : 255) - zero + 255 - zero;
      CHECK(std::abs(dst[100 * 4] - std::clamp(value, 0, 255)) <= 0);
    }
  }
}

// The longest heads that the reader accepts, shifted to the left as far as it accepts: scores come within 1 % of 2^31.
TEST_CASE("attention: the largest scores") {
  static_assert((std::int64_t{kMaxHeadDim} * 255 * 255 << 3) < INT32_MAX);
  static_assert((std::int64_t{kMaxHeadDim} * 255 * 255 << 4) > INT32_MAX);
  const std::vector<TestedKernels> all = vector_kernels(), most = without_emulated(all);
  std::uint64_t seed = 5000;
  for (const bool stretched : {true, false}) {
    for (const int q_zero : {0, 255}) {
      for (const int tokens : {3, 26}) {
        AttentionCase attention({tokens, kMaxHeadDim}, seed);
        attention.head() = {q_zero, 128, {3, 15, 3000}, 1u << 30, 30, 128};
        if (stretched) attention.stretch_scores();
        attention.compare(tokens == 3 ? all : most, seed++);
      }
    }
  }
}

// As many keys as the reader accepts beside a table whose values are the largest: the sums come within 0.01 % of 2^31.
TEST_CASE("attention: the largest sums of values") {
  constexpr int kTokens = 257;
  static_assert(std::int64_t{kTokens} * 32767 * 255 < INT32_MAX && std::int64_t{kTokens + 1} * 32767 * 255 > INT32_MAX);
  const std::vector<TestedKernels> tested = vector_kernels();
  for (const SoftmaxKind kind : {SoftmaxKind::relative, SoftmaxKind::absolute}) {
    for (const Pattern pattern : {Pattern::all_min, Pattern::all_max, Pattern::random}) {
      for (const int v_zero : {0, 255}) {
        AttentionCase attention({kTokens, 20, pattern, 1, 100, 103}, 6000);
        attention.head().v_zero = v_zero;
        attention.variant().kind = kind;
        attention.variant().two_planes = true;
        attention.variant().values = v_zero == 0;
        attention.variant().table.thresholds = {4096};
        attention.variant().table.values = {32767, 32767};
        attention.compare(tested, 6000);
      }
    }
  }
}

}  // namespace
}  // namespace intvit::test
