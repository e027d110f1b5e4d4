// What every CPU of the family has: SSE2, or NEON.
#include "converter/float/vectors/loops.h"

namespace intvit {
namespace {

struct BaselineArch : xsimd::default_arch {};

}  // namespace
}  // namespace intvit

namespace xsimd::types {
template <typename T>
struct get_bool_simd_register<T, intvit::BaselineArch> : get_bool_simd_register<T, default_arch> {};
XSIMD_DECLARE_SIMD_REGISTER_ALIAS(intvit::BaselineArch, default_arch);
}  // namespace xsimd::types

namespace intvit {

extern const VectorFunctions vector_functions_scalar;
const VectorFunctions vector_functions_scalar = functions_of<Floats<BaselineArch>>();

}  // namespace intvit
