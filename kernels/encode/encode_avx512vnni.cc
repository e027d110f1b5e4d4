#include "kernels/encode/encode_simd.h"
#include "kernels/encode/groups_simd.h"
#include "kernels/simd/avx512.h"

namespace intvit::kernels {
namespace {

constexpr int kMostBits = 6;

// A binary search for 32 elements at once. In the step of size s an element that has found n thresholds so far asks
// for thresholds[n + s - 1]; each step has the table turned by s - 1 entries, so that n itself is the index.
template <int kBits>
class CodeSearch {
 public:
  explicit CodeSearch(const CodeTable& table) {
    const PaddedTable<kMostBits> padded(table);
    for (int bit = 0; bit < kBits; ++bit) {
      std::int16_t turned[kEntries];
      for (int i = 0; i < kEntries; ++i) turned[i] = padded.thresholds[(i + (1 << bit) - 1) % kEntries];
      load(turned, probes_[bit]);
    }
    middle_ = _mm512_set1_epi16(padded.thresholds[(1 << (kBits - 1)) - 1]);
    load(padded.values, values_);
  }

  void encode(__m512i x, std::uint8_t* dst, std::ptrdiff_t plane_stride) const {
    constexpr int kFirst = 1 << (kBits - 1);
    __m512i number = _mm512_maskz_mov_epi16(_mm512_cmpge_epi16_mask(x, middle_), _mm512_set1_epi16(kFirst));
    for (int bit = kBits - 2; bit >= 0; --bit) {
      const __m512i probe = entries(probes_[bit], number);
      const auto size = _mm512_set1_epi16(static_cast<std::int16_t>(1 << bit));
      number = _mm512_mask_add_epi16(number, _mm512_cmpge_epi16_mask(x, probe), number, size);
    }
    store_values<Avx512>(dst, plane_stride, entries(values_, number));
  }

 private:
  static constexpr int kRegisters = kBits <= 5 ? 1 : 2, kEntries = 32 * kRegisters;
  using Entries = __m512i[kRegisters];

  static void load(const std::int16_t* p, Entries& entries) {
    for (int i = 0; i < kRegisters; ++i) entries[i] = _mm512_loadu_si512(p + 32 * i);
  }
  static __m512i entries(const Entries& table, __m512i index) {
    if constexpr (kRegisters == 1) return _mm512_permutexvar_epi16(index, table[0]);
    return _mm512_permutex2var_epi16(table[0], index, table[kRegisters - 1]);
  }

  Entries probes_[kBits];
  __m512i middle_;  // what all elements ask for first
  Entries values_;
};

void run(const EncodeArgs& args) noexcept { encode<Avx512, CodeSearch, kMostBits>(args); }
void column_ranges(const RangeArgs& args) noexcept { column_ranges_simd<Avx512>(args); }
void nearest_groups(const GroupArgs& args) noexcept { nearest_groups_simd<Avx512>(args); }

}  // namespace

extern const EncodeKernels encode_kernels_avx512vnni;
const EncodeKernels encode_kernels_avx512vnni = {run, column_ranges, nearest_groups};

}  // namespace intvit::kernels
