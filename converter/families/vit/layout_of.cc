#include "converter/families/vit/layout_of.h"

#include "converter/families/vit/check_description.h"
#include "converter/families/vit/resize_positions.h"
#include "converter/read/message.h"

namespace intvit {
namespace {

std::string grid_text(const Grid& grid) { return std::to_string(grid.height) + "x" + std::to_string(grid.width); }

// As the library resizes whose names they are.
PositionResize resize_of(const VitDescription& vit, Naming naming) {
  switch (naming) {
    case Naming::timm:
    case Naming::open_clip:
    case Naming::timm_parts:
    case Naming::swin:
    case Naming::torchvision_swin:
    case Naming::open_clip_timm:
      return PositionResize::bicubic_antialiased;
    case Naming::dinov2:
      return vit.register_tokens > 0 ? PositionResize::bicubic_antialiased : PositionResize::bicubic_by_factor;
    case Naming::transformers_dinov2:
      return vit.register_tokens > 0 ? PositionResize::bicubic_antialiased : PositionResize::bicubic;
    case Naming::transformers:
    case Naming::transformers_clip:
    case Naming::transformers_siglip:
    case Naming::transformers_beit:
    case Naming::transformers_dinov3:
    case Naming::transformers_swin:
      return PositionResize::bicubic;
  }
  return PositionResize::bicubic_antialiased;
}

// The grid of `count` positions: that of the input, that which the config's size gives, or a square.
Grid grid_of(const VitDescription& vit, const ModelConfig& config, int count) {
  if (count == vit.patches()) return {vit.grid_height(), vit.grid_width()};
  if (config.height && config.width) {
    const Grid own = {*config.height / vit.patch_size, *config.width / vit.patch_size};
    if (count == own.height * own.width) return own;
  }
  const int root = square_root(count);
  return {root, root};
}

}  // namespace

Result<TensorLayout> layout_of(const VitDescription& vit, const ModelConfig& config, const TensorTable& tensors,
                               std::vector<std::string>& notes) {
  TensorLayout layout;
  const Naming naming = tensors.naming();
  layout.split_qkv = splits_qkv(naming) || tensors.find({"blocks.0.attn.qkv.weight", TensorPart::query}) != nullptr;
  layout.split_biases = !layout.split_qkv && tensors.find({"blocks.0.attn.qkv.bias", TensorPart::query}) != nullptr;
  layout.key_bias =
      naming != Naming::transformers_beit && naming != Naming::transformers_dinov3 && naming != Naming::timm_parts;
  layout.split_gate = tensors.find({"blocks.0.mlp.fc1.weight", TensorPart::gate}) != nullptr;
  // timm's distilled models always have two heads; transformers' may have one.
  layout.distillation_head =
      vit.distillation_token && (tensors.naming() == Naming::timm || tensors.has("head_dist.weight"));
  layout.transposed_projection = tensors.naming() == Naming::open_clip;
  layout.packed_pool = tensors.naming() == Naming::transformers_siglip;
  layout.projection_bias = vit.projection_dim > 0 && tensors.has("head.bias");
  layout.position_resize = resize_of(vit, tensors.naming());
  if (!vit.absolute_positions) return layout;
  const int positions = tensors.dimension({"pos_embed"}, 1, 3);
  if (positions == 0) return layout;  // TensorTable::check says what is missing
  const Grid needed = {vit.grid_height(), vit.grid_width()};
  const Grid stored = grid_of(vit, config, positions - vit.position_prefix());
  if (stored.height == 0) {
    return {Code::unsupported, "checkpoint " + in_quotes(tensors.checkpoint().path()) + ": pos_embed has " +
                                   std::to_string(positions) + " positions, of which " +
                                   std::to_string(vit.position_prefix()) +
                                   " are prefix tokens' and the others no square grid; give the size of training as "
                                   "the input size in config.json"};
  }
  layout.position_height = stored.height;
  layout.position_width = stored.width;
  if (!(stored == needed)) {
    notes.push_back("positions are resized from a " + grid_text(stored) + " grid to " + grid_text(needed));
  }
  return layout;
}

}  // namespace intvit
