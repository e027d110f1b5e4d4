// Codes in parts that vpmaddubsw multiplies exactly by 8-bit weights.
//
// vpmaddubsw adds two products of u8 and s8 in 16 bits, where they saturate; but not as long as the two codes add up to
// at most 256, for any weights from -128 to 127. So the codes of a tile of rows are taken apart:
//
//   code = offset + main + extra
//
// The offset is one number for the tile: it is multiplied by the sums of the columns' weights, once a tile and panel.
// Main codes are at least 0 and keep within the limit. What does not fit, codes below the offset and large pairs, goes
// to extras: one row's codes in one group (kernels/gemm/tiles.h), to be added or subtracted. Codes crowd around their
// mean, so extras are few: in 0.2 to 1 % of the groups that the layers of DeiT-Tiny's blocks read. Where there are
// many, rows are not worth splitting, and split() says so.
//
// What it is for: three instructions and two multiplications for 32 products, where widened codes take four and two.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "kernels/gemm/linear.h"
#include "kernels/simd/ymm.h"

namespace intvit::kernels {
namespace {

// Of one row: four codes as they lie in memory, to be multiplied by the weights of the group.
struct ExtraCodes {
  std::uint32_t codes;
  std::uint16_t group;
  std::uint16_t row;
};
static_assert(sizeof(ExtraCodes) == 8);

class SplitCodes {
 public:
  static constexpr int kTileRows = 4;
  static constexpr int kMaxRows = 25 * kTileRows;

  static constexpr std::size_t scratch_bytes(int k) {
    return static_cast<std::size_t>(kMaxRows) * static_cast<std::size_t>(k) +
           static_cast<std::size_t>(max_extras(kMaxRows, k)) * sizeof(ExtraCodes);
  }

  // Attention's short sums and few columns are faster with widened codes.
  static bool pays_for(const LinearWeights& weights) { return weights.n >= 96 && weights.used_depth() >= 96; }

  SplitCodes(int k, void* scratch)
      : k_(k),
        main_(static_cast<std::uint8_t*>(scratch)),
        extras_(reinterpret_cast<ExtraCodes*>(main_ + static_cast<std::ptrdiff_t>(kMaxRows) * k)) {}

  // At most kMaxRows rows; k is a multiple of 4. False: they have too many extras.
  bool split(const std::uint8_t* src, std::ptrdiff_t stride, int rows) {
    rows_ = rows;
    added_end_ = extras_;
    subtracted_begin_ = subtracted_end_ = extras_ + max_extras(rows, k_);
    any_offset_ = 0;
    for (int row = 0; row < rows; ++row, src += stride) {
      int& offset = offsets_[row / kTileRows];
      if (row % kTileRows == 0) offset = row_offset(src);
      any_offset_ |= offset;
      if (!split_row(src, row, offset)) return false;
    }
    return true;
  }

  int rows() const { return rows_; }
  const std::uint8_t* main(int row) const { return main_ + static_cast<std::ptrdiff_t>(row) * k_; }
  int offset(int row) const { return offsets_[row / kTileRows]; }
  bool any_offset() const { return any_offset_ != 0; }
  std::span<const ExtraCodes> added() const { return {extras_, added_end_}; }
  std::span<const ExtraCodes> subtracted() const { return {subtracted_begin_, subtracted_end_}; }

 private:
  // More of them take longer than widened codes and weights do.
  static constexpr int max_extras(int rows, int k) { return rows * (k / kGroupDepth) / 8; }

  // From 80 below the row's mean, as far as the limit goes, is most of what crowds around it; a tile's rows are alike.
  // At most 128, so that what is below it needs no limit of its own.
  int row_offset(const std::uint8_t* src) const {
    __m256i sums = _mm256_setzero_si256();
    int i = 0;
    for (; i + 32 <= k_; i += 32) {
      sums = _mm256_add_epi64(sums, _mm256_sad_epu8(Ymm::load(src + i), _mm256_setzero_si256()));
    }
    const __m128i halves = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    auto sum = static_cast<int>(_mm_cvtsi128_si64(halves) + _mm_extract_epi64(halves, 1));
    for (; i < k_; ++i) sum += src[i];
    const int mean = sum / k_;
    return mean < 80 ? 0 : mean > 80 + 128 ? 128 : mean - 80;
  }

  // 32 codes taken apart as far as nearly all of them need.
  struct Parts {
    __m256i above, below;  // the offset, by how much
    __m256i large;         // which pairs of those above are beyond the limit

    Parts(__m256i codes, __m256i offset)
        : above(_mm256_subs_epu8(codes, offset)),
          below(_mm256_subs_epu8(offset, codes)),
          large(_mm256_cmpgt_epi16(_mm256_maddubs_epi16(above, _mm256_set1_epi8(1)), _mm256_set1_epi16(256))) {}
    __m256i extra() const { return _mm256_or_si256(below, large); }
  };

  // False: there is no room for its extras.
  bool split_row(const std::uint8_t* src, int row, int offset) {
    std::uint8_t* main = main_ + static_cast<std::ptrdiff_t>(row) * k_;
    const __m256i offsets = _mm256_set1_epi8(static_cast<char>(offset));
    int i = 0;
    for (; i + 64 <= k_; i += 64) {
      const Parts left(Ymm::load(src + i), offsets), right(Ymm::load(src + i + 32), offsets);
      Ymm::store(main + i, left.above);
      Ymm::store(main + i + 32, right.above);
      const __m256i extra = _mm256_or_si256(left.extra(), right.extra());
      if (_mm256_testz_si256(extra, extra)) continue;
      if (!add_extras(left, main + i, row, i) || !add_extras(right, main + i + 32, row, i + 32)) return false;
    }
    for (; i + 32 <= k_; i += 32) {
      const Parts parts(Ymm::load(src + i), offsets);
      Ymm::store(main + i, parts.above);
      if (!add_extras(parts, main + i, row, i)) return false;
    }
    if (const int count = k_ - i; count > 0) {
      std::uint8_t codes[32];
      std::memset(codes, offset, sizeof codes);
      std::memcpy(codes, src + i, static_cast<std::size_t>(count));
      const Parts parts(Ymm::load(codes), offsets);
      Ymm::store(codes, parts.above);
      if (!add_extras(parts, codes, row, i)) return false;
      std::memcpy(main + i, codes, static_cast<std::size_t>(count));
    }
    return true;
  }

  // Of the codes from `first` on, whose main codes it corrects.
  bool add_extras(const Parts& parts, std::uint8_t* main, int row, int first) {
    const __m256i extra = parts.extra();
    if (_mm256_testz_si256(extra, extra)) return true;
    const __m256i limit = _mm256_sub_epi8(_mm256_set1_epi8(-1), _mm256_and_si256(parts.large, _mm256_set1_epi8(127)));
    const __m256i kept = _mm256_min_epu8(parts.above, limit);
    Ymm::store(main, kept);
    const auto each_group = [&](__m256i codes, const auto& place) {
      std::uint32_t groups[8];
      Ymm::store(groups, codes);
      const __m256i none = _mm256_cmpeq_epi32(codes, _mm256_setzero_si256());
      auto some = static_cast<unsigned>(~_mm256_movemask_ps(_mm256_castsi256_ps(none)) & 0xff);
      for (; some != 0; some &= some - 1) {
        if (added_end_ == subtracted_begin_) return false;
        const int g = std::countr_zero(some);
        *place() = {groups[g], static_cast<std::uint16_t>(first / kGroupDepth + g), static_cast<std::uint16_t>(row)};
      }
      return true;
    };
    return each_group(_mm256_sub_epi8(parts.above, kept), [&] { return added_end_++; }) &&
           each_group(parts.below, [&] { return --subtracted_begin_; });
  }

  int k_;
  std::uint8_t* main_;
  // Those to be added grow upwards from the beginning, those to be subtracted downwards from the end.
  ExtraCodes* extras_;
  ExtraCodes* added_end_ = nullptr;
  ExtraCodes* subtracted_begin_ = nullptr;
  ExtraCodes* subtracted_end_ = nullptr;
  int rows_ = 0;
  int any_offset_ = 0;
  int offsets_[kMaxRows / kTileRows];  // of each tile
};

}  // namespace
}  // namespace intvit::kernels
