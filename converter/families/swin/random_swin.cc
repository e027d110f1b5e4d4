#include "converter/families/swin/random_swin.h"

#include "converter/families/family.h"
#include "converter/families/random_layers.h"
#include "converter/families/relative_bias.h"
#include "converter/families/swin/build_swin.h"
#include "converter/families/swin/describe_swin.h"
#include "models/swin_architectures.h"

namespace intvit {
namespace {

SwinBlock random_block(const SwinDescription& swin, int s, RandomLayers& random) {
  const int channels = swin.channels(s), heads = swin.stage(s).num_heads, mlp_dim = swin.mlp_dim(s);
  const int height = swin.window_height(s), width = swin.window_width(s);
  SwinBlock block;
  block.norm1 = random.norm(channels);
  block.qkv = random.linear(3 * channels, channels);
  block.proj = random.linear(channels, channels);
  block.norm2 = random.norm(channels);
  block.fc1 = random.linear(mlp_dim, channels);
  block.fc2 = random.linear(channels, mlp_dim);
  std::vector<float> table(static_cast<std::size_t>((2 * height - 1) * (2 * width - 1) * heads));
  for (float& value : table) value = random(1);
  block.bias = relative_bias(table, heads, height, width);
  for (int head = 0; swin.version == 2 && head < heads; ++head) block.scales.push_back(10 + random(2));
  return block;
}

}  // namespace

SwinWeights random_swin_weights(const SwinDescription& swin, std::uint64_t seed) {
  RandomLayers random(seed);
  SwinWeights network;
  network.description = swin;
  network.patch_embed = random.linear(swin.embed_dim, swin.patch_size * swin.patch_size * 3);
  network.patch_norm = random.norm(swin.embed_dim);
  for (int s = 0; s < swin.stage_count(); ++s) {
    SwinStageWeights& stage = network.stages.emplace_back();
    const int channels = swin.channels(s);
    if (s > 0) {
      stage.merging.norm = random.norm(swin.version == 1 ? 2 * channels : channels);
      stage.merging.reduction = random.linear(channels, 2 * channels);
    }
    for (int b = 0; b < swin.stage(s).depth; ++b) stage.blocks.push_back(random_block(swin, s, random));
  }
  const int last = swin.channels(swin.stage_count() - 1);
  network.norm = random.norm(last);
  if (swin.num_classes > 0) network.head = random.linear(swin.num_classes, last);
  return network;
}

Result<FloatNetwork> random_swin(const std::string& architecture, const InputSize& input, std::uint64_t seed,
                                 const OutputChoice& outputs) {
  SwinDescription swin = *describe_swin_architecture(architecture);
  if (input.given()) {
    swin.preprocessing.height = input.height;
    swin.preprocessing.width = input.width;
  }
  if (const std::string problem = problem_of(swin); !problem.empty()) return Status(Code::invalid_argument, problem);
  return build_swin(random_swin_weights(swin, seed), outputs);
}

}  // namespace intvit
