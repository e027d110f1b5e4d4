#include "kernels/encode/aside_simd.h"
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
  using I16 = Avx512::I16;

 public:
  explicit CodeSearch(const CodeTable& table) {
    const PaddedTable<kMostBits> padded(table);
    for (int bit = 0; bit < kBits; ++bit) {
      std::int16_t turned[kEntries];
      for (int i = 0; i < kEntries; ++i) turned[i] = padded.thresholds[(i + (1 << bit) - 1) % kEntries];
      load(turned, probes_[bit]);
    }
    middle_ = I16(padded.thresholds[(1 << (kBits - 1)) - 1]);
    load(padded.values, values_);
  }

  void encode(I16 x, std::uint8_t* dst, std::ptrdiff_t plane_stride) const {
    store_values<Avx512>(dst, plane_stride, values(x, true));
  }

  I16 values(I16 x, bool) const {
    I16 number = select(x >= middle_, I16(1 << (kBits - 1)), I16(0));
    for (int bit = kBits - 2; bit >= 0; --bit) {
      number = select(x >= entries(probes_[bit], number), number + I16(1 << bit), number);
    }
    return entries(values_, number);
  }

 private:
  static constexpr int kRegisters = kBits <= 5 ? 1 : 2, kEntries = 32 * kRegisters;
  using Entries = I16[kRegisters];

  static void load(const std::int16_t* p, Entries& entries) {
    for (int i = 0; i < kRegisters; ++i) entries[i] = Avx512::load16(p + 32 * i);
  }
  static I16 entries(const Entries& table, I16 index) {
    if constexpr (kRegisters == 1) return _mm512_permutexvar_epi16(index, table[0]);
    return _mm512_permutex2var_epi16(table[0], index, table[kRegisters - 1]);
  }

  Entries probes_[kBits];
  I16 middle_;  // what all elements ask for first
  Entries values_;
};

void run(const EncodeArgs& args) noexcept { encode<Avx512, CodeSearch, kMostBits>(args); }
void column_ranges(const RangeArgs& args) noexcept { column_ranges_simd<Avx512>(args); }
void nearest_groups(const GroupArgs& args) noexcept { nearest_groups_simd<Avx512>(args); }
void set_aside(const AsideArgs& args) noexcept { set_aside_simd<Avx512>(args); }

}  // namespace

extern const EncodeKernels encode_kernels_avx512vnni;
const EncodeKernels encode_kernels_avx512vnni = {run, column_ranges, nearest_groups, set_aside};

}  // namespace intvit::kernels
