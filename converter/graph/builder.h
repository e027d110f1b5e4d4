// Puts a network together, node by node: what families' builders are written with.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "converter/graph/network.h"

namespace intvit {

class GraphBuilder {
 public:
  explicit GraphBuilder(FloatNetwork frame) : network_(std::move(frame)) {}

  const Tensor& at(TensorId id) const { return network_.at(id); }

  // Everything up to the next one, or the end, is in this segment.
  void segment(const std::string& name, bool sampled) {
    close();
    network_.segments.push_back({name, node_count(), node_count(), sampled});
  }

  // pixels are `NAME.input`, the stream `NAME.residual`.
  TensorId patch_embed(const std::string& name, PatchEmbed embed) {
    const Preprocessing& picture = network_.preprocessing;
    const int patches = picture.height / embed.patch * (picture.width / embed.patch);
    const TensorId pixels = tensor({name + ".input", Role::pixels, patches, embed.linear.in});
    const TensorId stream = tensor({name + ".residual", Role::residual, embed.prefix + patches, embed.linear.out});
    node(name, {}, {pixels, stream}, std::move(embed));
    return stream;
  }

  // `rows` of x from norm.first_row on.
  TensorId layer_norm(const std::string& name, TensorId x, LayerNorm norm, int rows, const std::string& to, Role role) {
    return one(name, {x}, {to, role, rows, at(x).columns}, std::move(norm));
  }
  TensorId layer_norm(const std::string& name, TensorId x, LayerNorm norm, const std::string& to, Role role) {
    const int rows = at(x).rows;
    return layer_norm(name, x, std::move(norm), rows, to, role);
  }

  // stream + norm(x)
  TensorId add_layer_norm(const std::string& name, TensorId x, TensorId stream, LayerNorm norm, const std::string& to) {
    return one(name, {x, stream}, {to, Role::residual, at(stream).rows, at(stream).columns}, std::move(norm));
  }

  TensorId linear(const std::string& name, TensorId x, FloatLinear layer, const std::string& to, Role role) {
    const int joined = layer.in / at(x).columns;
    return one(name, {x}, {to, role, at(x).rows / joined, layer.out}, Linear{std::move(layer)});
  }

  // stream + linear(x)
  TensorId add_linear(const std::string& name, TensorId x, TensorId stream, FloatLinear layer, const std::string& to) {
    return one(name, {x, stream}, {to, Role::residual, at(stream).rows, layer.out}, Linear{std::move(layer)});
  }

  TensorId activate(const std::string& name, TensorId x, Activation function, const std::string& to) {
    return one(name, {x}, {to, Role::linear_input, at(x).rows, at(x).columns}, Activate{function});
  }

  // function(gate) * x by a node ACT, where NAME.gate and NAME.value are the halves that linear layer NAME makes.
  TensorId multiply(const std::string& name, TensorId x, FloatLinear layer, const std::string& act, Activation function,
                    const std::string& to, Role role) {
    const int rows = at(x).rows, columns = layer.out / 2;
    const TensorId gate = tensor({name + ".gate", Role::activation_input, rows, columns});
    const TensorId value = tensor({name + ".value", Role::values, rows, columns});
    node(name, {x}, {gate, value}, Linear{std::move(layer)});
    return one(act, {gate, value}, {to, role, rows, columns}, Multiply{function});
  }

  // Of all three at once: NAME.qkv writes NAME.query, .key and .value; probabilities are NAME.post_softmax.
  // Returns what proj reads, NAME.proj.input.
  TensorId attention(const std::string& name, TensorId x, FloatLinear qkv, int heads, Attention kind = {}) {
    const int rows = at(x).rows, columns = qkv.out / 3;
    const TensorId query = tensor({name + ".query", Role::query, rows, columns, heads});
    const TensorId key = tensor({name + ".key", Role::key, rows, columns, heads});
    const TensorId value = tensor({name + ".value", Role::value, rows, columns, heads});
    node(name + ".qkv", {x}, {query, key, value}, Linear{std::move(qkv)});
    return attended(name, query, key, value, std::move(kind));
  }

  // The same with a node for query and one for key (NAME.q_HOW and .k_HOW), which read what the linear layer makes,
  // NAME.q_HOW.input and NAME.k_HOW.input: a norm of heads, or a rotation.
  TensorId attention(const std::string& name, TensorId x, FloatLinear qkv, int heads, Attention kind,
                     const std::string& how, NodeKind of_query, NodeKind of_key) {
    const int rows = at(x).rows, columns = qkv.out / 3;
    const std::string q = name + ".q_" + how, k = name + ".k_" + how;
    const TensorId to_query = tensor({q + ".input", Role::values, rows, columns});
    const TensorId to_key = tensor({k + ".input", Role::values, rows, columns});
    const TensorId value = tensor({name + ".value", Role::value, rows, columns, heads});
    node(name + ".qkv", {x}, {to_query, to_key, value}, Linear{std::move(qkv)});
    const TensorId query =
        one(q, {to_query}, {name + ".query", Role::query, rows, columns, heads}, std::move(of_query));
    const TensorId key = one(k, {to_key}, {name + ".key", Role::key, rows, columns, heads}, std::move(of_key));
    return attended(name, query, key, value, std::move(kind));
  }

  TensorId gather(const std::string& name, TensorId x, const MergeSpec& merge, const std::string& to, Role role) {
    return one(name, {x}, {to, role, merge.merged_tokens(), kMergedTokens * at(x).columns}, Gather{merge});
  }

  TensorId copy(const std::string& name, TensorId x, const std::string& to) {
    return one(name, {x}, {to, Role::linear_input, at(x).rows, at(x).columns}, Copy{});
  }

  TensorId mean_rows(const std::string& name, TensorId x, MeanRows mean, const std::string& to, Role role) {
    return one(name, {x}, {to, role, mean.copied + 1, at(x).columns}, mean);
  }

  void output(NetworkOutput output) { network_.outputs.push_back(std::move(output)); }

  // Of a mistake: check_network() tells.
  FloatNetwork take() {
    close();
    return std::move(network_);
  }

 private:
  int node_count() const { return static_cast<int>(network_.nodes.size()); }
  void close() {
    if (!network_.segments.empty()) network_.segments.back().end = node_count();
  }

  TensorId tensor(Tensor t) {
    network_.tensors.push_back(std::move(t));
    return static_cast<TensorId>(network_.tensors.size() - 1);
  }
  void node(const std::string& name, std::vector<TensorId> inputs, std::vector<TensorId> outputs, NodeKind kind) {
    network_.nodes.push_back({name, std::move(inputs), std::move(outputs), std::move(kind)});
  }
  TensorId attended(const std::string& name, TensorId query, TensorId key, TensorId value, Attention kind) {
    const int heads = at(query).heads, asked = kind.queries > 0 ? kind.queries : at(query).rows;
    const int keys = kind.windows ? kind.windows->window_tokens() : at(key).rows;
    const TensorId probabilities = tensor({name + ".post_softmax", Role::probabilities, heads * asked, keys, heads});
    const TensorId attended = tensor({name + ".proj.input", Role::linear_input, asked, at(value).columns});
    node(name, {query, key, value}, {probabilities, attended}, std::move(kind));
    return attended;
  }
  TensorId one(const std::string& name, std::vector<TensorId> inputs, Tensor to, NodeKind kind) {
    const TensorId id = tensor(std::move(to));
    node(name, std::move(inputs), {id}, std::move(kind));
    return id;
  }

  FloatNetwork network_;
};

}  // namespace intvit
