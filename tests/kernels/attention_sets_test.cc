// attention of rows in sets, of static biases, and of queries, keys and values that lie apart: every instruction set
// against the scalar law, and the law against what the same attention is without them.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/attention/attention.h"
#include "tests/kernels/softmax_tables.h"
#include "tests/kernels/test_data.h"
#include "tests/kernels/tested_kernels.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

struct SetSizes {
  int queries, pads;
};

struct SetsShape {
  std::vector<SetSizes> sets;
  int head_dim;
  bool biased = false;
  int left_shift = 0;
  int largest_code = 255;
  int shuffled = 100;  // percent of the rows that change places
};

// Rows in a random order, cut into sets; q, k and v in buffers of their own.
class SetsCase {
 public:
  SetsCase(const SetsShape& shape, std::uint64_t seed)
      : shape_(shape), seed_(seed), stride_(static_cast<std::size_t>(shape.head_dim) + seed % 7) {
    Random random(seed);
    for (const SetSizes& set : shape.sets) rows_ += set.queries;
    std::vector<std::int32_t> order(static_cast<std::size_t>(rows_));
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = order.size(); i > 1; --i) {
      if (!random.chance(shape.shuffled)) continue;
      std::swap(order[i - 1], order[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(i) - 1))]);
    }
    int taken = 0, biases = 0;
    for (const SetSizes& set : shape.sets) {
      const int keys = set.queries + set.pads;
      numbers_.insert(numbers_.end(), {static_cast<std::int32_t>(list_.size()), keys, set.queries, biases});
      list_.insert(list_.end(), order.begin() + taken, order.begin() + taken + set.queries);
      list_.insert(list_.end(), static_cast<std::size_t>(set.pads), -1);
      taken += set.queries;
      biases += set.queries * padded_columns(keys);
      most_keys_ = std::max(most_keys_, keys);
    }
    codes_ = (static_cast<std::size_t>(rows_) - 1) * stride_ + static_cast<std::size_t>(shape.head_dim);
    for (auto* codes : {&q_, &k_, &v_}) {
      *codes = std::make_unique<FencedBuffer<std::uint8_t>>(codes_);
      fill((*codes)->data(), codes_, Pattern::random, random, 0, shape.largest_code);
    }
    for (auto* codes : {&pad_k_, &pad_v_}) {
      codes->resize(static_cast<std::size_t>(shape.head_dim));
      fill(codes->data(), codes->size(), Pattern::random, random, 0, shape.largest_code);
    }
    bias_.resize(static_cast<std::size_t>(biases));
    fill(bias_.data(), bias_.size(), Pattern::random, random, INT16_MIN, INT16_MAX);
    bias_shift = static_cast<int>(random.integer(0, 8));
    head = {static_cast<std::int32_t>(random.integer(0, shape.largest_code)),
            static_cast<std::int32_t>(random.integer(0, 255)),
            {shape.left_shift, shape.left_shift > 0 ? 0 : 5, static_cast<std::uint16_t>(random.integer(20000, 65535))},
            static_cast<std::uint32_t>(random.integer(1u << 30, INT32_MAX)),
            static_cast<std::int32_t>(random.integer(29, 31)),
            static_cast<std::int32_t>(random.integer(0, 255))};
  }

  // Of all q, as far from their zero as can be, to keys that are nothing but 0 or nothing but 255.
  void stretch_scores() {
    std::fill_n(q_->data(), codes_, static_cast<std::uint8_t>(255 - head.q_zero));
    for (std::size_t i = 0; i < codes_; ++i) (*k_)[i] = i / stride_ % 3 == 1 ? 0 : 255;
  }

  AttentionArgs args() {
    AttentionArgs args{};
    args.q = q_->data();
    args.k = k_->data();
    args.v = v_->data();
    args.q_stride = args.k_stride = args.v_stride = static_cast<std::ptrdiff_t>(stride_);
    args.dst_stride = shape_.head_dim + 3;
    args.tokens = most_keys_;
    args.head_dim = shape_.head_dim;
    args.sets = {list_.data(), numbers_.data(), 0, static_cast<int>(shape_.sets.size()), pad_k_.data(), pad_v_.data()};
    if (shape_.biased) args.bias = bias_.data();
    args.bias_shift = bias_shift;
    args.head = head;
    args.softmax_kind = kind;
    args.softmax_table = table.view();
    args.two_planes = two_planes;
    args.max_code = 255;
    args.values = values;
    return args;
  }

  std::vector<std::uint8_t> run(const TestedKernels& kernels, AttentionArgs args) const {
    GuardedBuffer<std::uint8_t> scratch(attention_scratch_bytes(args.tokens, args.head_dim));
    const std::size_t bytes = dst_elements() * (values ? 2 : 1);
    GuardedBuffer<std::uint8_t> dst(bytes);
    args.dst = dst.data();
    args.scratch = scratch.data();
    kernels.attention->run(args);
    CHECK(scratch.guards_intact());
    CHECK(dst.guards_intact());
    return {dst.data(), dst.data() + bytes};
  }

  // Where instructions are emulated, one case in five.
  void compare(const std::vector<TestedKernels>& all) {
    const std::vector<TestedKernels> tested = seed_ % 5 == 0 ? all : without_emulated(all);
    const std::vector<std::uint8_t> expected = run(Isa::scalar, args());
    for (const TestedKernels& kernels : tested) {
      CHECK_MESSAGE(run(kernels, args()) == expected, kernels.name, ": ", shape_.sets.size(), " sets, first of ",
                    shape_.sets[0].queries, " queries and ", shape_.sets[0].pads, " pads, head_dim ", shape_.head_dim,
                    ", biased ", shape_.biased, ", left shift ", shape_.left_shift);
    }
  }

  std::size_t dst_elements() const {
    return static_cast<std::size_t>(rows_ - 1) * static_cast<std::size_t>(shape_.head_dim + 3) +
           static_cast<std::size_t>(shape_.head_dim);
  }

  AttentionHead head;
  int bias_shift;
  SoftmaxKind kind = SoftmaxKind::exponential;
  OwnedSoftmaxTable table;
  bool two_planes = false, values = false;

  int rows() const { return rows_; }
  const std::vector<std::int32_t>& list() const { return list_; }
  std::vector<std::int16_t>& bias() { return bias_; }

 private:
  SetsShape shape_;
  std::uint64_t seed_;
  std::size_t stride_, codes_ = 0;
  int rows_ = 0, most_keys_ = 0;
  std::vector<std::int32_t> list_, numbers_;
  std::unique_ptr<FencedBuffer<std::uint8_t>> q_, k_, v_;
  std::vector<std::uint8_t> pad_k_, pad_v_;
  std::vector<std::int16_t> bias_;
};

std::vector<SetSizes> windows(int count, int queries, int pads = 0) {
  return std::vector<SetSizes>(static_cast<std::size_t>(count), SetSizes{queries, pads});
}

}  // namespace

TEST_CASE("attention in sets: every number of keys, with and without biases and pad rows") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 10;
  for (int keys = 1; keys <= 67; ++keys) {
    for (const bool biased : {false, true}) {
      if (!is_tried(++seed)) continue;
      SetsCase({windows(2, keys), 32, biased}, seed).compare(tested);
      SetsCase({{{keys, 3}, {1, 0}, {2, keys}}, 1 + keys % 20, biased}, seed + 1000).compare(tested);
    }
  }
  for (const int keys : {144, 197, 257}) {
    for (const int head_dim : {32, 64, 72}) {
      SetsCase({{{keys, 0}, {28, 5}, {keys / 2, keys}}, head_dim, true}, seed++).compare(tested);
    }
  }
}

// Then queries and results may be used where they are.
TEST_CASE("attention in sets: rows one after another, but for a few") {
  std::uint64_t seed = 300;
  for (const int shuffled : {0, 1, 3}) {
    for (const int head_dim : {7, 16, 20, 32, 64}) {
      for (const int queries : {1, 2, 16, 49, 57, 80}) {
        for (const bool values : {false, true}) {
          if (!is_tried(++seed)) continue;
          SetsCase sets({windows(5, queries), head_dim, queries % 2 == 0, 0, 255, shuffled}, seed);
          sets.values = values;
          sets.compare(vector_kernels());
        }
      }
    }
  }
}

TEST_CASE("attention in sets: biases on scores of few bits, which are shifted to the left") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 500;
  for (const int bits : {2, 3, 4, 6}) {
    for (int shift = 1; shift <= 8; ++shift) {
      SetsCase({{{49, 0}, {28, 0}, {21, 4}}, 32, true, shift, (1 << bits) - 1}, seed++).compare(tested);
    }
  }
}

// As far as the reader accepts: biases and products of codes reach to 2^29 each, or just below.
TEST_CASE("attention in sets: the largest scores with the largest biases") {
  static_assert((64 * 255 * 128 << 8) < 1 << 29);
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 700;
  for (const Pattern pattern : kPatterns) {
    for (const int q_zero : {0, 255}) {
      SetsCase sets({{{17, 0}, {28, 3}}, 64, true, 8}, seed++);
      Random random(seed);
      fill(sets.bias().data(), sets.bias().size(), pattern, random);
      sets.bias_shift = 14;
      sets.head.q_zero = q_zero;
      sets.head.softmax = {8, 15, static_cast<std::uint16_t>(q_zero == 0 ? 65535 : 3000)};
      sets.stretch_scores();
      sets.compare(tested);
    }
  }
}

TEST_CASE("attention in sets: softmax tables, two planes and 16-bit results") {
  const std::vector<TestedKernels> tested = vector_kernels();
  Random random(3);
  std::uint64_t seed = 900;
  for (const SoftmaxKind kind : {SoftmaxKind::relative, SoftmaxKind::absolute}) {
    for (const int levels : {15, 16, 40, 256}) {
      for (int i = 0; i < 4; ++i) {
        SetsCase sets({{{49, 0}, {28, 2}, {12, 0}, {49, 0}, {70, 1}}, 32, i % 2 == 1}, seed++);
        sets.kind = kind;
        sets.two_planes = i % 2 == 0;
        sets.values = i / 2 == 0;
        sets.table = random_softmax_table(levels, sets.two_planes ? 32767 : 255, random);
        sets.compare(tested);
      }
    }
  }
}

// The law, of a set that is all rows in order.
TEST_CASE("attention in sets: one set of all rows is plain attention, in any order of its keys") {
  SetsCase sets({windows(1, 31), 24}, 77);
  AttentionArgs plain = sets.args();
  plain.sets = {};
  plain.query_end = sets.rows();
  CHECK(sets.run(Isa::scalar, sets.args()) == sets.run(Isa::scalar, plain));
}

TEST_CASE("attention in sets: results of a set depend on none of the others") {
  SetsCase sets({{{9, 1}, {20, 0}, {5, 2}}, 16, true}, 78);
  const std::vector<std::uint8_t> all = sets.run(Isa::scalar, sets.args());
  AttentionArgs second = sets.args();
  second.sets.begin = 1;
  second.sets.end = 2;
  const std::vector<std::uint8_t> one = sets.run(Isa::scalar, second);
  for (std::size_t entry = 0; entry < sets.list().size(); ++entry) {
    if (sets.list()[entry] < 0) continue;
    const auto at = static_cast<std::ptrdiff_t>(sets.list()[entry]) * second.dst_stride;
    const bool in_second = entry >= 10 && entry < 30;
    CAPTURE(entry);
    CHECK(std::equal(all.begin() + at, all.begin() + at + 16, one.begin() + at) == in_second);
  }
}

// A bias that is the same for all queries is one more column of q and k.
TEST_CASE("attention in sets: a bias counts as much as a product does") {
  constexpr int kTokens = 20, kDim = 12;
  Random random(5);
  for (const int left_shift : {0, 3}) {
    std::vector<std::uint8_t> q(kTokens * (kDim + 1)), k(q.size()), v(q.size());
    fill(q.data(), q.size(), Pattern::random, random, 0, 63);
    fill(k.data(), k.size(), Pattern::random, random, 0, 255);
    fill(v.data(), v.size(), Pattern::random, random, 0, 255);
    std::vector<std::int16_t> bias(kTokens * padded_columns(kTokens));
    AttentionArgs args{};
    args.head = {31, 100, {left_shift, left_shift > 0 ? 0 : 2, 60000}, 1u << 30, 30, 90};
    for (int i = 0; i < kTokens; ++i) {
      q[static_cast<std::size_t>(i * (kDim + 1) + kDim)] = static_cast<std::uint8_t>(args.head.q_zero + 4);
      for (int j = 0; j < kTokens; ++j) {
        bias[static_cast<std::size_t>(i * padded_columns(kTokens) + j)] =
            static_cast<std::int16_t>((k[static_cast<std::size_t>(j * (kDim + 1) + kDim)] - 128) << left_shift);
      }
    }
    args.q = q.data(), args.k = k.data(), args.v = v.data();
    args.q_stride = args.k_stride = args.v_stride = args.dst_stride = kDim + 1;
    args.tokens = args.query_end = kTokens;
    args.max_code = 255;
    std::vector<std::uint8_t> scratch(attention_scratch_bytes(kTokens, kDim + 1) + 64), with_column(q.size()),
        with_bias(q.size());
    args.scratch = scratch.data();
    args.head_dim = kDim + 1;
    args.dst = with_column.data();
    kernel_table(Isa::scalar).attention->run(args);
    args.head_dim = kDim;
    args.bias = bias.data();
    args.bias_shift = 2;
    args.dst = with_bias.data();
    kernel_table(Isa::scalar).attention->run(args);
    for (int i = 0; i < kTokens; ++i) {
      const auto row = static_cast<std::ptrdiff_t>(i * (kDim + 1));
      CHECK(std::equal(with_bias.begin() + row, with_bias.begin() + row + kDim, with_column.begin() + row));
    }
  }
}

}  // namespace intvit::test
