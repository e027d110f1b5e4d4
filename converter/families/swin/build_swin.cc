#include "converter/families/swin/build_swin.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "converter/graph/builder.h"

namespace intvit {
namespace {

class SwinBuilder {
 public:
  SwinBuilder(SwinWeights weights, const OutputChoice& choice)
      : weights_(std::move(weights)),
        swin_(weights_.description),
        wanted_(choice.ports.begin(), choice.ports.end()),
        stages_(choice.layers.begin(), choice.layers.end()),
        builder_({swin_.architecture, swin_.preprocessing, {}, {}, {}, {}, {}}) {
    if (!wanted_.empty()) return;
    wanted_ = swin_.num_classes > 0 ? std::set<std::string>{"logits"} : std::set<std::string>{"embedding", "features"};
  }

  Result<FloatNetwork> run() {
    if (Status status = check_choice(); !status.ok()) return status;
    builder_.segment("patch_embed", false);
    const std::size_t values = static_cast<std::size_t>(swin_.grid_height(0)) *
                               static_cast<std::size_t>(swin_.grid_width(0)) *
                               static_cast<std::size_t>(swin_.embed_dim);
    TensorId stream = builder_.patch_embed(
        "patch_embed", {swin_.patch_size, 0, std::move(weights_.patch_embed), std::vector<float>(values)});
    stream = builder_.layer_norm("patch_embed.norm", stream, norm(weights_.patch_norm), "patch_embed.norm.residual",
                                 Role::residual);
    for (int s = 0; s < swin_.stage_count(); ++s) stream = stage(s, stream);
    head(stream);
    for (NetworkOutput& output : of_stages_) builder_.output(std::move(output));
    FloatNetwork network = builder_.take();
    if (network.classes() > 0) network.labels = swin_.labels;
    if (Status status = check_network(network); !status.ok()) return status;
    return network;
  }

 private:
  Status check_choice() const {
    for (const std::string& port : wanted_) {
      if (port == "embedding" || port == "features" || (port == "logits" && swin_.num_classes > 0)) continue;
      return {Code::invalid_argument, swin_.architecture + " has no output '" + port + "'; it has " +
                                          (swin_.num_classes > 0 ? "logits, " : "") + "embedding and features"};
    }
    for (const int stage : stages_) {
      if (stage >= 0 && stage < swin_.stage_count()) continue;
      return {Code::invalid_argument, swin_.architecture + " has no stage " + std::to_string(stage) +
                                          "; its stages are 0 to " + std::to_string(swin_.stage_count() - 1)};
    }
    return {};
  }

  LayerNorm norm(const FloatLayerNorm& layer) const { return {layer, swin_.layer_norm_eps}; }

  TensorId stage(int s, TensorId stream) {
    const std::string name = "layers." + std::to_string(s);
    SwinStageWeights& weights = weights_.stages[static_cast<std::size_t>(s)];
    if (s > 0) {
      builder_.segment(name + ".downsample", true);
      stream =
          merged(name + ".downsample", {swin_.grid_height(s - 1), swin_.grid_width(s - 1)}, weights.merging, stream);
    }
    for (int b = 0; b < swin_.stage(s).depth; ++b) {
      const std::string block = name + ".blocks." + std::to_string(b);
      builder_.segment(block, true);
      SwinBlock& of_block = weights.blocks[static_cast<std::size_t>(b)];
      Attention kind = {.windows = windows(s, b % 2 == 1), .bias = std::move(of_block.bias)};
      stream = swin_.version == 1 ? block_v1(block + ".", of_block, s, std::move(kind), stream)
                                  : block_v2(block + ".", of_block, std::move(kind), stream);
    }
    if (stages_.contains(s)) of_stages_.push_back(map("features." + std::to_string(s), s, stream));
    return stream;
  }

  TensorId merged(const std::string& name, const MergeSpec& merge, SwinMerging& weights, TensorId stream) {
    const std::string to = name + ".reduction.input";
    if (swin_.version == 1) {
      const TensorId rows = builder_.gather(name, stream, merge, name + ".norm.input", Role::values);
      const TensorId normed = builder_.layer_norm(name + ".norm", rows, norm(weights.norm), to, Role::linear_input);
      return builder_.linear(name + ".reduction", normed, std::move(weights.reduction), name + ".residual",
                             Role::residual);
    }
    const TensorId rows = builder_.gather(name, stream, merge, to, Role::linear_input);
    const TensorId reduced =
        builder_.linear(name + ".reduction", rows, std::move(weights.reduction), name + ".norm.input", Role::values);
    return builder_.layer_norm(name + ".norm", reduced, norm(weights.norm), name + ".residual", Role::residual);
  }

  WindowSpec windows(int s, bool moved) const {
    WindowSpec spec{swin_.grid_height(s), swin_.grid_width(s), swin_.window_height(s), swin_.window_width(s)};
    if (moved) spec.shift_down = swin_.shift_down(s), spec.shift_right = swin_.shift_right(s);
    spec.padding = swin_.pads_before_move ? WindowPadding::before_move : WindowPadding::after_move;
    return spec;
  }

  TensorId hidden(const std::string& name, TensorId to_fc1, SwinBlock& block) {
    const TensorId made = builder_.linear(name + "mlp.fc1", to_fc1, std::move(block.fc1), name + "mlp.fc1.output",
                                          Role::activation_input);
    return builder_.activate(name + "mlp.act", made, swin_.activation, name + "mlp.fc2.input");
  }

  TensorId block_v1(const std::string& name, SwinBlock& block, int s, Attention kind, TensorId stream) {
    const TensorId to_qkv =
        builder_.layer_norm(name + "norm1", stream, norm(block.norm1), name + "attn.qkv.input", Role::linear_input);
    const TensorId attended =
        builder_.attention(name + "attn", to_qkv, std::move(block.qkv), swin_.stage(s).num_heads, std::move(kind));
    stream = builder_.add_linear(name + "attn.proj", attended, stream, std::move(block.proj), name + "attn.residual");
    const TensorId to_fc1 =
        builder_.layer_norm(name + "norm2", stream, norm(block.norm2), name + "mlp.fc1.input", Role::linear_input);
    const TensorId active = hidden(name, to_fc1, block);
    return builder_.add_linear(name + "mlp.fc2", active, stream, std::move(block.fc2), name + "residual");
  }

  // cos(q, k) * scale is the score that attention makes of vectors whose root mean square is 1 if one of them is
  // multiplied with scale / sqrt(D).
  LayerNorm head_norm(const SwinBlock& block, bool query) const {
    const int channels = block.proj.out, heads = static_cast<int>(block.scales.size()), head_dim = channels / heads;
    // Vectors of length 0 stay what they are: PyTorch's normalize divides by no less than 1e-12.
    LayerNorm norm = {{{}, std::vector<float>(static_cast<std::size_t>(channels))}, 1e-24 / head_dim};
    norm.groups = heads;
    norm.centred = false;
    for (const float scale : block.scales) {
      const float gain = query ? scale / std::sqrt(static_cast<float>(head_dim)) : 1.0f;
      norm.norm.gamma.insert(norm.norm.gamma.end(), static_cast<std::size_t>(head_dim), gain);
    }
    return norm;
  }

  TensorId block_v2(const std::string& name, SwinBlock& block, Attention kind, TensorId stream) {
    const LayerNorm query = head_norm(block, true);
    LayerNorm key = head_norm(block, false);
    const std::vector<float>& bias = block.qkv.bias;
    const auto first = bias.begin() + static_cast<std::ptrdiff_t>(bias.size() / 3);
    key.unbiased = std::all_of(first, first + block.proj.out, [](float x) { return x == 0; });
    const TensorId to_qkv = builder_.copy(name + "attn.copy", stream, name + "attn.qkv.input");
    const TensorId attended = builder_.attention(name + "attn", to_qkv, std::move(block.qkv), query.groups,
                                                 std::move(kind), "norm", query, key);
    const TensorId mixed =
        builder_.linear(name + "attn.proj", attended, std::move(block.proj), name + "norm1.input", Role::values);
    stream = builder_.add_layer_norm(name + "norm1", mixed, stream, norm(block.norm1), name + "attn.residual");
    const TensorId to_fc1 = builder_.copy(name + "mlp.copy", stream, name + "mlp.fc1.input");
    const TensorId active = hidden(name, to_fc1, block);
    const TensorId made =
        builder_.linear(name + "mlp.fc2", active, std::move(block.fc2), name + "norm2.input", Role::values);
    return builder_.add_layer_norm(name + "norm2", made, stream, norm(block.norm2), name + "residual");
  }

  NetworkOutput map(const std::string& name, int s, TensorId tensor) const {
    const int height = swin_.grid_height(s), width = swin_.grid_width(s);
    return {name, PortKind::features, tensor, 0, height * width, height, width};
  }

  void head(TensorId stream) {
    builder_.segment("head", false);
    const int last = swin_.stage_count() - 1, tokens = swin_.grid_height(last) * swin_.grid_width(last);
    const TensorId normed = builder_.layer_norm("norm", stream, norm(weights_.norm), "features", Role::values);
    if (wanted_.contains("logits")) {
      const TensorId mean = builder_.mean_rows("head.pool", normed, {0, tokens}, "head.fc.input", Role::linear_input);
      const TensorId logits = builder_.linear("head.fc", mean, std::move(weights_.head), "logits", Role::logits);
      builder_.output({"logits", PortKind::logits, logits, 0, 1, 0, 0});
    }
    if (wanted_.contains("embedding")) {
      const TensorId mean = builder_.mean_rows("embedding.pool", normed, {0, tokens}, "embedding", Role::values);
      builder_.output({"embedding", PortKind::embedding, mean, 0, 1, 0, 0});
    }
    if (wanted_.contains("features")) builder_.output(map("features", last, normed));
  }

  SwinWeights weights_;
  const SwinDescription& swin_;
  std::set<std::string> wanted_;
  std::set<int> stages_;
  std::vector<NetworkOutput> of_stages_;
  GraphBuilder builder_;
};

}  // namespace

Result<FloatNetwork> build_swin(SwinWeights weights, const OutputChoice& outputs) {
  return SwinBuilder(std::move(weights), outputs).run();
}

}  // namespace intvit
