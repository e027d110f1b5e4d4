#include <immintrin.h>

#include "converter/float/vectors/loops.h"

namespace intvit {
namespace {

struct Avx2Arch : xsimd::fma3<xsimd::avx2> {};

}  // namespace
}  // namespace intvit

namespace xsimd::types {
XSIMD_DECLARE_SIMD_REGISTER_ALIAS(intvit::Avx2Arch, avx2);
}  // namespace xsimd::types

namespace intvit {
namespace {

struct Avx2 : Floats<Avx2Arch> {
  static D widen(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
  static void narrow(D v, float* p) { _mm_storeu_ps(p, _mm256_cvtpd_ps(v)); }
};

}  // namespace

extern const VectorFunctions vector_functions_avx2;
const VectorFunctions vector_functions_avx2 = functions_of<Avx2>();

}  // namespace intvit
