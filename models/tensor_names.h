// The names and shapes of the tensors in a ViT checkpoint. timm's names are the canonical ones; library_names.h maps
// those of others to them. Names and shapes only: converter/read reads the values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/vit.h"

namespace intvit {

// transformers keeps query, key and value apart; timm stacks them in this order into one qkv tensor.
// A gated MLP may keep its gates' layer apart from that of its values, which is then the whole.
enum class TensorPart { whole, query, key, value, gate };

struct TensorName {
  std::string name;  // canonical
  TensorPart part = TensorPart::whole;

  bool operator==(const TensorName&) const = default;
};

struct TensorSpec {
  TensorName name;
  std::vector<std::int64_t> shape;  // outermost dimension first
};

// Where a checkpoint differs from timm's, apart from names.
struct TensorLayout {
  bool split_qkv = false;     // query, key and value apart
  bool split_biases = false;  // of query and value, beside one weight of all three
  bool key_bias = true;
  bool split_gate = false;             // the gates of the MLP apart
  bool distillation_head = false;      // head_dist beside head; transformers also has distilled models with one head
  bool transposed_projection = false;  // [C][projection], as open_clip has it
  bool projection_bias = false;        // timm's CLIP has one of zeros
  bool packed_pool = false;            // query, key and value of the attention pooling in one tensor
  int position_height = 0;             // the grid of the position table; 0: that of the input
  int position_width = 0;
  PositionResize position_resize = PositionResize::bicubic_antialiased;
};

// Every tensor that the description needs, in the order of the computation.
std::vector<TensorSpec> vit_tensors(const VitDescription& vit, const TensorLayout& layout);

// True for tensors that training leaves behind and that no classifier reads: counters, index buffers, the mask token of
// masked pre-training, transformers' pooler. `head_dist` is not among them: a second head changes the result.
bool is_harmless_extra(std::string_view name);

// What this version cannot run, by the tensors that give it away; empty when nothing is recognised. E.g. for
// `patch_embed.norm.weight`: "a norm in the patch embedding".
std::string unsupported_feature(std::string_view name);

}  // namespace intvit
