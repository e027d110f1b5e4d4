#include "tests/converter/toy_network.h"

#include <cmath>
#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "converter/graph/builder.h"

namespace intvit {
namespace {

constexpr int kPatch = 8, kPatches = 12, kTokens = 1 + kPatches, kToyClasses = 7;

class Toy {
 public:
  explicit Toy(unsigned seed, bool gated = false) : gated_(gated), random_(seed), builder_(frame()) {}

  // Up to the second stage's stream.
  TensorId stages() {
    builder_.segment("patch_embed", false);
    PatchEmbed embed{kPatch, 1, linear(24, 3 * kPatch * kPatch), values(kTokens * 24, 0, 0.3)};
    TensorId stream = builder_.patch_embed("patch_embed", std::move(embed));
    builder_.segment("stages.0", true);
    stream = block("stages.0.", stream, 2, 50);
    const TensorId features = builder_.layer_norm("stages.0.norm", stream, norm(24), "features", Role::values);
    builder_.output({"features", PortKind::features, features, 1, kPatches, 3, 4});
    builder_.segment("widen", true);
    const TensorId normed = builder_.layer_norm("widen.norm", stream, norm(24), "widen.input", Role::linear_input);
    stream = builder_.linear("widen", normed, linear(40, 24), "widen.residual", Role::residual);
    builder_.segment("stages.1", true);
    return block("stages.1.", stream, 5, 70);
  }

  FloatNetwork with_mean(TensorId stream) {
    builder_.segment("head", false);
    const TensorId tokens = builder_.layer_norm("norm", stream, norm(40), "head.tokens", Role::values);
    const TensorId mean = builder_.mean_rows("pool", tokens, {1, kPatches}, "head.input", Role::linear_input);
    const TensorId logits = builder_.linear("head", mean, linear(kToyClasses, 40), "logits", Role::logits);
    builder_.output({"logits", PortKind::logits, logits, 0, 1, 0, 0});
    return builder_.take();
  }

  // By hand, since no family's builder has a query of its own.
  FloatNetwork with_attention(TensorId stream) {
    FloatNetwork network = builder_.take();
    const auto tensor = [&](Tensor t) {
      network.tensors.push_back(std::move(t));
      return static_cast<TensorId>(network.tensors.size() - 1);
    };
    const auto node = [&](const char* name, std::vector<TensorId> inputs, std::vector<TensorId> outputs,
                          NodeKind kind) {
      network.nodes.push_back({name, std::move(inputs), std::move(outputs), std::move(kind)});
    };
    const int begin = static_cast<int>(network.nodes.size()), heads = 5;
    const TensorId first = tensor({"pool.query.input", Role::linear_input, 1, 40});
    const TensorId all = tensor({"pool.kv.input", Role::linear_input, kTokens, 40});
    const TensorId query = tensor({"pool.attn.query", Role::query, 1, 40, heads});
    const TensorId key = tensor({"pool.attn.key", Role::key, kTokens, 40, heads});
    const TensorId value = tensor({"pool.attn.value", Role::value, kTokens, 40, heads});
    const TensorId probabilities = tensor({"pool.attn.post_softmax", Role::probabilities, heads, kTokens, heads});
    const TensorId attended = tensor({"pool.proj.input", Role::linear_input, 1, 40});
    const TensorId mixed = tensor({"head.input", Role::linear_input, 1, 48});
    const TensorId logits = tensor({"logits", Role::logits, 1, kToyClasses});
    node("pool.norm_query", {stream}, {first}, norm(40));
    node("pool.norm_kv", {stream}, {all}, norm(40));
    node("pool.query", {first}, {query}, Linear{linear(40, 40)});
    node("pool.kv", {all}, {key, value}, Linear{linear(80, 40)});
    node("pool.attn", {query, key, value}, {probabilities, attended}, Attention{});
    node("pool.proj", {attended}, {mixed}, Linear{linear(48, 40)});
    const int end = static_cast<int>(network.nodes.size());
    node("head", {mixed}, {logits}, Linear{linear(kToyClasses, 48)});
    network.segments.push_back({"pool", begin, end, true});
    network.segments.push_back({"head", end, end + 1, false});
    network.outputs.push_back({"logits", PortKind::logits, logits, 0, 1, 0, 0});
    return network;
  }

 private:
  static FloatNetwork frame() {
    FloatNetwork network;
    network.architecture = "toy";
    network.preprocessing.height = 24;
    network.preprocessing.width = 32;
    network.preprocessing.crop_pct = 1;
    return network;
  }

  std::vector<float> values(int count, double mean, double deviation) {
    std::normal_distribution<double> normal(mean, deviation);
    std::vector<float> result(static_cast<std::size_t>(count));
    for (float& value : result) value = static_cast<float>(normal(random_));
    return result;
  }
  FloatLinear linear(int out, int in) { return {out, in, values(out * in, 0, 1 / std::sqrt(in)), values(out, 0, 0.1)}; }
  LayerNorm norm(int columns) { return {{values(columns, 1, 0.2), values(columns, 0, 0.1)}, 1e-6, 0}; }

  TensorId block(const std::string& name, TensorId stream, int heads, int hidden) {
    const int columns = builder_.at(stream).columns;
    const TensorId to_qkv =
        builder_.layer_norm(name + "norm1", stream, norm(columns), name + "attn.qkv.input", Role::linear_input);
    const TensorId attended = builder_.attention(name + "attn", to_qkv, linear(3 * columns, columns), heads);
    stream =
        builder_.add_linear(name + "attn.proj", attended, stream, linear(columns, columns), name + "attn.residual");
    const TensorId to_fc1 =
        builder_.layer_norm(name + "norm2", stream, norm(columns), name + "mlp.fc1.input", Role::linear_input);
    const TensorId to_fc2 = gated_ ? gated(name + "mlp.", to_fc1, hidden) : plain(name + "mlp.", to_fc1, hidden);
    return builder_.add_linear(name + "mlp.fc2", to_fc2, stream, linear(columns, hidden), name + "residual");
  }

  TensorId plain(const std::string& name, TensorId x, int hidden) {
    const TensorId made = builder_.linear(name + "fc1", x, linear(hidden, builder_.at(x).columns), name + "fc1.output",
                                          Role::activation_input);
    return builder_.activate(name + "act", made, Activation::gelu_erf, name + "fc2.input");
  }

  // With a norm of what is multiplied in the second stage.
  TensorId gated(const std::string& name, TensorId x, int hidden) {
    FloatLinear fc1 = linear(2 * hidden, builder_.at(x).columns);
    if (name.starts_with("stages.0")) {
      return builder_.multiply(name + "fc1", x, std::move(fc1), name + "act", Activation::silu, name + "fc2.input",
                               Role::linear_input);
    }
    const TensorId product = builder_.multiply(name + "fc1", x, std::move(fc1), name + "act", Activation::silu,
                                               name + "norm.input", Role::values);
    return builder_.layer_norm(name + "norm", product, norm(hidden), name + "fc2.input", Role::linear_input);
  }

  const bool gated_;
  std::mt19937 random_;
  GraphBuilder builder_;
};

}  // namespace

FloatNetwork toy_network(unsigned seed) {
  Toy toy(seed);
  return toy.with_mean(toy.stages());
}

FloatNetwork gated_toy(unsigned seed) {
  Toy toy(seed, true);
  return toy.with_mean(toy.stages());
}

FloatNetwork attention_pooled_toy(unsigned seed) {
  Toy toy(seed);
  return toy.with_attention(toy.stages());
}

}  // namespace intvit
