#include "models/architectures.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "models/swin_architectures.h"

namespace intvit {
namespace {

// Short names for the values of arch.inc.
constexpr InputNorm kHalf = InputNorm::half;
constexpr InputNorm kImagenet = InputNorm::imagenet;
constexpr InputNorm kClip = InputNorm::clip;
constexpr InputNorm kUnit = InputNorm::unit;

constexpr unsigned kDistilled = kDistilledTrait;
constexpr unsigned kLayerScale = kLayerScaleTrait;
constexpr unsigned kNoEmbedClass = kNoEmbedClassTrait;
constexpr unsigned kNoClassToken = kNoClassTokenTrait;
constexpr unsigned kAverage = kAverageTrait;
constexpr unsigned kAverageFcNorm = kAverageTrait | kFcNormTrait;
constexpr unsigned kNoQkvBias = kNoQkvBiasTrait;
constexpr unsigned kSquash = kSquashTrait;
constexpr unsigned kBilinear = kBilinearTrait;
constexpr unsigned kPreNorm = kPreNormTrait;
constexpr unsigned kSiglip = kNoClassToken | kAttentionPoolTrait;
constexpr unsigned kGap = kLayerScale | kNoClassToken | kAverage | kNoQkvBias;
constexpr unsigned kGapFcNorm = kLayerScale | kNoClassToken | kAverageFcNorm;
constexpr unsigned kRegistersGap = kGapFcNorm | kNoEmbedClass;
constexpr unsigned kDinov2Registers = kLayerScale | kNoEmbedClass;
constexpr unsigned kGatedMlp = kGatedMlpTrait;
constexpr unsigned kBeit = kRelativeTrait | kLayerScale | kAverageFcNorm;
constexpr unsigned kEva02 = kRotaryGridTrait | kGatedMlp | kAverageFcNorm;
constexpr unsigned kEva02Norm = kEva02 | kMlpNormTrait;
constexpr unsigned kDinov3 = kRotaryCentresTrait | kLayerScale | kNoQkvBias;
constexpr unsigned kSo150m2 = kGapFcNorm | kNoQkvBias;

constexpr Architecture kArchitectures[] = {
#include "models/arch.inc"
};

// Levenshtein's distance, one row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

void set_input_norm(InputNorm norm, Preprocessing& preprocessing) {
  switch (norm) {
    case InputNorm::half:
      preprocessing.mean = {0.5, 0.5, 0.5};
      preprocessing.stddev = {0.5, 0.5, 0.5};
      break;
    case InputNorm::imagenet:
      preprocessing.mean = {0.485, 0.456, 0.406};
      preprocessing.stddev = {0.229, 0.224, 0.225};
      break;
    case InputNorm::clip:
      preprocessing.mean = {0.48145466, 0.4578275, 0.40821073};
      preprocessing.stddev = {0.26862954, 0.26130258, 0.27577711};
      break;
    case InputNorm::unit:
      preprocessing.mean = {0.0, 0.0, 0.0};
      preprocessing.stddev = {1.0, 1.0, 1.0};
      break;
  }
}

}  // namespace

std::span<const Architecture> architectures() { return kArchitectures; }

std::string_view without_tag(std::string_view name) { return name.substr(0, name.find('.')); }

const Architecture* find_architecture(std::string_view name) {
  const std::string_view plain = without_tag(name);
  for (const Architecture& architecture : kArchitectures) {
    if (plain == architecture.name) return &architecture;
  }
  return nullptr;
}

std::string nearest_architecture(std::string_view name) {
  constexpr std::size_t kLongestName = 64;  // the work is quadratic and the name may come from a file
  const std::string_view plain = without_tag(name).substr(0, kLongestName);
  const char* nearest = "";
  std::size_t least = plain.size() / 3 + 1;  // at most a third of the letters wrong
  const auto consider = [&](const char* known) {
    const std::size_t distance = edit_distance(plain, known);
    if (distance < least) {
      least = distance;
      nearest = known;
    }
  };
  for (const Architecture& architecture : kArchitectures) consider(architecture.name);
  for (const SwinArchitecture& architecture : swin_architectures()) consider(architecture.name);
  return nearest;
}

std::optional<VitDescription> describe_architecture(std::string_view name) {
  const Architecture* architecture = find_architecture(name);
  if (architecture == nullptr) return std::nullopt;
  return to_description(*architecture);
}

VitDescription to_description(const Architecture& architecture) {
  VitDescription vit;
  vit.architecture = architecture.name;
  vit.patch_size = architecture.patch_size;
  vit.embed_dim = architecture.embed_dim;
  vit.depth = architecture.depth;
  vit.num_heads = architecture.num_heads;
  vit.mlp_dim = architecture.mlp_dim;
  vit.num_classes = architecture.num_classes;
  vit.pooling = architecture.has(kAverageTrait)         ? Pooling::average
                : architecture.has(kAttentionPoolTrait) ? Pooling::attention
                                                        : Pooling::token;
  vit.class_token = !architecture.has(kNoClassTokenTrait);
  vit.distillation_token = architecture.has(kDistilledTrait);
  vit.register_tokens = architecture.registers;
  vit.no_embed_class = architecture.has(kNoEmbedClassTrait);
  vit.qkv_bias = !architecture.has(kNoQkvBiasTrait);
  vit.layer_scale = architecture.has(kLayerScaleTrait);
  vit.absolute_positions = !architecture.has(kRelativeTrait) && !architecture.has(kRotaryCentresTrait);
  vit.relative_positions = architecture.has(kRelativeTrait);
  vit.rotary = architecture.has(kRotaryGridTrait)      ? Rotary::grid
               : architecture.has(kRotaryCentresTrait) ? Rotary::centres
                                                       : Rotary::none;
  vit.mlp_norm = architecture.has(kMlpNormTrait);
  vit.gated_mlp = architecture.has(kGatedMlpTrait);
  vit.pre_norm = architecture.has(kPreNormTrait);
  vit.fc_norm = architecture.has(kFcNormTrait);
  vit.layer_norm_eps = architecture.eps;
  vit.activation = architecture.activation;
  vit.preprocessing.height = architecture.image_size;
  vit.preprocessing.width = architecture.image_size;
  vit.preprocessing.crop_pct = architecture.crop_pct;
  vit.preprocessing.crop_mode = architecture.has(kSquashTrait) ? "squash" : "center";
  vit.preprocessing.interpolation = architecture.has(kBilinearTrait) ? "bilinear" : "bicubic";
  set_input_norm(architecture.input_norm, vit.preprocessing);
  return vit;
}

}  // namespace intvit
