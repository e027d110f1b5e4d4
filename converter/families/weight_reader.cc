#include "converter/families/weight_reader.h"

#include <utility>

namespace intvit {

std::vector<float> WeightReader::read(const std::string& name, TensorPart part) {
  if (!status_.ok()) return {};
  Result<Floats> values = tensors_.checkpoint().read(tensors_.find({name, part})->name);
  if (!values.ok()) {
    status_ = values.status();
    return {};
  }
  return values.take();
}

FloatLinear WeightReader::linear(const std::string& name, int out, int in) {
  FloatLinear layer = {out, in, read(name + ".weight"), {}};
  if (has({name + ".bias"})) {
    layer.bias = read(name + ".bias");
  } else {
    layer.bias.resize(static_cast<std::size_t>(out), 0.0f);
  }
  return layer;
}

FloatLayerNorm WeightReader::norm(const std::string& name) { return {read(name + ".weight"), read(name + ".bias")}; }

FloatLinear WeightReader::patch_embed(int channels, int patch) {
  const std::size_t pixels = static_cast<std::size_t>(patch) * static_cast<std::size_t>(patch);
  FloatLinear embed = linear("patch_embed.proj", channels, static_cast<int>(3 * pixels));
  const Floats planar = std::exchange(embed.weight, Floats(embed.weight.size()));
  for (std::size_t row = 0; row < planar.size(); row += 3 * pixels) {
    for (std::size_t colour = 0; colour < 3; ++colour) {
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        embed.weight[row + pixel * 3 + colour] = planar[row + colour * pixels + pixel];
      }
    }
  }
  return embed;
}

FloatLinear WeightReader::fc1(const std::string& name, int out, int in) {
  FloatLinear values = linear(name, out, in);
  if (!has({name + ".weight", TensorPart::gate})) return values;
  const Floats weight = read(name + ".weight", TensorPart::gate), bias = read(name + ".bias", TensorPart::gate);
  values.weight.insert(values.weight.begin(), weight.begin(), weight.end());
  values.bias.insert(values.bias.begin(), bias.begin(), bias.end());
  return values;
}

FloatLinear WeightReader::qkv(const std::string& name, int channels) {
  FloatLinear all = {3 * channels, channels, {}, {}};
  const bool one_weight = has({name + ".weight"}), one_bias = has({name + ".bias"});
  if (one_weight) all.weight = read(name + ".weight");
  if (one_bias) all.bias = read(name + ".bias");
  for (const TensorPart part : {TensorPart::query, TensorPart::key, TensorPart::value}) {
    if (!one_weight) {
      const Floats weight = read(name + ".weight", part);
      all.weight.insert(all.weight.end(), weight.begin(), weight.end());
    }
    if (one_bias) continue;
    Floats bias(static_cast<std::size_t>(channels), 0.0f);
    if (has({name + ".bias", part})) bias = read(name + ".bias", part);
    all.bias.insert(all.bias.end(), bias.begin(), bias.end());
  }
  return all;
}

}  // namespace intvit
