#include "converter/families/swin/read_weights.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "converter/families/relative_bias.h"
#include "converter/families/swin/position_mlp.h"
#include "converter/families/weight_reader.h"
#include "models/swin_tensors.h"

namespace intvit {
namespace {

class SwinReader : WeightReader {
 public:
  SwinReader(const SwinDescription& swin, const TensorTable& tensors) : WeightReader(tensors), swin_(swin) {}

  Result<SwinWeights> run() {
    SwinWeights network;
    network.description = swin_;
    network.patch_embed = patch_embed(swin_.embed_dim, swin_.patch_size);
    network.patch_norm = norm("patch_embed.norm");
    for (int s = 0; s < swin_.stage_count(); ++s) {
      SwinStageWeights& stage = network.stages.emplace_back();
      const std::string name = "layers." + std::to_string(s) + ".";
      if (s > 0) {
        stage.merging.norm = norm(name + "downsample.norm");
        stage.merging.reduction = linear(name + "downsample.reduction", swin_.channels(s), 2 * swin_.channels(s));
      }
      for (int b = 0; b < swin_.stage(s).depth && status().ok(); ++b) {
        stage.blocks.push_back(block(name + "blocks." + std::to_string(b) + ".", s));
      }
    }
    network.norm = norm("norm");
    if (swin_.num_classes > 0) {
      network.head = linear("head.fc", swin_.num_classes, swin_.channels(swin_.stage_count() - 1));
    }
    if (!status().ok()) return status();
    return network;
  }

 private:
  SwinBlock block(const std::string& name, int s) {
    const int channels = swin_.channels(s), heads = swin_.stage(s).num_heads;
    SwinBlock block;
    block.norm1 = norm(name + "norm1");
    block.qkv = qkv(name + "attn.qkv", channels);
    block.proj = linear(name + "attn.proj", channels, channels);
    block.norm2 = norm(name + "norm2");
    block.fc1 = linear(name + "mlp.fc1", swin_.mlp_dim(s), channels);
    block.fc2 = linear(name + "mlp.fc2", channels, swin_.mlp_dim(s));
    Floats table;
    if (swin_.version == 1) {
      table = read(name + "attn.relative_position_bias_table");
    } else {
      table = positions_v2(name + "attn.", s, block);
    }
    if (!status().ok()) return block;
    block.bias = relative_bias(table, heads, swin_.window_height(s), swin_.window_width(s));
    return block;
  }

  // Keys have no bias. torchvision's files have one that its code takes for 0.
  Floats positions_v2(const std::string& name, int s, SwinBlock& block) {
    const int heads = swin_.stage(s).num_heads;
    const PositionMlp mlp = {linear(name + "cpb_mlp.0", kPositionMlpDim, 2),
                             linear(name + "cpb_mlp.2", heads, kPositionMlpDim)};
    block.scales = read(name + "logit_scale");
    if (!status().ok()) return {};
    for (float& scale : block.scales) scale = std::min(std::exp(scale), 100.0f);
    const auto keys = block.qkv.bias.begin() + swin_.channels(s);
    std::fill(keys, keys + swin_.channels(s), 0.0f);
    return position_table(mlp, swin_.window_height(s), swin_.window_width(s), swin_.stage(s).pretrained_window);
  }

  const SwinDescription& swin_;
};

}  // namespace

Result<SwinWeights> read_swin_weights(const SwinDescription& swin, const TensorTable& tensors) {
  return SwinReader(swin, tensors).run();
}

}  // namespace intvit
