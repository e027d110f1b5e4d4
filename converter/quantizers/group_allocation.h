// How many groups each layer gets under a budget of bit operations: IGQ-ViT (Moon et al., CVPR 2024), group size
// allocation. The paper solves min sum of perturbations subject to a sum of bit operations as an integer program; here
// it is a sweep over Lagrange multipliers, then single steps for what the sweep leaves unspent.
#pragma once

#include <vector>

namespace intvit {

// One number of groups that a layer may have.
struct GroupChoice {
  int groups = 1;
  double perturbation = 0;    // of the predictions, when only this layer is quantized
  double bit_operations = 0;  // of the layer
};

// Bit operations of a linear layer whose input has `groups` groups (our model; the paper's text is not at hand):
// multiplications, a 32-bit rescaling and addition per group and result, and the assignment of channels by 16-bit
// extremes.
double bit_operations(int rows, int inputs, int outputs, int weight_bits, int activation_bits, int groups);

// [layer] -> index into choices[layer]. Every layer's choices ascend in groups and in bit operations. If even the
// cheapest choices exceed the budget, these.
std::vector<int> allocate_groups(const std::vector<std::vector<GroupChoice>>& choices, double budget);

double total_perturbation(const std::vector<std::vector<GroupChoice>>& choices, const std::vector<int>& chosen);
double total_bit_operations(const std::vector<std::vector<GroupChoice>>& choices, const std::vector<int>& chosen);

}  // namespace intvit
