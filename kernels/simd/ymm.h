// Memory and 256-bit registers, for multiplications, which see bits where vectors (simd/avx2.h) have elements.
#pragma once

#include <immintrin.h>

namespace intvit::kernels {
namespace {

struct Ymm {
  static __m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static void store(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
};

}  // namespace
}  // namespace intvit::kernels
