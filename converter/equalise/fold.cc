#include "converter/equalise/fold.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

namespace intvit {
namespace {

// Rows [first, first + C) of a linear that produces x: x' = x / scale - offset.
void change_outputs(FloatLinear& layer, int first, const Equalisation& e) {
  for (std::size_t c = 0; c < e.scale.size(); ++c) {
    const std::size_t row = static_cast<std::size_t>(first) + c;
    for (std::size_t i = 0; i < static_cast<std::size_t>(layer.in); ++i) {
      float& w = layer.weight[row * static_cast<std::size_t>(layer.in) + i];
      w = static_cast<float>(w / e.scale[c]);
    }
    layer.bias[row] = static_cast<float>(layer.bias[row] / e.scale[c] - e.offset[c]);
  }
}

void change_outputs(FloatLayerNorm& norm, const Equalisation& e) {
  for (std::size_t c = 0; c < e.scale.size(); ++c) {
    norm.gamma[c] = static_cast<float>(norm.gamma[c] / e.scale[c]);
    norm.beta[c] = static_cast<float>(norm.beta[c] / e.scale[c] - e.offset[c]);
  }
}

// A linear that reads x' gives what it gave for x. It may read several rows as one.
void change_inputs(FloatLinear& layer, const Equalisation& e) {
  const auto k = static_cast<std::size_t>(layer.in), channels = e.scale.size();
  for (std::size_t row = 0; row < static_cast<std::size_t>(layer.out); ++row) {
    double bias = layer.bias[row];
    for (std::size_t c = 0; c < k; ++c) {
      const double w = layer.weight[row * k + c] * e.scale[c % channels];
      layer.weight[row * k + c] = static_cast<float>(w);
      bias += w * e.offset[c % channels];
    }
    layer.bias[row] = static_cast<float>(bias);
  }
}

// What was zero in x is it no more in x'.
void change_zero(Linear& layer, const Equalisation& e) {
  if (layer.linear.in != static_cast<int>(e.scale.size())) return;  // several rows that are read as one
  layer.zero.resize(e.scale.size(), 0.0f);
  for (std::size_t c = 0; c < e.scale.size(); ++c) {
    layer.zero[c] = static_cast<float>(layer.zero[c] / e.scale[c] - e.offset[c]);
  }
}

// Rows [first + h * head_dim, ...) of a linear that produces the heads: the outputs of head h rotated.
void rotate_outputs(FloatLinear& layer, int first, int head_dim, const std::vector<bool>& rotate) {
  const auto k = static_cast<std::size_t>(layer.in);
  std::vector<float> column(static_cast<std::size_t>(head_dim));
  for (std::size_t h = 0; h < rotate.size(); ++h) {
    if (!rotate[h]) continue;
    const std::size_t row = static_cast<std::size_t>(first) + h * column.size();
    for (std::size_t i = 0; i < k; ++i) {
      for (std::size_t c = 0; c < column.size(); ++c) column[c] = layer.weight[(row + c) * k + i];
      hadamard(column.data(), head_dim);
      for (std::size_t c = 0; c < column.size(); ++c) layer.weight[(row + c) * k + i] = column[c];
    }
    hadamard(&layer.bias[row], head_dim);
  }
}

void rotate_inputs(FloatLinear& layer, int head_dim, const std::vector<bool>& rotate) {
  if (rotate.empty()) return;
  const auto pieces = static_cast<std::size_t>(layer.in / head_dim);
  for (int o = 0; o < layer.out; ++o) {
    for (std::size_t h = 0; h < pieces; ++h) {
      float* row = &layer.weight[static_cast<std::size_t>(o) * static_cast<std::size_t>(layer.in)];
      if (rotate[h % rotate.size()]) hadamard(row + h * static_cast<std::size_t>(head_dim), head_dim);
    }
  }
}

bool rotation_fits(const Equalisation& e, const Tensor& tensor) {
  if (e.rotate.empty()) return true;
  if (!is_per_head(tensor.role) || e.rotate.size() != static_cast<std::size_t>(tensor.heads)) return false;
  const bool any = std::find(e.rotate.begin(), e.rotate.end(), true) != e.rotate.end();
  // An offset in front of a rotation would not be the one behind it.
  const bool offset = std::any_of(e.offset.begin(), e.offset.end(), [](double x) { return x != 0; });
  return !any || (std::has_single_bit(static_cast<unsigned>(tensor.head_columns())) && !offset);
}

bool fits(const Equalisation& e, int channels, bool offsets) {
  if (e.scale.size() != static_cast<std::size_t>(channels) || e.offset.size() != e.scale.size()) return false;
  for (std::size_t c = 0; c < e.scale.size(); ++c) {
    if (!(e.scale[c] > 0) || !std::isfinite(e.scale[c]) || !std::isfinite(e.offset[c])) return false;
    if (!offsets && e.offset[c] != 0) return false;
  }
  return true;
}

// The part of a linear layer that produces a tensor: rows of its weights from `first` on.
struct Rows {
  int node = -1;  // -1: something else produces it
  int first = 0;
};

Rows rows_of(const FloatNetwork& network, TensorId id) {
  const int n = network.producer(id);
  const Node& node = network.node(n);
  if (node.as<Linear>() == nullptr || addend(node) >= 0) return {};
  const auto part = std::find(node.outputs.begin(), node.outputs.end(), id) - node.outputs.begin();
  return {n, static_cast<int>(part) * network.at(id).columns};
}

TensorId key_of(const FloatNetwork& network, TensorId query) {
  return network.node(network.attention_behind(query)).inputs[1];
}

TensorId attended_by(const FloatNetwork& network, TensorId value) {
  return network.node(network.attention_behind(value)).outputs[1];
}

bool is_output(const FloatNetwork& network, TensorId id) {
  return std::any_of(network.outputs.begin(), network.outputs.end(), [&](const auto& o) { return o.tensor == id; });
}

// Folds one into the layers around the tensor, which can be equalised.
void fold(FloatNetwork& network, TensorId id, const Equalisation& e) {
  const Tensor& tensor = network.at(id);
  const auto layer = [&](int node) -> FloatLinear& { return *network.node(node).weights(); };
  if (tensor.role == Role::linear_input) {
    change_outputs(network.node(network.producer(id)).as<LayerNorm>()->norm, e);
    change_inputs(layer(network.linear_behind(id)), e);
    change_zero(*network.node(network.linear_behind(id)).as<Linear>(), e);
    return;
  }
  const Rows own = rows_of(network, id);
  const int head_dim = tensor.head_columns();
  if (tensor.role == Role::value) {
    FloatLinear& proj = layer(network.linear_behind(attended_by(network, id)));
    change_outputs(layer(own.node), own.first, e);
    change_inputs(proj, e);
    rotate_outputs(layer(own.node), own.first, head_dim, e.rotate);
    rotate_inputs(proj, head_dim, e.rotate);
    return;
  }
  const Rows key = rows_of(network, key_of(network, id));
  Equalisation inverse = e;
  for (double& scale : inverse.scale) scale = 1 / scale;
  change_outputs(layer(own.node), own.first, e);
  change_outputs(layer(key.node), key.first, inverse);
  rotate_outputs(layer(own.node), own.first, head_dim, e.rotate);
  rotate_outputs(layer(key.node), key.first, head_dim, e.rotate);
}

Status check_and_fold(FloatNetwork& network, TensorId id, const Equalisation& e) {
  const Tensor& tensor = network.at(id);
  const bool offsets = tensor.role != Role::query;
  if (!fits(e, tensor.columns, offsets)) {
    return {Code::invalid_argument, "the equalisation of '" + tensor.name + "' must have " +
                                        std::to_string(tensor.columns) + " positive scales and as many offsets" +
                                        (offsets ? "" : ", which must be 0")};
  }
  if (!rotation_fits(e, tensor)) {
    return {Code::invalid_argument, "the rotation of '" + tensor.name +
                                        "' needs one entry per head (query and value "
                                        "only), head sizes that are powers of two and offsets of 0"};
  }
  fold(network, id, e);
  return {};
}

}  // namespace

bool can_equalise(const FloatNetwork& network, TensorId id) {
  if (is_output(network, id)) return false;
  switch (network.at(id).role) {
    case Role::linear_input:
      return network.node(network.producer(id)).as<LayerNorm>() != nullptr;
    case Role::query: {
      const TensorId key = key_of(network, id);
      return rows_of(network, id).node >= 0 && rows_of(network, key).node >= 0 && !is_output(network, key);
    }
    case Role::value: {
      const TensorId attended = attended_by(network, id);
      return rows_of(network, id).node >= 0 && network.at(attended).role == Role::linear_input &&
             !is_output(network, attended);
    }
    default:
      return false;
  }
}

void hadamard(float* row, int n) {
  for (int half = 1; half < n; half *= 2) {
    for (int i = 0; i < n; i += 2 * half) {
      for (int j = i; j < i + half; ++j) {
        const float a = row[j], b = row[j + half];
        row[j] = a + b;
        row[j + half] = a - b;
      }
    }
  }
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(n)));
  for (int i = 0; i < n; ++i) row[i] *= scale;
}

Status equalise(const std::map<std::string, Equalisation>& equalisations, FloatNetwork& network) {
  std::vector<TensorId> heads, norms;
  for (const auto& [name, e] : equalisations) {
    const TensorId id = network.find(name);
    if (id < 0 || !can_equalise(network, id)) {
      return {Code::invalid_argument,
              "'" + name +
                  "' cannot be equalised; possible are a block's attn.qkv.input, mlp.fc1.input, "
                  "attn.query and attn.value"};
    }
    (is_per_head(network.at(id).role) ? heads : norms).push_back(id);
  }
  // Query and value first, so that folding those alone and the others later gives the same bits as all at once.
  for (std::vector<TensorId>* ids : {&heads, &norms}) {
    std::sort(ids->begin(), ids->end());
    for (const TensorId id : *ids) {
      if (Status status = check_and_fold(network, id, equalisations.at(network.at(id).name)); !status.ok()) {
        return status;
      }
    }
  }
  return {};
}

}  // namespace intvit
