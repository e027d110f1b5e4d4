// All kernels for one instruction set. A session holds a pointer to one table; there is no global choice, so one
// process can run two instruction sets and compare them.
#pragma once

#include "intvit/isa.h"
#include "kernels/attention/attention.h"
#include "kernels/encode/encode.h"
#include "kernels/gemm/linear.h"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/mean_rows/mean_rows.h"
#include "kernels/multiply/multiply.h"
#include "kernels/resize/resize.h"
#include "kernels/rotate/rotate.h"
#include "kernels/softmax/softmax.h"

namespace intvit::kernels {

struct KernelTable {
  Isa isa;
#define VIT_FAMILY(family, Type) \
  const Type* family;            \
  Isa family##_isa; /* whose variant it is, at most `isa` */
#include "kernels/dispatch/families.inc"
#undef VIT_FAMILY
};

// The best variants of every family that need no more than `isa`. Check cpu_supports(isa) before calling any of them.
const KernelTable& kernel_table(Isa isa);

}  // namespace intvit::kernels
