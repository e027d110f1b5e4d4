// The resize with AVX-512 VNNI. A weight is written as three signed bytes, w = d0 + 256 d1 + 65536 d2 with every digit
// in [-128, 127] (kResizeMaxWeight), so that vpdpbusd adds four taps of u8 samples times s8 digits at once; three sums,
// one a digit, are joined at the end: sum = s0 + (s1 << 8) + (s2 << 16), exactly, modulo 2^32. Range: a digit's sum is
// at most 65535 taps * 255 * 128 < 2^31.
//
// Row: a register holds four output pixels, a 128-bit lane each; a lane has one sum per channel. The digits of their
// weights are the same for every row, so plan_row() arranges them once.
// Column: 64 samples at a time from four rows, interleaved to four taps per sample.
#include <immintrin.h>

#include <cstring>

#include "kernels/resize/resize_simd.h"
#include "kernels/simd/avx512.h"

namespace intvit::kernels {
namespace {

using I32 = Avx512::I32;

// Four 32-bit weights in each 128-bit lane become their digits: the four d0 in the lane's first 32 bits, then d1, d2.
__m512i digits_of(I32 weights) {
  // Adding 128 at each digit carries where a digit would exceed 127; the xor takes the 128 off again, digit by digit.
  const I32 bias(0x808080);
  const __m512i by_digit = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  return _mm512_shuffle_epi8((weights + bias) ^ bias, by_digit);
}

struct DigitSums {
  I32 sum0 = 0, sum1 = 0, sum2 = 0;

  // samples: four taps in each 32-bit element. digits: see digits_of.
  void add(__m512i samples, __m512i digits) {
    sum0 = _mm512_dpbusd_epi32(sum0, samples, _mm512_shuffle_epi32(digits, _MM_PERM_AAAA));
    sum1 = _mm512_dpbusd_epi32(sum1, samples, _mm512_shuffle_epi32(digits, _MM_PERM_BBBB));
    sum2 = _mm512_dpbusd_epi32(sum2, samples, _mm512_shuffle_epi32(digits, _MM_PERM_CCCC));
  }

  // The rounded and shifted sums; |result| <= 512, so that a pack to 16 bits is exact and the one to 8 clamps.
  I32 result() const { return (sum0 + ((sum1 << 8) + (sum2 << 16)) + I32(kResizeHalf)) >> kResizePrecisionBits; }
};

// The 16 bytes at base + offset[i] in lane i.
template <typename T>
__m512i gather_lanes(const T* base, const std::ptrdiff_t (&offset)[4]) {
  const auto at = [&](int lane) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(base + offset[lane])); };
  __m512i lanes = _mm512_castsi128_si512(at(0));
  lanes = _mm512_inserti32x4(lanes, at(1), 1);
  lanes = _mm512_inserti32x4(lanes, at(2), 2);
  return _mm512_inserti32x4(lanes, at(3), 3);
}

__m128i load_weights(const std::int32_t* weights) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights)); }

// Byte shuffle that turns four interleaved pixels into four taps per channel; beyond the last channel there is 0.
template <int channels>
__m512i taps_by_channel() {
  alignas(16) std::int8_t pattern[16];
  for (int c = 0; c < 4; ++c) {
    for (int t = 0; t < 4; ++t) pattern[4 * c + t] = static_cast<std::int8_t>(c < channels ? t * channels + c : -1);
  }
  return _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(pattern)));
}

// Byte shuffle that moves four pixels of four bytes together.
template <int channels>
__m128i pixels_together() {
  alignas(16) std::int8_t pattern[16] = {};
  for (int i = 0; i < 4 * channels; ++i) pattern[i] = static_cast<std::int8_t>(i / channels * 4 + i % channels);
  return _mm_load_si128(reinterpret_cast<const __m128i*>(pattern));
}

// Of an axis: for each four outputs where their samples begin, then for each four outputs all digits of their weights.
// Beyond the last output it comes again.
struct RowPlan {
  int fours, blocks;

  RowPlan(const ResizeAxis& axis, int dst_width)
      : fours((dst_width + 3) / 4), blocks(axis.taps_stride / kResizeTapBlock) {}
  std::ptrdiff_t digits_at() const { return (fours * 16 + 63) / 64 * 64; }
  std::size_t bytes() const { return static_cast<std::size_t>(digits_at() + std::ptrdiff_t{fours} * blocks * 64); }
};

std::size_t row_plan_bytes(const ResizeAxis& axis, int dst_width) noexcept { return RowPlan(axis, dst_width).bytes(); }

void plan_row(const ResizeAxis& axis, int dst_width, int channels, void* plan) noexcept {
  const RowPlan size(axis, dst_width);
  auto* begin = static_cast<std::int32_t*>(plan);
  auto* digits = static_cast<std::uint8_t*>(plan) + size.digits_at();
  for (int four = 0; four < size.fours; ++four) {
    std::ptrdiff_t weight[4];
    for (int lane = 0; lane < 4; ++lane) {
      const int x = 4 * four + lane < dst_width ? 4 * four + lane : dst_width - 1;
      *begin++ = axis.first[x] * channels;
      weight[lane] = static_cast<std::ptrdiff_t>(x) * axis.taps_stride;
    }
    for (int t = 0; t < axis.taps_stride; t += kResizeTapBlock, digits += 64) {
      _mm512_store_si512(digits, digits_of(gather_lanes(axis.weights + t, weight)));
    }
  }
}

// The 16 samples at src + begin of every lane, none at or beyond src[end]; what is missing is 0.
__m512i samples_before_end(const std::uint8_t* src, const std::ptrdiff_t (&begin)[4], std::ptrdiff_t end) {
  alignas(64) std::uint8_t samples[64] = {};
  for (int lane = 0; lane < 4; ++lane) {
    const std::ptrdiff_t count = end - begin[lane];
    if (count > 0)
      std::memcpy(samples + 16 * lane, src + begin[lane], static_cast<std::size_t>(count < 16 ? count : 16));
  }
  return _mm512_load_si512(samples);
}

template <int channels>
void resize_row_channels(const ResizeRowArgs& args) {
  const __m512i by_channel = taps_by_channel<channels>();
  const __m128i together = pixels_together<channels>();
  const int last = args.dst_width - 1;
  const std::ptrdiff_t src_end = (static_cast<std::ptrdiff_t>(args.axis.first[last]) + args.axis.taps[last]) * channels;
  const RowPlan size(args.axis, args.dst_width);
  const auto* begin = static_cast<const std::int32_t*>(args.plan);
  const auto* digits = static_cast<const std::uint8_t*>(args.plan) + size.digits_at();
  for (int x = 0; x <= last; x += 4, begin += 4) {
    std::ptrdiff_t at[4] = {begin[0], begin[1], begin[2], begin[3]};  // they do not fall
    DigitSums sums;
    for (int block = 0; block < size.blocks; ++block, digits += 64) {
      const __m512i samples =
          at[3] + 16 <= src_end ? gather_lanes(args.src, at) : samples_before_end(args.src, at, src_end);
      sums.add(_mm512_shuffle_epi8(samples, by_channel), _mm512_load_si512(digits));
      for (std::ptrdiff_t& sample : at) sample += kResizeTapBlock * channels;
    }
    const __m128i bytes = _mm512_cvtusepi32_epi8(_mm512_max_epi32(sums.result(), _mm512_setzero_si512()));
    const int pixels = last - x < 3 ? last - x + 1 : 4;
    _mm_mask_storeu_epi8(args.dst + static_cast<std::ptrdiff_t>(x) * channels,
                         static_cast<__mmask16>((1u << pixels * channels) - 1), _mm_shuffle_epi8(bytes, together));
  }
}

void resize_row(const ResizeRowArgs& args) noexcept {
  if (args.dst_width <= 0) return;
  switch (args.channels) {
    case 1:
      return resize_row_channels<1>(args);
    case 2:
      return resize_row_channels<2>(args);
    case 3:
      return resize_row_channels<3>(args);
    default:
      return resize_row_channels<4>(args);
  }
}

struct ColumnSums {
  static constexpr int kTaps = kResizeTapBlock;
  DigitSums sums[4];

  void add(const ResizeColumnArgs& args, int t, int x) {
    __m512i row[kTaps];  // beyond the last tap: the last row again, its weight is 0
    for (int i = 0; i < kTaps; ++i) {
      row[i] = _mm512_loadu_si512(args.rows[t + i < args.taps ? t + i : args.taps - 1] + x);
    }
    const __m512i digits = digits_of(_mm512_broadcast_i32x4(load_weights(args.weights + t)));
    const __m512i low01 = _mm512_unpacklo_epi8(row[0], row[1]);
    const __m512i high01 = _mm512_unpackhi_epi8(row[0], row[1]);
    const __m512i low23 = _mm512_unpacklo_epi8(row[2], row[3]);
    const __m512i high23 = _mm512_unpackhi_epi8(row[2], row[3]);
    // Of each lane's 16 samples: 0..3, 4..7, 8..11, 12..15.
    sums[0].add(_mm512_unpacklo_epi16(low01, low23), digits);
    sums[1].add(_mm512_unpackhi_epi16(low01, low23), digits);
    sums[2].add(_mm512_unpacklo_epi16(high01, high23), digits);
    sums[3].add(_mm512_unpackhi_epi16(high01, high23), digits);
  }
  // Packs work within lanes just as the unpacks did: the samples are in order again.
  Avx512::Codes samples() const {
    return _mm512_packus_epi16(Avx512::pack32_in_lanes(sums[0].result(), sums[1].result()),
                               Avx512::pack32_in_lanes(sums[2].result(), sums[3].result()));
  }
};

void resize_column(const ResizeColumnArgs& args) noexcept { resize_column_simd<Avx512, ColumnSums>(args); }

}  // namespace

extern const ResizeKernels resize_kernels_avx512vnni;
const ResizeKernels resize_kernels_avx512vnni = {resize_row, resize_column, row_plan_bytes, plan_row};

}  // namespace intvit::kernels
