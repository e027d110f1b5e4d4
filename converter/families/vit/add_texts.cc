#include "converter/families/vit/add_texts.h"

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "converter/read/message.h"

namespace intvit {
namespace {

constexpr double kLargestLogitScale = 1e4;  // CLIP stops at 100

// Of real logits, by the options and the checkpoint.
Result<ZeroShot> scale_and_bias(const ClassTexts& texts, const TensorTable& tensors, Pooling pooling,
                                const std::string& where) {
  ZeroShot rule;
  const Result<std::optional<double>> log_scale = tensors.scalar("logit_scale"), bias = tensors.scalar("logit_bias");
  if (!log_scale.ok()) return log_scale.status();
  if (!bias.ok()) return bias.status();
  if (!texts.scale && !log_scale.value()) {
    return {Code::invalid_argument, where +
                                        "has no logit_scale; give --logit-scale, what cosines are multiplied with "
                                        "(exp of the library's logit_scale, such as 100 for CLIP)"};
  }
  rule.scale = texts.scale ? *texts.scale : std::exp(*log_scale.value());
  if (!(rule.scale > 0 && rule.scale <= kLargestLogitScale)) {
    return {Code::corrupt_file, where + "its logit_scale is the logarithm of " + std::to_string(rule.scale) +
                                    "; up to 10000 are supported, give --logit-scale"};
  }
  rule.bias = texts.bias ? texts.bias : bias.value();
  const bool siglip = pooling == Pooling::attention && tensors.naming() != Naming::open_clip_timm;
  if (siglip && !rule.bias) {
    return {Code::invalid_argument, where + "has no logit_bias, which SigLIP adds to its logits; give --logit-bias"};
  }
  return rule;
}

// [out][in] * [in][columns], in double precision.
std::vector<float> scaled_product(const std::vector<float>& left, const std::vector<float>& right, std::size_t in,
                                  double scale) {
  const std::size_t out = left.size() / in, columns = right.size() / in;
  std::vector<float> result(out * columns);
  std::vector<double> sums(columns);
  for (std::size_t o = 0; o < out; ++o) {
    sums.assign(columns, 0);
    for (std::size_t i = 0; i < in; ++i) {
      const double factor = scale * left[o * in + i];
      for (std::size_t c = 0; c < columns; ++c) sums[c] += factor * right[i * columns + c];
    }
    for (std::size_t c = 0; c < columns; ++c) result[o * columns + c] = static_cast<float>(sums[c]);
  }
  return result;
}

}  // namespace

// t (P x + b) = (t P) x + t b
Status add_texts(const ClassTexts& texts, const TensorTable& tensors, VitWeights& weights) {
  const VitDescription& vit = weights.description;
  const std::string where = "checkpoint " + in_quotes(tensors.checkpoint().path()) + ": ";
  if (vit.num_classes > 0) {
    return {Code::invalid_argument, where + "it has a head of its own with " + std::to_string(vit.num_classes) +
                                        " classes; --classes is for encoders, such as CLIP and SigLIP"};
  }
  if (vit.distillation_token) {
    return {Code::unsupported, where + "its embedding is a mean of two tokens; --classes is for encoders of one"};
  }
  const int width = vit.projection_dim > 0 ? vit.projection_dim : vit.embed_dim;
  if (texts.columns != width) {
    return {Code::invalid_argument, where + "its embedding has " + std::to_string(width) +
                                        " values, but those of the classes have " + std::to_string(texts.columns) +
                                        "; compute them with the text tower of the same model"};
  }
  const Result<ZeroShot> rule = scale_and_bias(texts, tensors, vit.pooling, where);
  if (!rule.ok()) return rule.status();
  weights.zero_shot = rule.value();
  const double scale = rule.value().scale;
  FloatLinear& layer = weights.texts;
  layer = {texts.classes, vit.embed_dim, {}, std::vector<float>(static_cast<std::size_t>(texts.classes), 0.0f)};
  if (vit.projection_dim == 0) {
    layer.weight = texts.embeddings;
    for (float& weight : layer.weight) weight = static_cast<float>(weight * scale);
    return {};
  }
  const std::size_t in = static_cast<std::size_t>(width);
  layer.weight = scaled_product(texts.embeddings, weights.head.weight, in, scale);
  layer.bias = scaled_product(texts.embeddings, weights.head.bias, in, scale);
  return {};
}

}  // namespace intvit
