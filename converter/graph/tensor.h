// What flows between the nodes of a network, for one picture. A tensor is also a site: where activations are observed
// or replaced, and where a quantizer is put. Plans, reports and messages name it by its name.
#pragma once

#include <string>

namespace intvit {

using TensorId = int;

// What a tensor is to those who quantize: methods ask for roles, never for an architecture.
enum class Role {
  pixels,            // what the patch embedding reads; exact codes, so nobody quantizes it
  residual,          // a residual stream: 16 bits, with steps of its own where a plan says so
  values,            // 16-bit values that no linear layer reads as they are: an output, a factor, rows of a mean
  linear_input,      // codes that one linear layer reads
  query,             // codes with a scheme per head; heads side by side, head h in columns h * D to (h + 1) * D - 1
  key,               // as query
  value,             // as query
  probabilities,     // softmax codes; heads one below the other, head h in rows h * queries to (h + 1) * queries - 1
  activation_input,  // in front of an activation function, in the linear layer that produces it or in Multiply
  logits,            // 32 bits
};

constexpr bool is_per_head(Role role) { return role == Role::query || role == Role::key || role == Role::value; }

// Whether a plan has activation codes there.
constexpr bool has_codes(Role role) { return role == Role::linear_input || is_per_head(role); }

struct Tensor {
  std::string name;  // e.g. blocks.3.attn.qkv.input; modules are named as timm names them
  Role role = Role::values;
  int rows = 0;
  int columns = 0;
  int heads = 1;  // of query, key, value and probabilities

  int head_columns() const { return columns / heads; }
};

}  // namespace intvit
