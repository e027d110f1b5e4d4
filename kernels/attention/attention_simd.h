// attention.h on top of an instruction set's Multiplier (multiply_<isa>.h under kernels/gemm/), packing (pack_head_*.h)
// and vectors (kernels/simd/), which are to be included first.
// K and V of the head (of every set) are packed into weight tiles once; then, for blocks of queries, scores, softmax
// codes and outputs stay in the first two cache levels.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "kernels/arithmetic/copy_bytes.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_law.h"
#include "kernels/cpu/cpu.h"
#include "kernels/gemm/linear.h"
#include "kernels/softmax/softmax_simd.h"

namespace intvit::kernels {
namespace {

// How attention_rows() makes scores and their maxima by a matrix multiplication: see ScoresZmm for another way.
struct ScoresByEpilogue {};

// In the place of SoftmaxMeanwhile where softmax is done by itself.
struct NothingMeanwhile {};

// Probabilities x V: every row has its own requantizer. Element is std::uint8_t for codes, std::int16_t for values.
template <typename Simd, typename Element, typename Meanwhile>
struct AttentionEpilogue {
  const RowRequantizer* requantizers;
  std::int32_t out_zero;
  int max_code;
  Element* dst;
  std::ptrdiff_t stride;
  Meanwhile* other_work;

  static constexpr bool kCodes = sizeof(Element) == 1;

  template <bool kHalf>
  struct Columns {
    static constexpr bool kFewRows = true;
    const AttentionEpilogue& e;
    int column;
    Columns(const AttentionEpilogue& epilogue, int first) : e(epilogue), column(first) {}
    typename Simd::I32 bias_lo() const { return typename Simd::I32(0); }
    typename Simd::I32 bias_hi() const { return typename Simd::I32(0); }
    Meanwhile& meanwhile() const requires(!std::is_same_v<Meanwhile, NothingMeanwhile>) { return *e.other_work; }
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      Element* out = e.dst + r * e.stride + column;
      if constexpr (kCodes) {
        const auto x = values(r, lo, hi);
        Simd::template store_codes_of_first<kHalf>(out, clamped_codes(x, x));
      } else {
        store_values<Simd, kHalf>(out, values(r, lo, hi));
      }
    }
    void pair(int r, typename Simd::I32 lo0, typename Simd::I32 hi0, typename Simd::I32 lo1,
              typename Simd::I32 hi1) const requires kCodes {
      Element* out = e.dst + r * e.stride + column;
      Simd::template store_codes_of_both<kHalf>(out, out + e.stride,
                                                clamped_codes(values(r, lo0, hi0), values(r + 1, lo1, hi1)));
    }

   private:
    // In lane order for codes, in natural order for values.
    typename Simd::I16 values(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      const RowRequantizer& rq = e.requantizers[r];
      const auto bias = typename Simd::I32(rq.bias);
      const auto shift = typename Simd::I32(rq.shift);
      lo = Simd::shift_right_each(lo + bias, shift);
      hi = Simd::shift_right_each(hi + bias, shift);
      const auto x = kCodes ? Simd::pack32_in_lanes(lo, hi) : Simd::pack32(lo, hi);
      return sadd(Simd::multiply_q15(x, Simd::set16(rq.multiplier)), Simd::set16(e.out_zero));
    }
    typename Simd::Codes clamped_codes(typename Simd::I16 first, typename Simd::I16 second) const {
      return min(Simd::lane_codes(first, second), typename Simd::Codes(static_cast<std::uint8_t>(e.max_code)));
    }
  };
};

// Scores, and of every row the maximum in each lane of a register: so that they are not read once more for it.
template <typename Simd>
struct ScoresEpilogue {
  static constexpr int kLanes = Simd::kLanes32;

  std::int32_t* dst;
  std::ptrdiff_t stride;
  const std::int32_t* column_bias;
  std::int32_t* maxima;  // [rows][kLanes], to begin with INT32_MIN

  template <bool kHalf>
  struct Columns {
    static constexpr bool kFewRows = true;
    const ScoresEpilogue& e;
    std::int32_t* dst;
    const std::int32_t* bias;
    Columns(const ScoresEpilogue& epilogue, int column)
        : e(epilogue), dst(epilogue.dst + column), bias(epilogue.column_bias + column) {}
    typename Simd::I32 bias_lo() const { return Simd::load32(bias); }
    typename Simd::I32 bias_hi() const { return kHalf ? typename Simd::I32(0) : Simd::load32(bias + kLanes); }
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      std::int32_t* out = dst + r * e.stride;
      std::int32_t* in_lanes = e.maxima + std::ptrdiff_t{r} * kLanes;
      auto most = max(Simd::load32(in_lanes), lo);
      Simd::store(out, lo);
      if constexpr (!kHalf) {
        Simd::store(out + kLanes, hi);
        most = max(most, hi);
      }
      Simd::store(in_lanes, most);
    }
  };
};

// The number that is taken off the head's codes of K or V, so that they are signed weights. Any number would do: one
// taken off K moves all scores of a row alike, and the row's bias makes up for one taken off V. It is half of 8 bits'
// range or, where small weights are faster, of the range of as many bits as the codes have.
template <typename CodesOf>
int middle_code(int keys, int head_dim, const CodesOf& codes_of) {
  if constexpr (!Multiplier::kSmallWeightsAreFaster) return 128;
  unsigned all = 1;
  for (int j = 0; j < keys && all < 128; ++j) {
    const std::uint8_t* codes = codes_of(j);
    for (int d = 0; d < head_dim; ++d) all |= codes[d];
  }
  return static_cast<int>(std::bit_floor(all));
}

// Has rows [first, last) of q, k or v on their way to the first or second cache level.
template <int kLevel>
void fetch_codes(const std::uint8_t* codes, std::ptrdiff_t stride, int head_dim, int first, int last) {
  for (int j = first; j < last; ++j) {
    for (int d = 0; d < head_dim; d += 64) prefetch<kLevel>(codes + j * stride + d);
  }
}

// One head: what its sets have in common.
template <typename Simd, int kDepthStep, typename Element, typename Scores, typename Meanwhile>
class AttentionOfHead {
 public:
  explicit AttentionOfHead(const AttentionArgs& args)
      : args_(args),
        layout_(attention_scratch(args.tokens, args.head_dim)),
        scratch_(static_cast<std::uint8_t*>(args.scratch)),
        padded_dim_(padded_depth(args.head_dim)),
        softmax_(attention_softmax(args, second_plane(), scratch_ + layout_.softmax)),
        softmax_rows_(softmax_),
        next_(args.next, args.next_bytes, static_cast<std::size_t>(steps())) {
    static_assert(kLargestQueryBlock <= SoftmaxBlock::kMaxRows);
  }

  void attend(const AttentionSet& set) {
    fetch_first(set);
    pack(set);
    const int most = queries_of_block(set.keys);
    Rows before{};  // whose results are still to be made
    for (int begin = set.query_begin; begin < set.query_end; begin += most) {
      const int rows = std::min(most, set.query_end - begin);
      fetch_next(set, begin, rows);
      const int padded_keys = padded_depth(set.keys);
      make_scores(set, begin, rows, padded_keys);
      auto* scores = reinterpret_cast<std::int32_t*>(scratch_ + layout_.scores);
      reduce_rows<Simd>(
          rows, maxima_,
          [&](int r) {
            return finds_maxima(set) ? Simd::load32(lane_maxima(r))
                                     : row_maxima<Simd>(scores + std::ptrdiff_t{r} * padded_keys, set.keys);
          },
          [](typename Simd::I32 x, typename Simd::I32 y) { return max(x, y); });
      std::uint8_t* codes = scratch_ + layout_.codes;
      if (before.codes == codes) codes += second_plane();
      const SoftmaxBlock block{
          rows,  scores,      padded_keys, maxima_, reinterpret_cast<std::int16_t*>(scores), 2 * padded_keys,
          codes, padded_keys, sums_};
      if (before.count == 0) {
        softmax_rows_(block);
      } else if constexpr (kHasMeanwhile) {
        meanwhile_.begin(block, softmax_.scale, set.keys);
        make_results(set, before, padded_keys);
        meanwhile_.finish();
      }
      for (int r = 0; r < rows; ++r) requantizers_[r] = row_requantizer(head_, sums_[r], kMultiplierBits);
      const Rows these{begin, rows, codes};
      if (softmax_waits() && begin + rows < set.query_end) {
        before = these;
      } else {
        make_results(set, these, padded_keys);
      }
    }
  }

 private:
  // Queries of one block and their probabilities.
  struct Rows {
    int begin, count;
    const std::uint8_t* codes;
  };

  static constexpr bool kHasMeanwhile = !std::is_same_v<Meanwhile, NothingMeanwhile>;
  static constexpr int kMultiplierBits = sizeof(Element) == 1 ? kCodeMultiplierBits : kValueMultiplierBits;

  static constexpr int queries_of_block(int keys) {
    return Multiplier::kSumsStayInTiles && keys > kFewKeys ? kQueryBlock : query_block(keys);
  }
  // Whether the scores' epilogue does.
  static bool finds_maxima(const AttentionSet& set) { return !Multiplier::kSumsStayInTiles && set.bias == nullptr; }

  // Whether softmax of a block is done while the results of the one before are made.
  bool softmax_waits() const {
    return kHasMeanwhile && softmax_.kind == SoftmaxKind::exponential && softmax_.scale.left_shift == 0;
  }

  // Bytes from a block's softmax codes to the second plane of them.
  std::ptrdiff_t second_plane() const { return static_cast<std::ptrdiff_t>((layout_.softmax - layout_.codes) / 2); }
  // Blocks of all sets, for what is fetched ahead meanwhile.
  int steps() const {
    if (args_.sets.rows != nullptr) return args_.sets.end - args_.sets.begin;
    const int most = queries_of_block(args_.tokens);
    return (args_.query_end - args_.query_begin + most - 1) / most;
  }

  // Of rows in order, whose places hardware and other threads know.
  void fetch_first(const AttentionSet& set) const {
    if (!args_.written_elsewhere || set.rows != nullptr) return;
    fetch_codes<1>(args_.k, args_.k_stride, args_.head_dim, 0, set.keys);
    fetch_codes<1>(args_.v, args_.v_stride, args_.head_dim, 0, set.keys);
    fetch_codes<1>(args_.q, args_.q_stride, args_.head_dim, set.query_begin,
                   std::min(set.query_begin + queries_of_block(set.keys), set.query_end));
  }

  // The next queries and, so that all is by the last block of queries, a part of k and v of the next head: as much with
  // every block as there are blocks for.
  void fetch_next(const AttentionSet& set, int begin, int rows) {
    if (set.rows != nullptr) {
      if (begin == set.query_begin) next_.fetch();
      return;
    }
    next_.fetch();
    const int most = queries_of_block(set.keys);
    if (args_.written_elsewhere) {
      fetch_codes<1>(args_.q, args_.q_stride, args_.head_dim, begin + rows,
                     std::min(begin + rows + most, set.query_end));
    }
    if (!args_.next_head) return;
    const int left = (set.query_end - begin + most - 1) / most;
    const int end = fetched_ + (set.keys - fetched_) / left;
    fetch_codes<2>(args_.k + args_.head_dim, args_.k_stride, args_.head_dim, fetched_, end);
    fetch_codes<2>(args_.v + args_.head_dim, args_.v_stride, args_.head_dim, fetched_, end);
    fetched_ = end;
  }

  void pack(const AttentionSet& set) {
    const auto key = [&](int j) { return key_codes(args_, set, j); };
    const auto value = [&](int j) { return value_codes(args_, set, j); };
    const int middle_key = middle_code(set.keys, args_.head_dim, key);
    const int middle_value = middle_code(set.keys, args_.head_dim, value);
    const int key_depth = (args_.head_dim + kDepthStep - 1) / kDepthStep * kDepthStep;
    const int value_depth = (set.keys + kDepthStep - 1) / kDepthStep * kDepthStep;
    pack_keys(args_, set, key_depth, middle_key, scratch_ + layout_.keys, key_bias());
    pack_values(args_, set, value_depth, middle_value, scratch_ + layout_.values);
    key_weights_ = {scratch_ + layout_.keys, nullptr, 8, set.keys, key_depth, true, middle_key};
    value_weights_ = {scratch_ + layout_.values, nullptr, 8, args_.head_dim, value_depth, true, middle_value};
    Multiplier::prepare(key_weights_, scratch_ + layout_.wide_keys);
    Multiplier::prepare(value_weights_, scratch_ + layout_.wide_values);
    head_ = args_.head;
    head_.v_zero += 128 - middle_value;  // row_requantizer() takes values for codes minus 128
    softmax_rows_.set_columns(set.keys, padded_depth(set.keys));
  }

  // Whole steps of rows in order are read in place; others are copied, with zeros behind them.
  void make_scores(const AttentionSet& set, int begin, int rows, int padded_keys) {
    const std::uint8_t* q = args_.q + set.row(begin) * args_.q_stride;
    std::ptrdiff_t q_stride = args_.q_stride;
    const bool whole_steps = args_.head_dim % kDepthStep == 0;
    if (!whole_steps || !set.in_order(begin, rows)) {
      std::uint8_t* queries = scratch_ + layout_.rows;
      for (int r = 0; r < rows; ++r) {
        std::uint8_t* query = queries + r * padded_dim_;
        if (!whole_steps) std::memset(query, 0, static_cast<std::size_t>(padded_dim_));
        copy_bytes(query, args_.q + set.row(begin + r) * args_.q_stride, static_cast<std::size_t>(args_.head_dim));
      }
      q = queries;
      q_stride = padded_dim_;
    }
    auto* scores = reinterpret_cast<std::int32_t*>(scratch_ + layout_.scores);
    if (finds_maxima(set)) {
      // Padding columns have the scores of the last key.
      if constexpr (std::is_same_v<Scores, ScoresByEpilogue>) {
        for (int r = 0; r < rows; ++r) Simd::store(lane_maxima(r), typename Simd::I32(INT32_MIN));
        multiply_(q, q_stride, rows, key_weights_, scratch_ + layout_.gemm,
                  ScoresEpilogue<Simd>{scores, padded_keys, key_bias(), lane_maxima(0)});
      } else {
        Scores::make(q, q_stride, rows, key_weights_, key_bias(), scores, padded_keys, lane_maxima(0));
      }
    } else if (set.bias == nullptr) {
      multiply_(q, q_stride, rows, key_weights_, scratch_ + layout_.gemm,
                AccumulatorsEpilogue<Simd>{scores, padded_keys, key_bias()});
    } else {
      multiply_(q, q_stride, rows, key_weights_, scratch_ + layout_.gemm,
                BiasedScoresEpilogue<Simd>{scores, padded_keys, key_bias(), args_.head.softmax.left_shift,
                                           set.bias + begin * set.bias_stride(), set.bias_stride(), args_.bias_shift});
    }
  }

  // Whole panels of rows in order are written in place.
  void make_results(const AttentionSet& set, const Rows& rows, int padded_keys) {
    const bool in_place = args_.head_dim % kPanelColumns == 0 && set.in_order(rows.begin, rows.count);
    auto* dst = static_cast<Element*>(args_.dst);
    auto* output = reinterpret_cast<Element*>(scratch_ + layout_.output);
    const AttentionEpilogue<Simd, Element, Meanwhile> epilogue{
        requantizers_,
        args_.head.out_zero,
        args_.max_code,
        in_place ? dst + set.row(rows.begin) * args_.dst_stride : output,
        in_place ? args_.dst_stride : padded_dim_,
        &meanwhile_};
    multiply_(rows.codes, padded_keys, rows.count, value_weights_, scratch_ + layout_.gemm, epilogue,
              softmax_.plane_stride);
    if (in_place) return;
    for (int r = 0; r < rows.count; ++r) {
      copy_bytes(dst + set.row(rows.begin + r) * args_.dst_stride, output + r * padded_dim_,
                 static_cast<std::size_t>(args_.head_dim) * sizeof(Element));
    }
  }

  std::int32_t* lane_maxima(int row) { return lane_maxima_ + std::ptrdiff_t{row} * Simd::kLanes32; }
  std::int32_t* key_bias() const { return reinterpret_cast<std::int32_t*>(scratch_ + layout_.key_bias); }

  const AttentionArgs& args_;
  const AttentionScratch layout_;
  std::uint8_t* const scratch_;
  const int padded_dim_;
  const SoftmaxArgs softmax_;
  SoftmaxRows<Simd> softmax_rows_;
  WantedNext next_;
  Multiplier multiply_;
  LinearWeights key_weights_{}, value_weights_{};
  AttentionHead head_{};
  Meanwhile meanwhile_;
  int fetched_ = 0;  // rows of the next head that earlier blocks have fetched
  alignas(64) std::int32_t lane_maxima_[std::size_t{kLargestQueryBlock} * Simd::kLanes32];
  std::int32_t maxima_[kLargestQueryBlock];
  SoftmaxSums sums_[kLargestQueryBlock];
  RowRequantizer requantizers_[kLargestQueryBlock];
};

// kDepthStep: the depths that Multiplier likes are multiples of this, which divides kDepthPadding.
template <typename Simd, int kDepthStep = kGroupDepth, typename Scores = ScoresByEpilogue,
          typename Meanwhile = NothingMeanwhile>
void attention_rows(const AttentionArgs& args) {
  const auto attend = [&](auto&& head) { for_each_set(args, [&](const AttentionSet& set) { head.attend(set); }); };
  if (args.values) {
    attend(AttentionOfHead<Simd, kDepthStep, std::int16_t, Scores, Meanwhile>(args));
  } else {
    attend(AttentionOfHead<Simd, kDepthStep, std::uint8_t, Scores, Meanwhile>(args));
  }
}

}  // namespace
}  // namespace intvit::kernels
