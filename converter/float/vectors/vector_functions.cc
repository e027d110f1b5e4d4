#include "converter/float/vectors/vector_functions.h"

#include <dnnl.h>

namespace intvit {

extern const VectorFunctions vector_functions_scalar;
#ifdef VIT_BUILD_avx2
extern const VectorFunctions vector_functions_avx2;
#endif
#ifdef VIT_BUILD_avx512vnni
extern const VectorFunctions vector_functions_avx512vnni;
#endif

namespace {

bool onednn_may_use(dnnl_cpu_isa_t isa) { return (dnnl_get_effective_cpu_isa() & isa) == isa; }

const VectorFunctions& best_functions() {
  const VectorFunctions* best = &vector_functions_scalar;
  const auto take = [&](Isa isa) {
    if (const VectorFunctions* functions = vector_functions(isa)) best = functions;
  };
  if (onednn_may_use(dnnl_cpu_isa_avx2)) take(Isa::avx2);
  if (onednn_may_use(dnnl_cpu_isa_avx512_core)) take(Isa::avx512vnni);
  return *best;
}

}  // namespace

const VectorFunctions& vector_functions() {
  static const VectorFunctions& best = best_functions();
  return best;
}

int float_instructions() { return static_cast<int>(dnnl_get_effective_cpu_isa()); }

const VectorFunctions* vector_functions(Isa isa) {
  if (!cpu_supports(isa)) return nullptr;
  switch (isa) {
    case Isa::scalar:
      return &vector_functions_scalar;
    case Isa::avx2:
#ifdef VIT_BUILD_avx2
      // Of the CPUs with AVX2, those of VIA lack fused multiplications.
      if (__builtin_cpu_supports("fma")) return &vector_functions_avx2;
#endif
      return nullptr;
    case Isa::avx512vnni:
#ifdef VIT_BUILD_avx512vnni
      return &vector_functions_avx512vnni;
#endif
    case Isa::neon:
    case Isa::avxvnni:
    case Isa::amx:
      break;
  }
  return nullptr;
}

}  // namespace intvit
