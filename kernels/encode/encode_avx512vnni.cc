#include "kernels/encode/encode_simd.h"
#include "kernels/simd/avx512.h"

namespace intvit::kernels {
namespace {

// A binary search for 32 elements at once. In the step of size s an element that has found n thresholds so far asks
// for thresholds[n + s - 1]; each step has the table turned by s - 1 entries, so that n itself is the index.
template <int kBits>
class CodeSearch {
 public:
  explicit CodeSearch(const CodeTable& table) {
    const PaddedTable<5> padded(table);
    for (int bit = 0; bit < kBits; ++bit) {
      alignas(64) std::int16_t turned[32];
      for (int i = 0; i < 32; ++i) turned[i] = padded.thresholds[(i + (1 << bit) - 1) % 32];
      probes_[bit] = _mm512_load_si512(turned);
    }
    middle_ = _mm512_set1_epi16(padded.thresholds[(1 << (kBits - 1)) - 1]);
    values_ = _mm512_loadu_si512(padded.values);
  }

  void encode(__m512i x, std::uint8_t* dst, std::ptrdiff_t plane_stride) const {
    constexpr int kFirst = 1 << (kBits - 1);
    __m512i number = _mm512_maskz_mov_epi16(_mm512_cmpge_epi16_mask(x, middle_), _mm512_set1_epi16(kFirst));
    for (int bit = kBits - 2; bit >= 0; --bit) {
      const __m512i probe = _mm512_permutexvar_epi16(number, probes_[bit]);
      const auto size = _mm512_set1_epi16(static_cast<std::int16_t>(1 << bit));
      number = _mm512_mask_add_epi16(number, _mm512_cmpge_epi16_mask(x, probe), number, size);
    }
    store_values<Avx512>(dst, plane_stride, _mm512_permutexvar_epi16(number, values_));
  }

 private:
  __m512i probes_[kBits];
  __m512i middle_;  // what all elements ask for first
  __m512i values_;
};

void run(const EncodeArgs& args) noexcept { encode<Avx512, CodeSearch, 5>(args); }
void column_ranges(const RangeArgs& args) noexcept { column_ranges_simd<Avx512>(args); }

}  // namespace

extern const EncodeKernels encode_kernels_avx512vnni;
const EncodeKernels encode_kernels_avx512vnni = {run, column_ranges};

}  // namespace intvit::kernels
