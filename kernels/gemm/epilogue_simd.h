// The epilogues of linear.h on 32-bit sums that are still in registers. A column block is kLanes16 columns wide: the
// sums of its left half come in `lo`, those of its right half in `hi`. A half block (kHalf) has only the left columns;
// then `hi` is ignored and nothing beyond them is read or written.
#pragma once

#include "kernels/gemm/linear.h"
#include "kernels/lut/gated_activation_simd.h"

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
    Simd::store16(p, v);
  }
}

template <typename Simd, bool kHalf>
void store_codes(void* p, typename Simd::I16 v) {
  if constexpr (kHalf) {
    Simd::store_codes_half(p, v);
  } else {
    Simd::store_codes(p, v);
  }
}

template <typename Simd, bool kHalf>
struct RequantizeColumns {
  typename Simd::I32 bias_lo, bias_hi, shift_lo, shift_hi;
  typename Simd::I16 multiplier;

  RequantizeColumns(const Requantizer& rq, int column) {
    constexpr int kRight = Simd::kLanes32;
    bias_lo = Simd::load32(rq.bias + column);
    shift_lo = Simd::load_u8_as_32(rq.shift + column);
    bias_hi = kHalf ? Simd::zero() : Simd::load32(rq.bias + column + kRight);
    shift_hi = kHalf ? Simd::zero() : Simd::load_u8_as_32(rq.shift + column + kRight);
    multiplier = load_values<Simd, kHalf>(rq.multiplier + column);
  }

  typename Simd::I16 operator()(typename Simd::I32 lo, typename Simd::I32 hi) const {
    return Simd::multiply_q15(Simd::pack32(Simd::shift_right32_each(Simd::add32(lo, bias_lo), shift_lo),
                                           Simd::shift_right32_each(Simd::add32(hi, bias_hi), shift_hi)),
                              multiplier);
  }
};

// Where 16-bit results go: T is u8 for codes up to max_code, s16 for the values themselves.
template <typename Simd, bool kHalf, typename T>
struct ResultColumns {
  T* dst;
  std::ptrdiff_t stride;
  typename Simd::I16 max_code;

  ResultColumns(const LinearArgs& args, int column)
      : dst(static_cast<T*>(args.dst) + column),
        stride(args.dst_stride),
        max_code(Simd::set16(static_cast<std::int16_t>(args.max_code))) {}

  void store(int r, typename Simd::I16 x) const {
    if constexpr (sizeof(T) == 1) {
      store_codes<Simd, kHalf>(dst + r * stride, Simd::min16(x, max_code));
    } else {
      store_values<Simd, kHalf>(dst + r * stride, x);
    }
  }
};

template <typename Simd, typename T>
struct RequantizeEpilogue {
  const LinearArgs& args;

  template <bool kHalf>
  struct Columns {
    RequantizeColumns<Simd, kHalf> requantize;
    ResultColumns<Simd, kHalf, T> results;
    Columns(const RequantizeEpilogue& e, int column)
        : requantize(e.args.requantizer, column), results(e.args, column) {}
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const { results.store(r, requantize(lo, hi)); }
  };
};

template <typename Simd, typename T>
struct ActivationEpilogue {
  const LinearArgs& args;
  ActivationVectors<Simd> activation{args.activation};

  template <bool kHalf>
  struct Columns {
    const ActivationVectors<Simd>& activation;
    RequantizeColumns<Simd, kHalf> requantize;
    ResultColumns<Simd, kHalf, T> results;
    Columns(const ActivationEpilogue& e, int column)
        : activation(e.activation), requantize(e.args.requantizer, column), results(e.args, column) {}
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      results.store(r, activation(requantize(lo, hi)));
    }
  };
};

// What becomes of the sum of residual and result: nothing, or to_grid() of linear.h.
template <typename Simd, bool kHalf>
struct NoGrid {
  NoGrid(const LinearArgs&, int) {}
  typename Simd::I16 operator()(typename Simd::I16 x) const { return x; }
};

template <typename Simd, bool kHalf>
struct GrainGrid {
  typename Simd::I16 power, unit, highest, lowest;

  GrainGrid(const LinearArgs& args, int column)
      : power(load_values<Simd, kHalf>(args.grain_power + column)),
        unit(load_values<Simd, kHalf>(args.grain_unit + column)),
        highest(Simd::set16(args.grain_limit)),
        lowest(Simd::set16(static_cast<std::int16_t>(~args.grain_limit))) {}

  typename Simd::I16 operator()(typename Simd::I16 x) const {
    const auto code = Simd::max16(Simd::min16(Simd::multiply_q15(x, power), highest), lowest);
    return Simd::multiply_low16(code, unit);
  }
};

template <typename Simd, template <typename, bool> class Grid>
struct ResidualEpilogue {
  const LinearArgs& args;

  template <bool kHalf>
  struct Columns {
    RequantizeColumns<Simd, kHalf> requantize;
    Grid<Simd, kHalf> to_grid;
    const std::int16_t* residual;
    std::int16_t* dst;
    std::ptrdiff_t residual_stride, stride;
    Columns(const ResidualEpilogue& e, int column)
        : requantize(e.args.requantizer, column),
          to_grid(e.args, column),
          residual(e.args.residual + column),
          dst(static_cast<std::int16_t*>(e.args.dst) + column),
          residual_stride(e.args.residual_stride),
          stride(e.args.dst_stride) {}
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      const auto before = load_values<Simd, kHalf>(residual + r * residual_stride);
      store_values<Simd, kHalf>(dst + r * stride, to_grid(Simd::adds16(before, requantize(lo, hi))));
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
    std::int32_t* dst;
    std::ptrdiff_t stride;
    typename Simd::I32 bias_lo, bias_hi;
    Columns(const AccumulatorsEpilogue& e, int column) : dst(e.dst + column), stride(e.stride) {
      bias_lo = e.bias ? Simd::load32(e.bias + column) : Simd::zero();
      bias_hi = e.bias && !kHalf ? Simd::load32(e.bias + column + Simd::kLanes32) : Simd::zero();
    }
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      Simd::store32(dst + r * stride, Simd::add32(lo, bias_lo));
      if constexpr (!kHalf) Simd::store32(dst + r * stride + Simd::kLanes32, Simd::add32(hi, bias_hi));
    }
  };
};

template <typename Simd>
struct LogitsEpilogue {
  const LinearArgs& args;

  template <bool kHalf>
  struct Columns {
    const LinearArgs& args;
    int column;
    Columns(const LogitsEpilogue& e, int first) : args(e.args), column(first) {}
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      constexpr int kColumns = kHalf ? Simd::kLanes32 : 2 * Simd::kLanes32;
      std::int32_t sums[2 * Simd::kLanes32];
      Simd::store32(sums, lo);
      if constexpr (!kHalf) Simd::store32(sums + Simd::kLanes32, hi);
      std::int32_t* dst = static_cast<std::int32_t*>(args.dst) + r * args.dst_stride;
      for (int i = 0; i < kColumns; ++i) {
        const int c = column + i;
        dst[c] = scale_logit(sums[i], args.requantizer.bias[c], args.logit_multiplier[c], args.logit_shift[c]);
      }
    }
  };
};

// Calls multiply(epilogue) with the epilogue that args asks for.
template <typename Simd, typename Multiply>
void with_epilogue(const LinearArgs& args, Multiply&& multiply) {
  switch (args.epilogue) {
    case Epilogue::codes:
      return multiply(RequantizeEpilogue<Simd, std::uint8_t>{args});
    case Epilogue::activation:
      return multiply(ActivationEpilogue<Simd, std::uint8_t>{args});
    case Epilogue::values:
      return multiply(RequantizeEpilogue<Simd, std::int16_t>{args});
    case Epilogue::activation_values:
      return multiply(ActivationEpilogue<Simd, std::int16_t>{args});
    case Epilogue::residual:
      if (args.grain_power != nullptr) return multiply(ResidualEpilogue<Simd, GrainGrid>{args});
      return multiply(ResidualEpilogue<Simd, NoGrid>{args});
    case Epilogue::logits:
      return multiply(LogitsEpilogue<Simd>{args});
    case Epilogue::accumulators:
      return multiply(AccumulatorsEpilogue<Simd>{static_cast<std::int32_t*>(args.dst), args.dst_stride, nullptr});
  }
}

}  // namespace
}  // namespace intvit::kernels
