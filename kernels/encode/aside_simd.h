// Values aside in vectors: most vectors have none, which two comparisons tell.
#pragma once

#include <bit>

#include "kernels/encode/aside_law.h"

namespace intvit::kernels {
namespace {

// Values from lowest to highest lose nothing; of the others nearly all do.
struct KeptValues {
  std::int16_t lowest, highest;

  explicit KeptValues(const AsideArgs& args) {
    // round(x / 2^fine_bits) + grid_zero is in 0..grid_max.
    const std::int32_t unit = 1 << args.fine_bits, half = unit / 2;
    const std::int32_t least = -args.grid_zero * unit - half;
    const std::int32_t most = (args.grid_max - args.grid_zero + 1) * unit - half - 1;
    lowest = saturate_s16(least < -args.outlier ? least : -args.outlier);
    highest = saturate_s16(most > args.outlier ? most : args.outlier);
  }
};

// A part of a row, a bit for every column: which values are not kept. To branch wherever a vector has one would cost
// more than all else; 64 columns at once are a branch or none.
template <typename Simd>
class ColumnsBeyond {
 public:
  static constexpr int kWords = 16, kColumns = 64 * kWords;

  explicit ColumnsBeyond(const KeptValues& kept)
      : kept_(kept), lowest_(Simd::set16(kept.lowest)), length_(Simd::set16(kept.highest - kept.lowest)) {}

  // Of `count` columns from `first` on.
  void find(const std::int16_t* src, int first, int count) {
    const int words = (count + 63) / 64;
    int c = 0;
    for (; c + 64 <= count; c += 64) words_[c / 64] = Simd::outside64(src + first + c, lowest_, length_);
    if (c < count) words_[c / 64] = 0;
    for (; c < count; ++c) {
      const std::int16_t x = src[first + c];
      words_[c / 64] |= static_cast<std::uint64_t>(x < kept_.lowest || kept_.highest < x) << (c % 64);
    }
    used_count_ = 0;
    for (int w = 0; w < words; ++w) {
      used_[used_count_] = w;
      used_count_ += words_[w] != 0 ? 1 : 0;
    }
  }

  // visit(column) for each, counted from `first`.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (int i = 0; i < used_count_; ++i) {
      const int w = used_[i];
      std::uint64_t left = words_[w];
      do {
        visit(64 * w + std::countr_zero(left));
        left &= left - 1;
      } while (left != 0);
    }
  }

 private:
  KeptValues kept_;
  typename Simd::I16 lowest_, length_;
  int used_count_ = 0;
  std::uint64_t words_[kWords];
  int used_[kWords];  // which of them have any
};

template <typename Simd>
void set_aside_simd(const AsideArgs& args) {
  ColumnsBeyond<Simd> beyond{KeptValues(args)};
  for (int r = 0; r < args.rows; ++r) {
    const std::int16_t* src = args.src + r * args.src_stride;
    AsideList list(args.lists + r * args.lists_stride, args.most);
    for (int first = 0; first < args.columns; first += beyond.kColumns) {
      beyond.find(src, first, args.columns - first < beyond.kColumns ? args.columns - first : beyond.kColumns);
      beyond.for_each([&](int c) {
        const int column = first + c;
        if (const std::int16_t excess = excess_of(src[column], args); excess != 0) list.add(column, excess);
      });
    }
    list.end();
  }
}

}  // namespace
}  // namespace intvit::kernels
