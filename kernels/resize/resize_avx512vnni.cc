// The resize with AVX-512 VNNI. A weight is written as three signed bytes, w = d0 + 256 d1 + 65536 d2 with every digit
// in [-128, 127] (kResizeMaxWeight), so that vpdpbusd adds four taps of u8 samples times s8 digits at once; three sums,
// one a digit, are joined at the end: sum = s0 + (s1 << 8) + (s2 << 16), exactly, modulo 2^32. Range: a digit's sum is
// at most 65535 taps * 255 * 128 < 2^31.
//
// Row: a register holds four output pixels, a 128-bit lane each; a lane has one sum per channel.
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

__m512i join(__m128i lane0, __m128i lane1, __m128i lane2, __m128i lane3) {
  const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(lane0), lane1, 1);
  const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(lane2), lane3, 1);
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

// Up to 16 samples at src[index], none at or beyond src[end]; what is missing is 0.
__m128i load_samples(const std::uint8_t* src, std::ptrdiff_t index, std::ptrdiff_t end) {
  const std::ptrdiff_t available = end - index;
  if (available >= 16) [[likely]]
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + index));
  if (available <= 0) return _mm_setzero_si128();
  return _mm_maskz_loadu_epi8(static_cast<__mmask16>((1u << available) - 1), src + index);
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

template <int channels>
void resize_row_channels(const ResizeRowArgs& args) {
  const __m512i by_channel = taps_by_channel<channels>();
  const std::int32_t* first = args.axis.first;
  const std::int32_t* taps = args.axis.taps;
  const std::ptrdiff_t stride = args.axis.taps_stride;
  const int last = args.dst_width - 1;
  const std::ptrdiff_t src_end = (static_cast<std::ptrdiff_t>(first[last]) + taps[last]) * channels;

  for (int x = 0; x <= last; x += 4) {
    int pixel[4];  // the outputs of the four lanes; beyond the last one it is computed again
    std::ptrdiff_t index[4];
    const std::int32_t* weights[4];
    int taps_of_all = 0;
    for (int lane = 0; lane < 4; ++lane) {
      pixel[lane] = x + lane < last ? x + lane : last;
      index[lane] = static_cast<std::ptrdiff_t>(first[pixel[lane]]) * channels;
      weights[lane] = args.axis.weights + pixel[lane] * stride;
      if (taps[pixel[lane]] > taps_of_all) taps_of_all = taps[pixel[lane]];
    }
    DigitSums sums;
    for (int t = 0; t < taps_of_all; t += kResizeTapBlock) {
      const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(t) * channels;
      const __m512i samples =
          join(load_samples(args.src, index[0] + offset, src_end), load_samples(args.src, index[1] + offset, src_end),
               load_samples(args.src, index[2] + offset, src_end), load_samples(args.src, index[3] + offset, src_end));
      const __m512i lane_weights = join(load_weights(weights[0] + t), load_weights(weights[1] + t),
                                        load_weights(weights[2] + t), load_weights(weights[3] + t));
      sums.add(_mm512_shuffle_epi8(samples, by_channel), digits_of(lane_weights));
    }
    const __m512i values = Avx512::pack32_in_lanes(sums.result(), sums.result());
    const __m512i result = _mm512_packus_epi16(values, values);  // the first 4 bytes of each lane are one pixel
    alignas(64) std::uint8_t bytes[64];
    _mm512_store_si512(bytes, result);
    for (int lane = 0; lane < 4; ++lane) {
      std::memcpy(args.dst + static_cast<std::ptrdiff_t>(pixel[lane]) * channels, bytes + 16 * lane, channels);
    }
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
const ResizeKernels resize_kernels_avx512vnni = {resize_row, resize_column};

}  // namespace intvit::kernels
