#include "converter/equalise.h"

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

bool fits(const Equalisation& e, int channels, bool offsets) {
  if (e.scale.size() != static_cast<std::size_t>(channels) || e.offset.size() != e.scale.size()) return false;
  for (std::size_t c = 0; c < e.scale.size(); ++c) {
    if (!(e.scale[c] > 0) || !std::isfinite(e.scale[c]) || !std::isfinite(e.offset[c])) return false;
    if (!offsets && e.offset[c] != 0) return false;
  }
  return true;
}

}  // namespace

Status equalise(const Plan& plan, FloatNetwork& network) {
  const int channels = network.description.embed_dim;
  std::set<std::string> known;
  for (int b = 0; b < network.description.depth; ++b) {
    FloatBlock& block = network.blocks[static_cast<std::size_t>(b)];
    for (const Site site : {Site::qkv_input, Site::fc1_input, Site::value, Site::query}) {
      const std::string name = site_name(site, b);
      known.insert(name);
      const auto found = plan.equalisations.find(name);
      if (found == plan.equalisations.end()) continue;
      const Equalisation& e = found->second;
      if (!fits(e, channels, site != Site::query)) {
        return {Code::invalid_argument, "the equalisation of '" + name + "' must have " + std::to_string(channels) +
                                            " positive scales and as many offsets" +
                                            (site == Site::query ? ", which must be 0" : "")};
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
      } else {
        Equalisation inverse = e;
        for (double& scale : inverse.scale) scale = 1 / scale;
        change_outputs(block.qkv, 0, e);
        change_outputs(block.qkv, channels, inverse);
      }
    }
  }
  for (const auto& [name, e] : plan.equalisations) {
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
