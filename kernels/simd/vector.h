// Vectors of one instruction set, for the kernels' shared algorithms (*_simd.h): xsimd's batches, whose elements have a
// type, so that vectors of 16 and of 32 bits do not mix by mistake; U16(x) takes an I16's bits for unsigned numbers.
//
// Arithmetic is xsimd's operators and its min, max, abs, sadd, ssub and select. What xsimd lacks, each instruction set
// adds under the same names: Avx2 in simd/avx2.h, Avx512 in simd/avx512.h.
//
// Arch is a tag of the file's own, in an unnamed namespace: so everything that xsimd makes for it has internal linkage,
// and the linker cannot take it for another file's.
#pragma once

#include <cstdint>
#include <xsimd/xsimd.hpp>

namespace intvit::kernels {
namespace {

template <typename Arch>
struct Vectors {
  using I16 = xsimd::batch<std::int16_t, Arch>;
  using U16 = xsimd::batch<std::uint16_t, Arch>;
  using I32 = xsimd::batch<std::int32_t, Arch>;
  using U32 = xsimd::batch<std::uint32_t, Arch>;
  using I64 = xsimd::batch<std::int64_t, Arch>;
  using U64 = xsimd::batch<std::uint64_t, Arch>;
  using Codes = xsimd::batch<std::uint8_t, Arch>;
  static constexpr int kLanes16 = I16::size;
  static constexpr int kLanes32 = I32::size;
  static constexpr int kLanes64 = I64::size;

  static I16 load16(const void* p) { return I16::load_unaligned(static_cast<const std::int16_t*>(p)); }
  static I32 load32(const void* p) { return I32::load_unaligned(static_cast<const std::int32_t*>(p)); }
  template <typename T>
  static void store(void* p, xsimd::batch<T, Arch> v) {
    v.store_unaligned(static_cast<T*>(p));
  }

  // Of 16 bits, from numbers whose low 16 bits are meant.
  static I16 set16(int x) { return I16(static_cast<std::int16_t>(x)); }

  // 64-bit partial sums of unsigned 32-bit elements.
  static U64 accumulate_u32(U64 sums, I32 a) {
    const U64 pairs(a);
    return sums + ((pairs & U64(0xffffffff)) + (pairs >> 32));
  }
};

}  // namespace
}  // namespace intvit::kernels
