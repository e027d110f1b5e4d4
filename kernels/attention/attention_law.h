// The law for attention.h: what a row has of its own, and how a sum becomes a result.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/arithmetic/arithmetic.h"
#include "kernels/attention/attention.h"

namespace intvit::kernels {

// How a row's sums become codes: requantize() with a bias, shift and multiplier of the row's own.
struct RowRequantizer {
  std::int32_t bias;
  int shift;
  std::int16_t multiplier;
};

namespace {

// How many bits of a row's factor the multiplier has, as requantize() wants them: for codes few, so that the value
// between its two steps keeps fraction bits; for 16-bit values all, so that it keeps its range.
inline constexpr int kCodeMultiplierBits = 12;
inline constexpr int kValueMultiplierBits = 15;

// One 64-bit division per row and head.
[[maybe_unused]] inline RowRequantizer row_requantizer(const AttentionHead& head, const SoftmaxSums& sums,
                                                       int multiplier_bits) noexcept {
  // ratio / divisor = quotient * 2^-(24 + ratio_shift); any divisor < 2^32 leaves quotient >= 2^22.
  const std::uint64_t quotient = (std::uint64_t{head.ratio} << 24) / sums.divisor;
  const int bits = std::bit_width(quotient);
  RowRequantizer row;
  // The multiplier is rounded to the nearest and lies in [2^(multiplier_bits - 1), 2^multiplier_bits]. Cut off, a
  // multiplier of 12 bits would be up to 2^-11 too small, which is an eighth of a code at the end of the range.
  const auto multiplier = static_cast<std::int32_t>(((quotient >> (bits - multiplier_bits - 1)) + 1) >> 1);
  const int shift = 9 + multiplier_bits + head.ratio_shift - bits;  // factor = multiplier * 2^-15 * 2^-shift
  // Where codes are coarse and their values fine, the factor is 2^(multiplier_bits - 15) or more and the shift below 0.
  // Then the multiplier takes the shift's place, up to a factor of 1.
  const std::int32_t scaled = shift >= 0 ? multiplier : shift < -4 ? 32767 : multiplier << -shift;
  row.multiplier = static_cast<std::int16_t>(scaled > 32767 ? 32767 : scaled);
  row.shift = shift < 0 ? 0 : shift > 31 ? 31 : shift;
  const std::uint32_t rounding = row.shift == 0 ? 0 : 1u << (row.shift - 1);
  row.bias = static_cast<std::int32_t>(rounding + static_cast<std::uint32_t>(128 - head.v_zero) * sums.values);
  return row;
}

[[maybe_unused]] inline std::int16_t attention_value(std::int32_t sum, const RowRequantizer& row,
                                                     std::int32_t out_zero) noexcept {
  return saturate_s16(requantize(sum, row.bias, row.shift, row.multiplier) + out_zero);
}

[[maybe_unused]] inline std::uint8_t attention_code(std::int32_t sum, const RowRequantizer& row, std::int32_t out_zero,
                                                    int max_code) noexcept {
  const std::int16_t value = attention_value(sum, row, out_zero);
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > max_code ? max_code : value);
}

// Rows that attend to each other. Entry j of it is row rows[j], or j where rows is null.
struct AttentionSet {
  const std::int32_t* rows;
  int keys;
  int query_begin, query_end;
  const std::int16_t* bias;  // of query 0; null: none

  std::ptrdiff_t row(int entry) const noexcept { return rows == nullptr ? entry : rows[entry]; }
  // Whether entries from `first` on lie one after another in memory.
  bool in_order(int first, int count) const noexcept {
    if (rows == nullptr) return true;
    std::int32_t jumps = 0;
    for (int i = 1; i < count; ++i) jumps |= rows[first + i] - rows[first] - i;
    return jumps == 0;
  }
  std::ptrdiff_t bias_stride() const noexcept { return padded_columns(keys); }
};

[[maybe_unused]] inline const std::uint8_t* key_codes(const AttentionArgs& args, const AttentionSet& set,
                                                      int entry) noexcept {
  const std::ptrdiff_t row = set.row(entry);
  return row < 0 ? args.sets.pad_k : args.k + row * args.k_stride;
}

[[maybe_unused]] inline const std::uint8_t* value_codes(const AttentionArgs& args, const AttentionSet& set,
                                                        int entry) noexcept {
  const std::ptrdiff_t row = set.row(entry);
  return row < 0 ? args.sets.pad_v : args.v + row * args.v_stride;
}

template <typename Attend>
inline void for_each_set(const AttentionArgs& args, Attend&& attend) noexcept {
  if (args.sets.rows == nullptr) {
    return attend(AttentionSet{nullptr, args.tokens, args.query_begin, args.query_end, args.bias});
  }
  for (int s = args.sets.begin; s < args.sets.end; ++s) {
    const std::int32_t* numbers = args.sets.numbers + std::ptrdiff_t{s} * kAttentionSetNumbers;
    attend(AttentionSet{args.sets.rows + numbers[kSetFirst], numbers[kSetKeys], 0, numbers[kSetQueries],
                        args.bias == nullptr ? nullptr : args.bias + numbers[kSetBias]});
  }
}

// A sum over d that counts as a score.
[[maybe_unused]] inline std::int32_t biased_score(std::int32_t sum, std::int16_t bias, int left_shift,
                                                  int bias_shift) noexcept {
  return wrapping_add(static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) << left_shift),
                      static_cast<std::int32_t>(static_cast<std::uint32_t>(std::int32_t{bias}) << bias_shift));
}

// Softmax of one row of an attention's scores, but for the scores, how many there are, and where the values go.
// `plane_bytes` is where the second plane would begin.
[[maybe_unused]] inline SoftmaxArgs attention_softmax(const AttentionArgs& args, std::ptrdiff_t plane_bytes,
                                                      void* scratch) noexcept {
  SoftmaxArgs softmax{};
  softmax.plane_stride = args.two_planes && args.softmax_kind != SoftmaxKind::exponential ? plane_bytes : 0;
  softmax.scale = args.head.softmax;
  if (args.bias != nullptr) softmax.scale.left_shift = 0;  // scores have it
  softmax.kind = args.softmax_kind;
  softmax.table = args.softmax_table;
  softmax.scratch = scratch;
  return softmax;
}

}  // namespace
}  // namespace intvit::kernels
