#include "converter/equalise/fold.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

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

// A linear that reads x' gives what it gave for x.
void change_inputs(FloatLinear& layer, const Equalisation& e) {
  const auto k = static_cast<std::size_t>(layer.in);
  for (std::size_t row = 0; row < static_cast<std::size_t>(layer.out); ++row) {
    double bias = layer.bias[row];
    for (std::size_t c = 0; c < k; ++c) {
      const double w = layer.weight[row * k + c] * e.scale[c];
      layer.weight[row * k + c] = static_cast<float>(w);
      bias += w * e.offset[c];
    }
    layer.bias[row] = static_cast<float>(bias);
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
  for (int o = 0; o < layer.out; ++o) {
    for (std::size_t h = 0; h < rotate.size(); ++h) {
      float* row = &layer.weight[static_cast<std::size_t>(o) * static_cast<std::size_t>(layer.in)];
      if (rotate[h]) hadamard(row + h * static_cast<std::size_t>(head_dim), head_dim);
    }
  }
}

bool rotation_fits(const Equalisation& e, const VitDescription& vit, bool heads) {
  if (e.rotate.empty()) return true;
  if (!heads || e.rotate.size() != static_cast<std::size_t>(vit.num_heads)) return false;
  const bool any = std::find(e.rotate.begin(), e.rotate.end(), true) != e.rotate.end();
  // An offset in front of a rotation would not be the one behind it.
  const bool offset = std::any_of(e.offset.begin(), e.offset.end(), [](double x) { return x != 0; });
  return !any || (std::has_single_bit(static_cast<unsigned>(vit.head_dim())) && !offset);
}

bool fits(const Equalisation& e, int channels, bool offsets) {
  if (e.scale.size() != static_cast<std::size_t>(channels) || e.offset.size() != e.scale.size()) return false;
  for (std::size_t c = 0; c < e.scale.size(); ++c) {
    if (!(e.scale[c] > 0) || !std::isfinite(e.scale[c]) || !std::isfinite(e.offset[c])) return false;
    if (!offsets && e.offset[c] != 0) return false;
  }
  return true;
}

}  // namespace

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
  const VitDescription& vit = network.description;
  const int channels = network.description.embed_dim;
  std::set<std::string> known;
  for (int b = 0; b < network.description.depth; ++b) {
    FloatBlock& block = network.blocks[static_cast<std::size_t>(b)];
    // Query and value first, so that folding those alone and the others later gives the same bits as all at once.
    for (const Site site : {Site::query, Site::value, Site::qkv_input, Site::fc1_input}) {
      const std::string name = site_name(site, b);
      known.insert(name);
      const auto found = equalisations.find(name);
      if (found == equalisations.end()) continue;
      const Equalisation& e = found->second;
      if (!fits(e, channels, site != Site::query)) {
        return {Code::invalid_argument, "the equalisation of '" + name + "' must have " + std::to_string(channels) +
                                            " positive scales and as many offsets" +
                                            (site == Site::query ? ", which must be 0" : "")};
      }
      if (!rotation_fits(e, vit, site == Site::query || site == Site::value)) {
        return {Code::invalid_argument, "the rotation of '" + name +
                                            "' needs one entry per head (query and value "
                                            "only), head sizes that are powers of two and offsets of 0"};
      }
      if (site == Site::qkv_input) {
        change_outputs(block.norm1, e);
        change_inputs(block.qkv, e);
      } else if (site == Site::fc1_input) {
        change_outputs(block.norm2, e);
        change_inputs(block.fc1, e);
      } else if (site == Site::value) {
        change_outputs(block.qkv, 2 * channels, e);
        change_inputs(block.proj, e);
        rotate_outputs(block.qkv, 2 * channels, vit.head_dim(), e.rotate);
        rotate_inputs(block.proj, vit.head_dim(), e.rotate);
      } else {
        Equalisation inverse = e;
        for (double& scale : inverse.scale) scale = 1 / scale;
        change_outputs(block.qkv, 0, e);
        change_outputs(block.qkv, channels, inverse);
        rotate_outputs(block.qkv, 0, vit.head_dim(), e.rotate);
        rotate_outputs(block.qkv, channels, vit.head_dim(), e.rotate);
      }
    }
  }
  for (const auto& [name, e] : equalisations) {
    if (!known.contains(name)) {
      return {Code::invalid_argument,
              "'" + name +
                  "' cannot be equalised; possible are a block's attn.qkv.input, mlp.fc1.input, "
                  "attn.query and attn.value"};
    }
  }
  return {};
}

}  // namespace intvit
