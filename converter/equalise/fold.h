// Folding a plan's equalisations into the float network. The result computes the same function (up to float rounding),
// so everything behind it, calibration, weight optimisation and lowering, needs to know nothing of them.
#pragma once

#include "converter/graph/network.h"
#include "converter/plan/plan.h"

namespace intvit {

// Tensors that can be equalised, with x' = x / scale[c] - offset[c]:
//   a linear_input that a LayerNorm produces: gamma, beta of the norm; weights and bias of the linear behind (RepQ-ViT,
//     eq. 6 and 7)
//   value: rows of the linear layer that produces it; columns and bias of the one that reads the attended values
//     (softmax rows sum to one, so attention passes both on)
//   query: rows of the linear layer that produces it, the inverse for those of its key; no offset
// and for query and value a rotation of each head's channels, undone in the same places.
// An entry per column of the tensor. Scales must be positive.
// invalid_argument naming the tensor if it is another one or an array does not fit.
Status equalise(const std::map<std::string, Equalisation>& equalisations, FloatNetwork& network);

// Whether it is one of them. Not if the network gives it, or what it stands for, to its user.
bool can_equalise(const FloatNetwork& network, TensorId tensor);

// x H / sqrt(n) of a row of n values, n a power of two, in place. H is its own transpose and, so scaled, its inverse.
void hadamard(float* row, int n);

}  // namespace intvit
