// The tables of simd/tables.h on AVX-512.
#pragma once

#include "kernels/simd/avx512.h"
#include "kernels/simd/tables.h"

namespace intvit::kernels {
namespace {

// A table of 64 pairs of 16-bit entries (first, second), looked up by 32 indices at once.
template <>
struct PairTable<Avx512> {
  using I16 = Avx512::I16;
  using U16 = Avx512::U16;

  __m512i first[2], second[2];

  PairTable(const std::int16_t* firsts, const std::int16_t* seconds) {
    for (int i = 0; i < 2; ++i) {
      first[i] = _mm512_loadu_si512(firsts + 32 * i);
      second[i] = _mm512_loadu_si512(seconds + 32 * i);
    }
  }
  void look_up(U16 index, I16& first_out, I16& second_out) const {
    first_out = _mm512_permutex2var_epi16(first[0], index, first[1]);
    second_out = _mm512_permutex2var_epi16(second[0], index, second[1]);
  }
  void look_up(U16 index0, U16 index1, I16& first0, I16& second0, I16& first1, I16& second1) const {
    look_up(index0, first0, second0);
    look_up(index1, first1, second1);
  }
};

// A value for each of up to kLevels ranges: look_up gives values[k] where k of the ascending thresholds are <= x.
// Both arrays have kLevels entries; the last threshold is not looked at, and those from levels - 1 on must be 32767,
// which no x may be.
//
// A binary search that begins near its end: x is in one of as many segments as registers hold, and only the
// thresholds within it have to be searched. Those of real quantizers are one or two for 16 levels, up to seven
// for 64.
template <>
struct StepTable<Avx512> {
  using I16 = Avx512::I16;

  static constexpr int kLevels = 64;
  static constexpr int kMaxSteps = 6;
  // What is known to be reached in a segment; then `at` counts reached thresholds, and the probe is the last of the
  // next 2^step, which is entry `at` of probes[step].
  I16 first[2], probes[kMaxSteps][2], values[2];
  I16 last_of_segments, segment_shift;
  int levels, steps;

  StepTable() = default;
  StepTable(const std::int16_t* thresholds, const std::int16_t* values_in, int levels_in) : levels(levels_in) {
    const int segments = levels <= Avx512::kLanes16 ? Avx512::kLanes16 : kLevels;
    int last = levels - 1;  // thresholds that some x reaches
    while (last > 0 && thresholds[last - 1] == 32767) --last;
    const int top = last > 0 && thresholds[last - 1] > 0 ? thresholds[last - 1] : 0;
    int shift = 0;
    while (top >> shift >= segments) ++shift;
    std::int16_t firsts[kLevels];
    int reached = 0, most = 0;
    for (int segment = 0; segment < segments; ++segment) {
      while (reached < last && thresholds[reached] < segment << shift) ++reached;
      firsts[segment] = static_cast<std::int16_t>(reached);
      const int within = reached - firsts[segment > 0 ? segment - 1 : 0];
      most = within > most ? within : most;
    }
    most = last - reached > most ? last - reached : most;
    steps = 0;
    while (most >> steps != 0) ++steps;
    last_of_segments = Avx512::set16((segments << shift) - 1);
    segment_shift = Avx512::set16(shift);
    for (int segment = segments; segment < kLevels; ++segment) firsts[segment] = 0;  // never looked at
    std::int16_t padded[2 * kLevels];
    for (int k = 0; k < kLevels; ++k) padded[k] = thresholds[k];
    for (int k = kLevels - 1; k < 2 * kLevels; ++k) padded[k] = 32767;
    for (int i = 0; i < 2; ++i) {
      first[i] = Avx512::load16(firsts + Avx512::kLanes16 * i);
      for (int step = 0; step < kMaxSteps; ++step)
        probes[step][i] = Avx512::load16(padded + (1 << step) - 1 + Avx512::kLanes16 * i);
      values[i] = Avx512::load16(values_in + Avx512::kLanes16 * i);
    }
  }
  // Calls use(look_up) with the function that is fastest for this table.
  template <typename Use>
  void with_look_up(Use&& use) const {
    if (levels <= 32) {
      if (steps <= 1) return use([this](I16 x) { return look_up<false, 1>(x); });
      if (steps <= 2) return use([this](I16 x) { return look_up<false, 2>(x); });
      return use([this](I16 x) { return look_up<false, 5>(x); });
    }
    if (steps <= 1) return use([this](I16 x) { return look_up<true, 1>(x); });
    if (steps <= 3) return use([this](I16 x) { return look_up<true, 3>(x); });
    use([this](I16 x) { return look_up<true, kMaxSteps>(x); });
  }
  template <bool kBoth, int kSteps>
  I16 look_up(I16 x) const {
    I16 at = entries<kBoth>(first, _mm512_srlv_epi16(max(min(x, last_of_segments), I16(0)), segment_shift));
#pragma GCC unroll 6
    for (int step = kSteps - 1; step >= 0; --step) {
      const __mmask32 reached = _mm512_cmple_epi16_mask(entries<kBoth>(probes[step], at), x);
      at = _mm512_mask_add_epi16(at, reached, at, Avx512::set16(1 << step));
    }
    return entries<kBoth>(values, at);
  }
  template <bool kBoth>
  static I16 entries(const I16 (&table)[2], I16 index) {
    if constexpr (kBoth) return _mm512_permutex2var_epi16(table[0], index, table[1]);
    return _mm512_permutexvar_epi16(index, table[0]);
  }
};

}  // namespace
}  // namespace intvit::kernels
