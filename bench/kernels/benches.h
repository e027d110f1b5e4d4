// The tables of kernel benchmarks, each in a file of its own. Kernels are those of one instruction set's table.
#pragma once

#include "bench/kernels/suite.h"
#include "kernels/dispatch/kernel_table.h"

namespace intvit::bench {

// Every layer beside oneDNN's matmul, which is left out if `with_onednn` is false.
void add_gemm(Suite& suite, const kernels::KernelTable& kernels, bool with_onednn);

// The price of number formats.
void add_few_bits(Suite& suite, const kernels::KernelTable& kernels);
void add_linear_formats(Suite& suite, const kernels::KernelTable& kernels);
void add_encoded_layers(Suite& suite, const kernels::KernelTable& kernels);
void add_encode(Suite& suite, const kernels::KernelTable& kernels);
void add_softmax(Suite& suite, const kernels::KernelTable& kernels);
void add_attention(Suite& suite, const kernels::KernelTable& kernels);
void add_layer_norm(Suite& suite, const kernels::KernelTable& kernels);

// Not the engine's: what the float network spends its time on. Nothing where the converter has no vectors for `isa`.
void add_float_activations(Suite& suite, Isa isa);

}  // namespace intvit::bench
