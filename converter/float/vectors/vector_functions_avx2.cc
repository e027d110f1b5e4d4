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

extern const VectorFunctions vector_functions_avx2;
const VectorFunctions vector_functions_avx2 = functions_of<Floats<Avx2Arch>>();

}  // namespace intvit
