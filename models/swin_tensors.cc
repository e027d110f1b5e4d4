#include "models/swin_tensors.h"

#include <string>

#include "models/spec_list.h"

namespace intvit {
namespace {

// The key has a bias in version 1 only.
void add_qkv(const std::string& name, const SwinDescription& swin, std::int64_t channels, const SwinLayout& layout,
             SpecList& specs) {
  const auto biased = [&](TensorPart part) { return swin.qkv_bias && (part != TensorPart::key || swin.version == 1); };
  if (!layout.split_qkv) {
    specs.linear(name, {3 * channels, channels}, swin.qkv_bias && !layout.split_biases);
  }
  for (const TensorPart part : {TensorPart::query, TensorPart::key, TensorPart::value}) {
    if (layout.split_qkv) specs.add({name + ".weight", part}, {channels, channels});
    if ((layout.split_qkv || layout.split_biases) && biased(part)) specs.add({name + ".bias", part}, {channels});
  }
}

void add_positions(const std::string& name, const SwinDescription& swin, int stage, SpecList& specs) {
  const std::int64_t heads = swin.stage(stage).num_heads;
  if (swin.version == 1) {
    const std::int64_t down = 2 * swin.window_height(stage) - 1, across = 2 * swin.window_width(stage) - 1;
    return specs.add({name + "relative_position_bias_table"}, {down * across, heads});
  }
  specs.add({name + "logit_scale"}, {heads, 1, 1});
  specs.linear(name + "cpb_mlp.0", {kPositionMlpDim, 2});
  specs.linear(name + "cpb_mlp.2", {heads, kPositionMlpDim}, false);
}

}  // namespace

std::vector<TensorSpec> swin_tensors(const SwinDescription& swin, const SwinLayout& layout) {
  SpecList specs;
  specs.linear("patch_embed.proj", {swin.embed_dim, 3, swin.patch_size, swin.patch_size});
  specs.norm("patch_embed.norm", swin.embed_dim);
  for (int s = 0; s < swin.stage_count(); ++s) {
    const std::string stage = "layers." + std::to_string(s) + ".";
    const std::int64_t channels = swin.channels(s), mlp_dim = swin.mlp_dim(s);
    if (s > 0) {
      specs.norm(stage + "downsample.norm", swin.version == 1 ? 2 * channels : channels);
      specs.linear(stage + "downsample.reduction", {channels, 2 * channels}, false);
    }
    for (int b = 0; b < swin.stage(s).depth; ++b) {
      const std::string block = stage + "blocks." + std::to_string(b) + ".";
      specs.norm(block + "norm1", channels);
      add_qkv(block + "attn.qkv", swin, channels, layout, specs);
      add_positions(block + "attn.", swin, s, specs);
      specs.linear(block + "attn.proj", {channels, channels});
      specs.norm(block + "norm2", channels);
      specs.linear(block + "mlp.fc1", {mlp_dim, channels});
      specs.linear(block + "mlp.fc2", {channels, mlp_dim});
    }
  }
  const int last = swin.channels(swin.stage_count() - 1);
  specs.norm("norm", last);
  if (swin.num_classes > 0) specs.linear("head.fc", {swin.num_classes, last});
  return specs.take();
}

}  // namespace intvit
