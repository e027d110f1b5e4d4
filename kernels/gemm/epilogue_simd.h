// The epilogues of linear.h on 32-bit sums that are still in registers. A column block is kLanes16 columns wide: the
// sums of its left half come in `lo`, those of its right half in `hi`. A half block (kHalf) has only the left columns;
// then `hi` is ignored and nothing beyond them is read or written.
//
// Every epilogue has a class Columns<kHalf> with what it knows of a column block. Sums start from bias_lo() and
// bias_hi(), or get them added. Then row(r, lo, hi) finishes row r; and pair(r, lo0, hi0, lo1, hi1), which exists where
// it saves instructions, rows r and r + 1.
#pragma once

#include "kernels/activation/gated_activation_simd.h"
#include "kernels/gemm/aside_sums.h"
#include "kernels/gemm/linear.h"
#include "kernels/gemm/linear_law.h"

namespace intvit::kernels {
namespace {

template <typename Simd, bool kHalf>
typename Simd::I16 load_values(const std::int16_t* p) {
  if constexpr (kHalf) {
    return Simd::load16_half(p);
  } else {
    return Simd::load16(p);
  }
}

template <typename Simd, bool kHalf>
void store_values(std::int16_t* p, typename Simd::I16 v) {
  if constexpr (kHalf) {
    Simd::store16_half(p, v);
  } else {
    Simd::store(p, v);
  }
}

// Sums s of 4-bit weights count sixteen times, but need not be shifted up where nothing wraps:
//
//   floor((16 s + bias) / 2^shift) = floor((s + floor(bias / 16)) / 2^(shift - 4))
//
// How many bits bias and shift can leave out like that: kNibbleShift or 0.
inline int bits_to_leave_out(const LinearArgs& args) {
  const LinearWeights& weights = args.weights;
  const bool requantizes = args.epilogue != Epilogue::logits && args.epilogue != Epilogue::accumulators;
  if (weights.bits != 4 || !requantizes) return 0;
  std::uint32_t largest_bias = 0;
  std::uint8_t least_shift = 255;
  for (int c = 0; c < padded_columns(weights.n); ++c) {
    const auto bias = static_cast<std::uint32_t>(args.requantizer.bias[c]);
    const std::uint32_t magnitude = args.requantizer.bias[c] < 0 ? 0 - bias : bias;
    largest_bias = magnitude > largest_bias ? magnitude : largest_bias;
    least_shift = args.requantizer.shift[c] < least_shift ? args.requantizer.shift[c] : least_shift;
  }
  const std::int64_t largest_code = args.plane_stride == 0 ? 255 : 65535;
  const std::int64_t largest_sum = max_sum(weights.bits, weights.k, largest_code, args.aside.most);
  return least_shift >= kNibbleShift && largest_sum + largest_bias <= INT32_MAX ? kNibbleShift : 0;
}

// kInLanes: results come in lane order (kernels/simd/avx512.h).
template <typename Simd, bool kHalf, bool kInLanes>
struct RequantizeColumns {
  typename Simd::I32 bias_lo, bias_hi, shift_lo, shift_hi;
  typename Simd::I16 multiplier;

  // left_out: see bits_to_leave_out().
  RequantizeColumns(const Requantizer& rq, int column, int left_out) {
    constexpr int kRight = Simd::kLanes32;
    const auto bias_at = [&](int c) { return Simd::load32(rq.bias + c) >> left_out; };
    const auto shift_at = [&](int c) { return Simd::load_u8_as_32(rq.shift + c) - left_out; };
    bias_lo = bias_at(column);
    shift_lo = shift_at(column);
    bias_hi = kHalf ? typename Simd::I32(0) : bias_at(column + kRight);
    shift_hi = kHalf ? typename Simd::I32(0) : shift_at(column + kRight);
    multiplier = load_values<Simd, kHalf>(rq.multiplier + column);
    if constexpr (kInLanes) multiplier = Simd::to_lane_order(multiplier);
  }

  typename Simd::I16 operator()(typename Simd::I32 lo, typename Simd::I32 hi) const {
    lo = Simd::shift_right_each(lo, shift_lo);
    if constexpr (kHalf) {
      hi = typename Simd::I32(0);
    } else {
      hi = Simd::shift_right_each(hi, shift_hi);
    }
    return Simd::multiply_q15(kInLanes ? Simd::pack32_in_lanes(lo, hi) : Simd::pack32(lo, hi), multiplier);
  }
};

// Codes of up to max_code from 16-bit results in lane order.
template <typename Simd, bool kHalf>
struct CodeColumns {
  std::uint8_t* dst;
  std::ptrdiff_t stride;
  typename Simd::Codes max_code;

  CodeColumns(const LinearArgs& args, int column)
      : dst(static_cast<std::uint8_t*>(args.dst) + column),
        stride(args.dst_stride),
        max_code(static_cast<std::uint8_t>(args.max_code)) {}

  void store(int r, typename Simd::I16 x) const {
    Simd::template store_codes_of_first<kHalf>(dst + r * stride, min(Simd::lane_codes(x, x), max_code));
  }
  void store(int r, typename Simd::I16 x0, typename Simd::I16 x1) const {
    std::uint8_t* first = dst + r * stride;
    Simd::template store_codes_of_both<kHalf>(first, first + stride, min(Simd::lane_codes(x0, x1), max_code));
  }
};

// An activation function or none, of results in any order.
template <typename Simd>
struct NoActivation {
  explicit NoActivation(const LinearArgs&) {}
  typename Simd::I16 operator()(typename Simd::I16 x) const { return x; }
  void operator()(typename Simd::I16&, typename Simd::I16&) const {}
};

template <typename Simd>
struct Activation : ActivationVectors<Simd> {
  explicit Activation(const LinearArgs& args) : ActivationVectors<Simd>(args.activation) {}
};

template <typename Simd, template <typename> class ActivationType>
struct CodesEpilogue {
  const LinearArgs& args;
  int left_out;
  AsideSums<Simd>* aside;
  ActivationType<Simd> activation{args};

  template <bool kHalf>
  struct Columns {
    AsideColumns<Simd, kHalf> aside;
    const ActivationType<Simd>& activation;
    RequantizeColumns<Simd, kHalf, true> requantize;
    CodeColumns<Simd, kHalf> results;
    Columns(const CodesEpilogue& e, int column)
        : aside(e.aside),
          activation(e.activation),
          requantize(e.args.requantizer, column, e.left_out),
          results(e.args, column) {}
    typename Simd::I32 bias_lo() const { return requantize.bias_lo; }
    typename Simd::I32 bias_hi() const { return requantize.bias_hi; }
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      results.store(r, activation(requantize(lo, hi)));
    }
    void pair(int r, typename Simd::I32 lo0, typename Simd::I32 hi0, typename Simd::I32 lo1,
              typename Simd::I32 hi1) const {
      auto x0 = requantize(lo0, hi0), x1 = requantize(lo1, hi1);
      activation(x0, x1);
      results.store(r, x0, x1);
    }
  };
};

template <typename Simd, template <typename> class ActivationType>
struct ValuesEpilogue {
  const LinearArgs& args;
  int left_out;
  AsideSums<Simd>* aside;
  ActivationType<Simd> activation{args};

  template <bool kHalf>
  struct Columns {
    AsideColumns<Simd, kHalf> aside;
    const ActivationType<Simd>& activation;
    RequantizeColumns<Simd, kHalf, false> requantize;
    std::int16_t* dst;
    std::ptrdiff_t stride;
    Columns(const ValuesEpilogue& e, int column)
        : aside(e.aside),
          activation(e.activation),
          requantize(e.args.requantizer, column, e.left_out),
          dst(static_cast<std::int16_t*>(e.args.dst) + column),
          stride(e.args.dst_stride) {}
    typename Simd::I32 bias_lo() const { return requantize.bias_lo; }
    typename Simd::I32 bias_hi() const { return requantize.bias_hi; }
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      store_values<Simd, kHalf>(dst + r * stride, activation(requantize(lo, hi)));
    }
    void pair(int r, typename Simd::I32 lo0, typename Simd::I32 hi0, typename Simd::I32 lo1,
              typename Simd::I32 hi1) const {
      auto x0 = requantize(lo0, hi0), x1 = requantize(lo1, hi1);
      activation(x0, x1);
      store_values<Simd, kHalf>(dst + r * stride, x0);
      store_values<Simd, kHalf>(dst + (r + 1) * stride, x1);
    }
  };
};

// What becomes of the sum of residual and result: nothing, or to_grid() of linear_law.h.
template <typename Simd, bool kHalf>
struct NoGrid {
  NoGrid(const LinearArgs&, int) {}
  typename Simd::I16 operator()(typename Simd::I16 x) const { return x; }
};

template <typename Simd, bool kHalf>
struct CoarseGrid {
  typename Simd::I16 power, unit, highest, lowest;

  CoarseGrid(const LinearArgs& args, int column)
      : power(load_values<Simd, kHalf>(args.coarse_power + column)),
        unit(load_values<Simd, kHalf>(args.coarse_unit + column)),
        highest(Simd::set16(args.coarse_limit)),
        lowest(Simd::set16(~args.coarse_limit)) {}

  typename Simd::I16 operator()(typename Simd::I16 x) const {
    const auto code = max(min(Simd::multiply_q15(x, power), highest), lowest);
    return code * unit;
  }
};

template <typename Simd, template <typename, bool> class Grid>
struct ResidualEpilogue {
  const LinearArgs& args;
  int left_out;
  AsideSums<Simd>* aside;

  template <bool kHalf>
  struct Columns {
    AsideColumns<Simd, kHalf> aside;
    RequantizeColumns<Simd, kHalf, false> requantize;
    Grid<Simd, kHalf> to_grid;
    const std::int16_t* residual;
    std::int16_t* dst;
    std::ptrdiff_t residual_stride, stride;
    Columns(const ResidualEpilogue& e, int column)
        : aside(e.aside),
          requantize(e.args.requantizer, column, e.left_out),
          to_grid(e.args, column),
          residual(e.args.residual + column),
          dst(static_cast<std::int16_t*>(e.args.dst) + column),
          residual_stride(e.args.residual_stride),
          stride(e.args.dst_stride) {}
    typename Simd::I32 bias_lo() const { return requantize.bias_lo; }
    typename Simd::I32 bias_hi() const { return requantize.bias_hi; }
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      const auto before = load_values<Simd, kHalf>(residual + r * residual_stride);
      store_values<Simd, kHalf>(dst + r * stride, to_grid(sadd(before, requantize(lo, hi))));
    }
  };
};

template <typename Simd>
struct AccumulatorsEpilogue {
  std::int32_t* dst;
  std::ptrdiff_t stride;
  const std::int32_t* bias;  // null, or per column: added to every row

  template <bool kHalf>
  struct Columns {
    static constexpr bool kFewRows = true;
    std::int32_t* dst;
    std::ptrdiff_t stride;
    const std::int32_t* bias;
    Columns(const AccumulatorsEpilogue& e, int column)
        : dst(e.dst + column), stride(e.stride), bias(e.bias ? e.bias + column : nullptr) {}
    typename Simd::I32 bias_lo() const { return bias ? Simd::load32(bias) : typename Simd::I32(0); }
    typename Simd::I32 bias_hi() const {
      return bias && !kHalf ? Simd::load32(bias + Simd::kLanes32) : typename Simd::I32(0);
    }
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      Simd::store(dst + r * stride, lo);
      if constexpr (!kHalf) Simd::store(dst + r * stride + Simd::kLanes32, hi);
    }
  };
};

// Sums as 32-bit numbers that are shifted to the left, and on them a 16-bit number of every row and column.
template <typename Simd>
struct BiasedScoresEpilogue {
  std::int32_t* dst;
  std::ptrdiff_t stride;
  const std::int32_t* column_bias;  // per column, added before the shift
  int left_shift;
  const std::int16_t* bias;  // [rows][bias_stride], added after it
  std::ptrdiff_t bias_stride;
  int bias_shift;

  template <bool kHalf>
  struct Columns {
    static constexpr bool kFewRows = true;
    const BiasedScoresEpilogue& e;
    int column;
    typename Simd::I32 left_shift, bias_shift;
    Columns(const BiasedScoresEpilogue& epilogue, int first)
        : e(epilogue), column(first), left_shift(epilogue.left_shift), bias_shift(epilogue.bias_shift) {}
    typename Simd::I32 bias_lo() const { return Simd::load32(e.column_bias + column); }
    typename Simd::I32 bias_hi() const {
      return kHalf ? typename Simd::I32(0) : Simd::load32(e.column_bias + column + Simd::kLanes32);
    }
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      std::int32_t* out = e.dst + r * e.stride + column;
      const std::int16_t* added = e.bias + r * e.bias_stride + column;
      Simd::store(out, score(lo, added));
      if constexpr (!kHalf) Simd::store(out + Simd::kLanes32, score(hi, added + Simd::kLanes32));
    }

   private:
    typename Simd::I32 score(typename Simd::I32 sums, const std::int16_t* added) const {
      return Simd::shift_left_each(sums, left_shift) + Simd::shift_left_each(Simd::load16_as_32(added), bias_shift);
    }
  };
};

// scale_logit() of sums that have their bias.
template <typename Simd>
typename Simd::I32 scale_logits(typename Simd::I32 sums, const std::int32_t* multipliers, const std::uint8_t* shifts) {
  if constexpr (requires { Simd::rounded_products(sums, multipliers, shifts); }) {
    return Simd::rounded_products(sums, multipliers, shifts);
  } else {
    std::int32_t elements[Simd::kLanes32];
    Simd::store(elements, sums);
    for (int i = 0; i < Simd::kLanes32; ++i) elements[i] = scale_logit(elements[i], 0, multipliers[i], shifts[i]);
    return Simd::load32(elements);
  }
}

template <typename Simd>
struct LogitsEpilogue {
  const LinearArgs& args;

  template <bool kHalf>
  struct Columns {
    static constexpr bool kFewRows = true;
    const LinearArgs& args;
    int column;
    Columns(const LogitsEpilogue& e, int first) : args(e.args), column(first) {}
    typename Simd::I32 bias_lo() const { return Simd::load32(args.requantizer.bias + column); }
    typename Simd::I32 bias_hi() const {
      return kHalf ? typename Simd::I32(0) : Simd::load32(args.requantizer.bias + column + Simd::kLanes32);
    }
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      std::int32_t* dst = static_cast<std::int32_t*>(args.dst) + r * args.dst_stride + column;
      const std::int32_t* multipliers = args.logit_multiplier + column;
      const std::uint8_t* shifts = args.logit_shift + column;
      Simd::store(dst, scale_logits<Simd>(lo, multipliers, shifts));
      if constexpr (!kHalf) {
        constexpr int kRight = Simd::kLanes32;
        Simd::store(dst + kRight, scale_logits<Simd>(hi, multipliers + kRight, shifts + kRight));
      }
    }
  };
};

// Whether code for one more kind of tiles is not worth having, since there are seldom more rows than in two of them.
template <typename Columns>
constexpr bool has_few_rows() {
  return requires { Columns::kFewRows; };
}

// R rows from `row` on, in pairs where the epilogue likes that, after values aside have been added.
template <int R, typename Columns, typename Sums>
inline __attribute__((always_inline)) void finish_rows(const Columns& columns, int row, Sums (&lo)[R], Sums (&hi)[R]) {
  if constexpr (requires { columns.aside; }) columns.aside.add(row, lo, hi);
  if constexpr (requires { columns.pair(row, lo[0], hi[0], lo[0], hi[0]); }) {
#pragma GCC unroll 7
    for (int r = 0; r + 2 <= R; r += 2) columns.pair(row + r, lo[r], hi[r], lo[r + 1], hi[r + 1]);
    if constexpr (R % 2 == 1) columns.row(row + R - 1, lo[R - 1], hi[R - 1]);
  } else {
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) columns.row(row + r, lo[r], hi[r]);
  }
}

template <typename Columns, typename Sums>
inline __attribute__((always_inline)) void finish_row(const Columns& columns, int row, Sums lo, Sums hi) {
  Sums lows[1] = {lo}, highs[1] = {hi};
  finish_rows<1>(columns, row, lows, highs);
}

// Whether sums of 4-bit weights are to be shifted up before the epilogue gets them.
template <typename EpilogueType>
bool wants_shifted_sums(const EpilogueType& epilogue) {
  if constexpr (requires { epilogue.left_out; }) {
    return epilogue.left_out == 0;
  } else {
    return true;
  }
}

template <typename EpilogueType>
bool has_aside(const EpilogueType& epilogue) {
  if constexpr (requires { epilogue.aside; }) return epilogue.aside != nullptr;
  return false;
}

// Before there are Columns of a block: its 8-bit tiles of a depth of k, and whether it has half of a block's columns.
template <typename EpilogueType>
void begin_aside(const EpilogueType& epilogue, const std::uint8_t* tiles, int k, bool half) {
  if constexpr (requires { epilogue.aside; }) {
    if (epilogue.aside != nullptr) epilogue.aside->multiply(tiles, k, half);
  }
}

}  // namespace
}  // namespace intvit::kernels
