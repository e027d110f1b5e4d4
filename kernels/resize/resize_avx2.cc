// The resize with AVX2. Sums are 32-bit and integer additions may be reordered freely, so equality with the scalar law
// needs no argument beyond "the same products are added".
//
// Row: a 256-bit register holds two output pixels, a 128-bit lane each, with one 32-bit sum per channel. A lane takes
// four taps from one 16-byte load: byte shuffles pick tap t's channels as zero-extended 32-bit numbers.
// Column: 32 samples at a time, 8 to a register.
#include <immintrin.h>

#include <cstring>

#include "kernels/resize/resize_simd.h"
#include "kernels/simd/avx2.h"

namespace intvit::kernels {
namespace {

// Up to 16 samples at src[index], none at or beyond src[end]; what is missing is 0.
__m128i load_samples(const std::uint8_t* src, std::ptrdiff_t index, std::ptrdiff_t end) {
  const std::ptrdiff_t available = end - index;
  if (available >= 16) [[likely]]
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + index));
  alignas(16) std::uint8_t part[16] = {};
  if (available > 0) std::memcpy(part, src + index, static_cast<std::size_t>(available));
  return _mm_load_si128(reinterpret_cast<const __m128i*>(part));
}

__m256i join(__m128i low, __m128i high) { return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1); }

__m256i load_weights(const std::int32_t* low, const std::int32_t* high) {
  return join(_mm_loadu_si128(reinterpret_cast<const __m128i*>(low)),
              _mm_loadu_si128(reinterpret_cast<const __m128i*>(high)));
}

// Byte shuffle that makes 32-bit numbers of the channels of tap `tap`; lanes beyond the last channel become 0.
template <int channels>
__m256i tap_shuffle(int tap) {
  alignas(16) std::int8_t pattern[16];
  for (int i = 0; i < 16; ++i) pattern[i] = -1;
  for (int c = 0; c < channels; ++c) pattern[4 * c] = static_cast<std::int8_t>(tap * channels + c);
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(pattern)));
}

template <int channels>
void resize_row_channels(const ResizeRowArgs& args) {
  using I32 = Avx2::I32;
  const __m256i shuffle0 = tap_shuffle<channels>(0);
  const __m256i shuffle1 = tap_shuffle<channels>(1);
  const __m256i shuffle2 = tap_shuffle<channels>(2);
  const __m256i shuffle3 = tap_shuffle<channels>(3);
  const std::int32_t* first = args.axis.first;
  const std::int32_t* taps = args.axis.taps;
  const std::ptrdiff_t stride = args.axis.taps_stride;
  const int last = args.dst_width - 1;
  const std::ptrdiff_t src_end = (static_cast<std::ptrdiff_t>(first[last]) + taps[last]) * channels;

  for (int x = 0; x <= last; x += 2) {
    const int x1 = x < last ? x + 1 : last;  // an odd width computes its last pixel twice
    const int taps_of_both = taps[x] > taps[x1] ? taps[x] : taps[x1];
    const std::int32_t* weights0 = args.axis.weights + x * stride;
    const std::int32_t* weights1 = args.axis.weights + x1 * stride;
    std::ptrdiff_t index0 = static_cast<std::ptrdiff_t>(first[x]) * channels;
    std::ptrdiff_t index1 = static_cast<std::ptrdiff_t>(first[x1]) * channels;
    I32 sum_a(kResizeHalf), sum_b(0);
    for (int t = 0; t < taps_of_both; t += 4) {
      const __m256i samples = join(load_samples(args.src, index0, src_end), load_samples(args.src, index1, src_end));
      const __m256i weights = load_weights(weights0 + t, weights1 + t);
      const auto product = [&](__m256i shuffle, __m256i weight) {
        return I32(_mm256_shuffle_epi8(samples, shuffle)) * I32(weight);
      };
      sum_a += product(shuffle0, _mm256_shuffle_epi32(weights, 0x00)) +
               product(shuffle2, _mm256_shuffle_epi32(weights, 0xaa));
      sum_b += product(shuffle1, _mm256_shuffle_epi32(weights, 0x55)) +
               product(shuffle3, _mm256_shuffle_epi32(weights, 0xff));
      index0 += 4 * channels;
      index1 += 4 * channels;
    }
    const I32 sums = (sum_a + sum_b) >> kResizePrecisionBits;
    const __m256i values = Avx2::pack32_in_lanes(sums, sums);    // |sum| <= 512: only the next pack clamps
    const __m256i result = _mm256_packus_epi16(values, values);  // the first 4 bytes of each lane are one pixel
    const int pixel0 = _mm256_extract_epi32(result, 0);
    const int pixel1 = _mm256_extract_epi32(result, 4);
    std::memcpy(args.dst + static_cast<std::ptrdiff_t>(x) * channels, &pixel0, channels);
    std::memcpy(args.dst + static_cast<std::ptrdiff_t>(x1) * channels, &pixel1, channels);
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
  using I32 = Avx2::I32;
  static constexpr int kTaps = 1;
  I32 sums[4] = {kResizeHalf, kResizeHalf, kResizeHalf, kResizeHalf};

  void add(const ResizeColumnArgs& args, int t, int x) {
    const std::uint8_t* src = args.rows[t] + x;
    const I32 weight(args.weights[t]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) sums[i] += Avx2::load_u8_as_32(src + i * Avx2::kLanes32) * weight;
  }
  // |sum| <= 512 after the shift: only the pack to codes clamps.
  Avx2::Codes samples() const {
    return Avx2::lane_codes(Avx2::pack32_in_lanes(sums[0] >> kResizePrecisionBits, sums[1] >> kResizePrecisionBits),
                            Avx2::pack32_in_lanes(sums[2] >> kResizePrecisionBits, sums[3] >> kResizePrecisionBits));
  }
};

void resize_column(const ResizeColumnArgs& args) noexcept { resize_column_simd<Avx2, ColumnSums>(args); }

}  // namespace

extern const ResizeKernels resize_kernels_avx2;
const ResizeKernels resize_kernels_avx2 = {resize_row, resize_column};

}  // namespace intvit::kernels
