// Tables that registers hold, for 16-bit elements. How they are looked up depends on the instruction set:
// tables_avx2.h, tables_avx512.h.
#pragma once

namespace intvit::kernels {
namespace {

// 64 pairs of entries (first, second).
template <typename Simd>
struct PairTable;

// A value for each of up to kLevels ranges: look_up gives values[k] where k of the ascending thresholds are <= x.
// Both arrays have kLevels entries; the last threshold is not looked at, and those from levels - 1 on must be 32767,
// which no x may be.
template <typename Simd>
struct StepTable;

}  // namespace
}  // namespace intvit::kernels
