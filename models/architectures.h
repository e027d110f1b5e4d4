// The architectures that are known by name: their sizes, their variants of the network and the preprocessing that their
// first published weights want. Data only (arch.inc); a checkpoint's own config overrides any of it, and a network with
// another name can still be read when its config and tensors give all sizes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "models/vit.h"

namespace intvit {

// Mean and standard deviation of the input, by the name of the family that introduced them.
enum class InputNorm { half, imagenet, clip, unit };

// What differs from a plain ViT with a class token, each a yes or no. A set of bits.
enum ArchitectureTrait : unsigned {
  kDistilledTrait = 1u << 0,     // distillation token and second head
  kLayerScaleTrait = 1u << 1,    // ls1.gamma and ls2.gamma in every block
  kNoEmbedClassTrait = 1u << 2,  // prefix tokens have no position
  kNoClassTokenTrait = 1u << 3,
  kAverageTrait = 1u << 4,  // mean over the patches instead of the class token
  kFcNormTrait = 1u << 5,   // the final norm stands after the pooling
  kNoQkvBiasTrait = 1u << 6,
  kSquashTrait = 1u << 7,    // crop mode
  kBilinearTrait = 1u << 8,  // interpolation
  kPreNormTrait = 1u << 9,   // norm_pre in front of the blocks, no bias in the patch embedding
  kAttentionPoolTrait = 1u << 10,
  kRelativeTrait = 1u << 12,       // relative positions in each block, none of the tokens
  kRotaryGridTrait = 1u << 13,     // rotary positions as EVA-02 has them, beside those of the tokens
  kRotaryCentresTrait = 1u << 14,  // as DINOv3 has them, and none of the tokens
  kMlpNormTrait = 1u << 15,        // a norm of the products of the gated MLP
  kGatedMlpTrait = 1u << 11,       // fc1 makes gates and values, each of mlp_dim
};

struct Architecture {
  const char* name = "";  // timm's
  int image_size = 0;     // pixels, square
  int patch_size = 0;
  double crop_pct = 0.0;
  InputNorm input_norm = InputNorm::half;
  int embed_dim = 0;
  int depth = 0;
  int num_heads = 0;
  int mlp_dim = 0;
  unsigned traits = 0;  // of ArchitectureTrait
  int registers = 0;
  double eps = 1e-6;  // of all norms
  Activation activation = Activation::gelu_erf;
  int num_classes = 1000;  // before fine-tuning; a checkpoint's head decides

  bool has(ArchitectureTrait trait) const { return (traits & trait) != 0; }
};

std::span<const Architecture> architectures();

// timm's hub appends the tag of the weights to the name: `deit_tiny_patch16_224.fb_in1k` -> `deit_tiny_patch16_224`.
std::string_view without_tag(std::string_view name);

// Null when the name (with or without a tag) is unknown.
const Architecture* find_architecture(std::string_view name);

// The known name, of any family, that is nearest to a mistyped one; empty when none is near enough to be meant.
std::string nearest_architecture(std::string_view name);

// All values of the description except the labels; nullopt when the name is unknown.
std::optional<VitDescription> describe_architecture(std::string_view name);

VitDescription to_description(const Architecture& architecture);

}  // namespace intvit
