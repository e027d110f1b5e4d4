// What every CPU of the family has: SSE2, or NEON. It needs no tag of its own: what the linker may take from here runs
// everywhere. (xsimd 8.1's NEON would not accept one.)
#include "converter/float/vectors/loops.h"

namespace intvit {

extern const VectorFunctions vector_functions_scalar;
const VectorFunctions vector_functions_scalar = functions_of<Floats<xsimd::default_arch>>();

}  // namespace intvit
