#include <immintrin.h>

#include "converter/float/vectors/loops.h"

namespace intvit {
namespace {

struct Avx512Arch : xsimd::avx512bw {};

}  // namespace
}  // namespace intvit

// From AVX-512 F, since xsimd has AVX-512 CD below BW and this set does without.
namespace xsimd::types {
template <typename T>
struct get_bool_simd_register<T, intvit::Avx512Arch> : get_bool_simd_register<T, avx512f> {};
XSIMD_DECLARE_SIMD_REGISTER_ALIAS(intvit::Avx512Arch, avx512f);
}  // namespace xsimd::types

namespace intvit {
namespace {

struct Avx512 : Floats<Avx512Arch> {
  // xsimd's fma of AVX-512 is a product and a sum.
  static F fused(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F fused_minus(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }

  static D widen(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
  static void narrow(D v, float* p) { _mm256_storeu_ps(p, _mm512_cvtpd_ps(v)); }
};

}  // namespace

extern const VectorFunctions vector_functions_avx512vnni;
const VectorFunctions vector_functions_avx512vnni = functions_of<Avx512>();

}  // namespace intvit
