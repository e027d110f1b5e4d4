// The resize with AVX2. Sums are 32-bit and integer additions may be reordered freely, so equality with the scalar law
// needs no argument beyond "the same products are added".
//
// Row: a 256-bit register holds two output pixels, a 128-bit lane each, with one 32-bit sum per channel. A lane takes
// four taps from one 16-byte load: byte shuffles pick tap t's channels as zero-extended 32-bit numbers.
// Column: 32 samples at a time, 8 to a register.
#include <immintrin.h>

#include <cstring>

#include "kernels/resize/resize.h"

namespace intvit::kernels {
namespace {

constexpr std::int32_t kHalf = 1 << (kResizePrecisionBits - 1);
constexpr int kColumnBlock = 32;

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
    __m256i sum_a = _mm256_set1_epi32(kHalf);
    __m256i sum_b = _mm256_setzero_si256();
    for (int t = 0; t < taps_of_both; t += 4) {
      const __m256i samples = join(load_samples(args.src, index0, src_end), load_samples(args.src, index1, src_end));
      const __m256i weights = load_weights(weights0 + t, weights1 + t);
      const __m256i product0 =
          _mm256_mullo_epi32(_mm256_shuffle_epi8(samples, shuffle0), _mm256_shuffle_epi32(weights, 0x00));
      const __m256i product1 =
          _mm256_mullo_epi32(_mm256_shuffle_epi8(samples, shuffle1), _mm256_shuffle_epi32(weights, 0x55));
      const __m256i product2 =
          _mm256_mullo_epi32(_mm256_shuffle_epi8(samples, shuffle2), _mm256_shuffle_epi32(weights, 0xaa));
      const __m256i product3 =
          _mm256_mullo_epi32(_mm256_shuffle_epi8(samples, shuffle3), _mm256_shuffle_epi32(weights, 0xff));
      sum_a = _mm256_add_epi32(sum_a, _mm256_add_epi32(product0, product2));
      sum_b = _mm256_add_epi32(sum_b, _mm256_add_epi32(product1, product3));
      index0 += 4 * channels;
      index1 += 4 * channels;
    }
    __m256i result = _mm256_srai_epi32(_mm256_add_epi32(sum_a, sum_b), kResizePrecisionBits);
    result = _mm256_packs_epi32(result, result);   // |result| <= 512 after the shift: only the next pack clamps
    result = _mm256_packus_epi16(result, result);  // the first 4 bytes of each lane are one pixel
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

// 8 samples of one row, as 32-bit numbers.
__m256i load_column(const std::uint8_t* src) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(src)));
}

void resize_column_block(const ResizeColumnArgs& args, int x) {
  __m256i sum0 = _mm256_set1_epi32(kHalf);
  __m256i sum1 = sum0;
  __m256i sum2 = sum0;
  __m256i sum3 = sum0;
  for (int t = 0; t < args.taps; ++t) {
    const std::uint8_t* src = args.rows[t] + x;
    const __m256i weight = _mm256_set1_epi32(args.weights[t]);
    sum0 = _mm256_add_epi32(sum0, _mm256_mullo_epi32(load_column(src), weight));
    sum1 = _mm256_add_epi32(sum1, _mm256_mullo_epi32(load_column(src + 8), weight));
    sum2 = _mm256_add_epi32(sum2, _mm256_mullo_epi32(load_column(src + 16), weight));
    sum3 = _mm256_add_epi32(sum3, _mm256_mullo_epi32(load_column(src + 24), weight));
  }
  const __m256i low =
      _mm256_packs_epi32(_mm256_srai_epi32(sum0, kResizePrecisionBits), _mm256_srai_epi32(sum1, kResizePrecisionBits));
  const __m256i high =
      _mm256_packs_epi32(_mm256_srai_epi32(sum2, kResizePrecisionBits), _mm256_srai_epi32(sum3, kResizePrecisionBits));
  // Packs work within 128-bit lanes: groups of 4 samples lie in the order 0 2 4 6 | 1 3 5 7.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i result = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(args.dst + x), result);
}

void resize_column(const ResizeColumnArgs& args) noexcept {
  int x = 0;
  for (; x + kColumnBlock <= args.samples; x += kColumnBlock) resize_column_block(args, x);
  if (x == args.samples) return;
  if (args.samples >= kColumnBlock) return resize_column_block(args, args.samples - kColumnBlock);  // overlaps
  for (; x < args.samples; ++x) {
    std::int32_t sum = kHalf;
    for (int t = 0; t < args.taps; ++t) sum += args.rows[t][x] * args.weights[t];
    const std::int32_t value = sum >> kResizePrecisionBits;
    args.dst[x] = static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
  }
}

}  // namespace

extern const ResizeKernels resize_kernels_avx2;
const ResizeKernels resize_kernels_avx2 = {resize_row, resize_column};

}  // namespace intvit::kernels
