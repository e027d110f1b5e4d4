#include "kernels/encode/aside_simd.h"
#include "kernels/encode/encode_simd.h"
#include "kernels/encode/groups_simd.h"
#include "kernels/simd/avx2.h"

namespace intvit::kernels {
namespace {

// All thresholds are compared, in the form x > threshold - 1, which the instruction set has. For a threshold of -32768
// that does not exist in 16 bits: it counts from the start, and a bound of 32767 never does.
template <int kBits>
class CodeSearch {
  using I16 = Avx2::I16;

 public:
  explicit CodeSearch(const CodeTable& table) {
    const PaddedTable<kBits> padded(table);
    int least = 0;
    for (int k = 0; k < kBounds; ++k) {
      const bool always = padded.thresholds[k] == -32768;
      least += always ? 1 : 0;
      bounds_[k] = Avx2::set16(always ? 32767 : padded.thresholds[k] - 1);
    }
    least_ = Avx2::set16(least);
    alignas(16) std::uint8_t low[16] = {};
    alignas(16) std::uint8_t high[16] = {};
    for (int i = 0; i <= kBounds; ++i) {
      low[i] = static_cast<std::uint8_t>(padded.values[i]);
      high[i] = static_cast<std::uint8_t>(padded.values[i] >> 8);
    }
    low_ = _mm_load_si128(reinterpret_cast<const __m128i*>(low));
    high_ = _mm_load_si128(reinterpret_cast<const __m128i*>(high));
  }

  // The bytes of a value are looked up separately, in a vector that holds nothing but codes.
  void encode(I16 x, std::uint8_t* dst, std::ptrdiff_t plane_stride) const {
    const __m128i codes = codes_of(x);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), _mm_shuffle_epi8(low_, codes));
    if (plane_stride == 0) return;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + plane_stride), _mm_shuffle_epi8(high_, codes));
  }

  // Of more than 8 bits where `wide`.
  I16 values(I16 x, bool wide) const {
    const __m128i codes = codes_of(x);
    const __m256i low = _mm256_cvtepu8_epi16(_mm_shuffle_epi8(low_, codes));
    if (!wide) return I16(low);
    return I16(_mm256_or_si256(low, _mm256_slli_epi16(_mm256_cvtepu8_epi16(_mm_shuffle_epi8(high_, codes)), 8)));
  }

 private:
  __m128i codes_of(I16 x) const {
    I16 number = least_;
    for (int k = 0; k < kBounds; ++k) number = number - I16((x > bounds_[k]).data);  // what is true is -1
    return Avx2::to_codes(number);
  }

  static constexpr int kBounds = (1 << kBits) - 1;
  I16 bounds_[kBounds];
  I16 least_;
  __m128i low_, high_;
};

void run(const EncodeArgs& args) noexcept { encode<Avx2, CodeSearch, 4>(args); }
void column_ranges(const RangeArgs& args) noexcept { column_ranges_simd<Avx2>(args); }
void nearest_groups(const GroupArgs& args) noexcept { nearest_groups_simd<Avx2>(args); }
void set_aside(const AsideArgs& args) noexcept { set_aside_simd<Avx2>(args); }

}  // namespace

extern const EncodeKernels encode_kernels_avx2;
const EncodeKernels encode_kernels_avx2 = {run, column_ranges, nearest_groups, set_aside};

}  // namespace intvit::kernels
