#include "converter/families/vit/build_vit.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "converter/families/vit/rotary_angles.h"
#include "converter/graph/builder.h"

namespace intvit {
namespace {

class VitBuilder {
 public:
  VitBuilder(VitWeights weights, const OutputChoice& choice)
      : weights_(std::move(weights)),
        vit_(weights_.description),
        angles_(vit_.rotary == Rotary::none ? Rotate() : rotary_angles(vit_)),
        wanted_(choice.ports.begin(), choice.ports.end()),
        layers_(choice.layers.begin(), choice.layers.end()),
        builder_({vit_.architecture, vit_.preprocessing, {}, {}, {}, {}, {}, weights_.zero_shot}) {
    if (wanted_.empty() && vit_.num_classes > 0) wanted_ = {"logits"};
    if (wanted_.empty()) wanted_ = {"embedding", "tokens"};
    if (!weights_.zero_shot) return;
    if (choice.ports.empty()) wanted_ = {"logits"};
    wanted_.insert("embedding");
  }

  Result<FloatNetwork> run() {
    if (Status status = check_choice(); !status.ok()) return status;
    builder_.segment("patch_embed", false);
    TensorId stream = builder_.patch_embed(
        "patch_embed", {vit_.patch_size, vit_.prefix_tokens(), weights_.patch_embed, weights_.token_init});
    if (vit_.pre_norm) {
      stream = builder_.layer_norm("norm_pre", stream, norm(weights_.norm_pre), "norm_pre.residual", Role::residual);
    }
    for (int b = 0; b < vit_.depth; ++b) {
      const std::string name = "blocks." + std::to_string(b);
      builder_.segment(name, true);
      stream = block(name + ".", weights_.blocks[static_cast<std::size_t>(b)], stream);
      if (!layers_.contains(b)) continue;
      const std::string features = "features." + std::to_string(b);
      inner_.push_back(features_of(features, final_tokens(features, stream)));
    }
    builder_.segment("head", false);
    if (wanted_.contains("logits")) logits(stream);
    if (wanted_.contains("embedding")) embedding(stream);
    if (wanted_.contains("tokens") || wanted_.contains("features")) {
      const TensorId tokens = final_tokens("tokens", stream);
      if (wanted_.contains("tokens")) builder_.output({"tokens", PortKind::tokens, tokens, 0, vit_.tokens(), 0, 0});
      if (wanted_.contains("features")) builder_.output(features_of("features", tokens));
    }
    for (NetworkOutput& output : inner_) builder_.output(std::move(output));
    FloatNetwork network = builder_.take();
    if (network.classes() > 0) network.labels = vit_.labels;
    if (Status status = check_network(network); !status.ok()) return status;
    return network;
  }

 private:
  bool has_logits() const { return vit_.num_classes > 0 || weights_.zero_shot; }

  Status check_choice() const {
    const std::string known = std::string(has_logits() ? "logits, " : "") + "embedding, tokens and features";
    for (const std::string& port : wanted_) {
      if (port == "embedding" || port == "tokens" || port == "features") continue;
      if (port == "logits" && has_logits()) continue;
      return {Code::invalid_argument, vit_.architecture + " has no output '" + port + "'; it has " + known};
    }
    if (weights_.zero_shot && !wanted_.contains("logits")) {
      return {Code::invalid_argument, "--classes gives logits, which are not among --ports"};
    }
    if (vit_.fc_norm && !layers_.empty()) {
      return {Code::unsupported, vit_.architecture +
                                     " has its final norm behind the pooling (fc_norm), so there are no "
                                     "normed tokens of inner blocks; leave out --layers"};
    }
    for (const int layer : layers_) {
      if (layer >= 0 && layer < vit_.depth) continue;
      return {Code::invalid_argument, vit_.architecture + " has no block " + std::to_string(layer) +
                                          "; its blocks are 0 to " + std::to_string(vit_.depth - 1)};
    }
    return {};
  }

  LayerNorm norm(const FloatLayerNorm& layer, int first_row = 0) const {
    return {layer, vit_.layer_norm_eps, first_row};
  }

  TensorId block(const std::string& name, FloatBlock& block, TensorId stream) {
    const TensorId to_qkv =
        builder_.layer_norm(name + "norm1", stream, norm(block.norm1), name + "attn.qkv.input", Role::linear_input);
    const TensorId attended = attention(name + "attn", to_qkv, block);
    stream = builder_.add_linear(name + "attn.proj", attended, stream, std::move(block.proj), name + "attn.residual");
    const TensorId to_fc1 =
        builder_.layer_norm(name + "norm2", stream, norm(block.norm2), name + "mlp.fc1.input", Role::linear_input);
    const TensorId to_fc2 = vit_.mlp_norm ? normed_hidden(name + "mlp.", to_fc1, block)
                                          : hidden(name + "mlp.", to_fc1, std::move(block.fc1));
    return builder_.add_linear(name + "mlp.fc2", to_fc2, stream, std::move(block.fc2), name + "residual");
  }

  TensorId attention(const std::string& name, TensorId x, FloatBlock& block) {
    Attention kind = {.bias = std::move(block.bias)};
    if (vit_.rotary == Rotary::none) {
      return builder_.attention(name, x, std::move(block.qkv), vit_.num_heads, std::move(kind));
    }
    return builder_.attention(name, x, std::move(block.qkv), vit_.num_heads, std::move(kind), "rope", angles_, angles_);
  }

  TensorId normed_hidden(const std::string& name, TensorId x, FloatBlock& block) {
    const TensorId products = builder_.multiply(name + "fc1", x, std::move(block.fc1), name + "act", vit_.activation,
                                                name + "norm.input", Role::values);
    return builder_.layer_norm(name + "norm", products, norm(block.mlp_norm), name + "fc2.input", Role::linear_input);
  }

  TensorId hidden(const std::string& name, TensorId x, FloatLinear fc1) {
    if (vit_.gated_mlp) {
      return builder_.multiply(name + "fc1", x, std::move(fc1), name + "act", vit_.activation, name + "fc2.input",
                               Role::linear_input);
    }
    const TensorId made = builder_.linear(name + "fc1", x, std::move(fc1), name + "fc1.output", Role::activation_input);
    return builder_.activate(name + "act", made, vit_.activation, name + "fc2.input");
  }

  MeanRows of_patches() const { return {vit_.prefix_tokens(), vit_.patches()}; }

  // The row that a learnt query finds among all tokens, and an MLP behind it.
  TensorId pooled_by_attention(TensorId stream, const std::string& name) {
    FloatAttentionPool& pool = weights_.pool;
    const TensorId to_qkv =
        builder_.layer_norm("norm", stream, norm(weights_.norm), name + "qkv.input", Role::linear_input);
    const TensorId attended =
        builder_.attention("attn_pool", to_qkv, std::move(pool.qkv), vit_.num_heads, {.queries = 1});
    const TensorId row =
        builder_.linear(name + "proj", attended, std::move(pool.proj), name + "residual", Role::residual);
    const TensorId to_fc1 =
        builder_.layer_norm(name + "norm", row, norm(pool.norm), name + "mlp.fc1.input", Role::linear_input);
    const TensorId to_fc2 = hidden(name + "mlp.", to_fc1, std::move(pool.fc1));
    return builder_.add_linear(name + "mlp.fc2", to_fc2, row, std::move(pool.fc2), name + "output");
  }

  // The same row for all who ask.
  TensorId attention_row(TensorId stream) {
    if (!attention_row_) attention_row_ = pooled_by_attention(stream, "attn_pool.");
    return *attention_row_;
  }

  // What the head reads, as a tensor of this name and role. With token pooling the rows of class and distillation
  // token; the norm is per row, so the others need none. Of a stream of one row the mean makes codes.
  TensorId pooled(TensorId stream, const std::string& to, Role role) {
    if (vit_.pooling == Pooling::attention) {
      return builder_.mean_rows("pool", attention_row(stream), {0, 1}, to, role);
    }
    if (vit_.pooling == Pooling::token) {
      const char* name = vit_.fc_norm ? "fc_norm" : "norm";
      return builder_.layer_norm(name, stream, norm(weights_.norm), vit_.distillation_token ? 2 : 1, to, role);
    }
    if (vit_.fc_norm) {
      const TensorId mean = builder_.mean_rows("pool", stream, of_patches(), to + ".pool", Role::values);
      return builder_.layer_norm("fc_norm", mean, norm(weights_.norm), to, role);
    }
    return builder_.mean_rows("pool", final_tokens(to + ".tokens", stream), of_patches(), to, role);
  }

  // Two rows, which the head reads as one.
  TensorId class_and_mean(TensorId stream, const std::string& to) {
    MeanRows rows = of_patches();
    rows.copied = 1;
    return builder_.mean_rows("pool", final_tokens(to + ".tokens", stream), rows, to, Role::linear_input);
  }

  // Classes of texts stand beside the head, which is a projection where there is one.
  void logits(TensorId stream) {
    const std::string name = weights_.zero_shot ? "texts" : "head";
    const TensorId input = vit_.class_and_mean ? class_and_mean(stream, name + ".input")
                                               : pooled(stream, name + ".input", Role::linear_input);
    FloatLinear& layer = weights_.zero_shot ? weights_.texts : weights_.head;
    const TensorId logits = builder_.linear(name, input, std::move(layer), "logits", Role::logits);
    builder_.output({"logits", PortKind::logits, logits, 0, 1, 0, 0});
  }

  // Of a distilled network the mean of the two tokens.
  void embedding(TensorId stream) {
    if (vit_.projection_dim > 0) {
      const TensorId input = pooled(stream, "head.input", Role::linear_input);
      const TensorId embedding = builder_.linear("head", input, std::move(weights_.head), "embedding", Role::values);
      return builder_.output({"embedding", PortKind::embedding, embedding, 0, 1, 0, 0});
    }
    if (vit_.pooling == Pooling::attention) {
      return builder_.output({"embedding", PortKind::embedding, attention_row(stream), 0, 1, 0, 0});
    }
    const bool two = vit_.pooling == Pooling::token && vit_.distillation_token;
    TensorId embedding = pooled(stream, two ? "embedding.input" : "embedding", Role::values);
    if (two) embedding = builder_.mean_rows("embedding.pool", embedding, {0, 2}, "embedding", Role::values);
    builder_.output({"embedding", PortKind::embedding, embedding, 0, 1, 0, 0});
  }

  // All tokens behind the final norm. With fc_norm there is none, and they are the stream.
  TensorId final_tokens(const std::string& to, TensorId stream) {
    if (vit_.fc_norm) return stream;
    return builder_.layer_norm("norm", stream, norm(weights_.norm), to, Role::values);
  }

  NetworkOutput features_of(const std::string& name, TensorId tokens) const {
    return {name,           PortKind::features, tokens,           vit_.prefix_tokens(),
            vit_.patches(), vit_.grid_height(), vit_.grid_width()};
  }

  VitWeights weights_;
  const VitDescription& vit_;
  const Rotate angles_;
  std::set<std::string> wanted_;
  std::set<int> layers_;
  std::vector<NetworkOutput> inner_;
  std::optional<TensorId> attention_row_;
  GraphBuilder builder_;
};

}  // namespace

Result<FloatNetwork> build_vit(VitWeights weights, const OutputChoice& outputs) {
  return VitBuilder(std::move(weights), outputs).run();
}

}  // namespace intvit
