#include "converter/families/vit/describe_vit.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "converter/families/limits.h"
#include "converter/families/vit/check_description.h"
#include "converter/read/config_kinds.h"
#include "converter/read/config_reader.h"
#include "converter/read/message.h"
#include "models/architectures.h"

namespace intvit {
namespace {

template <typename T>
void override_with(const std::optional<T>& value, T& target) {
  if (value) target = *value;
}

// Collects the description step by step; the order of the calls in describe_vit() matters.
class Describer {
 public:
  Describer(const ModelConfig& config, const TensorTable& tensors, const InputSize& input,
            std::vector<std::string>& notes)
      : config_(config),
        tensors_(tensors),
        input_(input),
        notes_(notes),
        where_(in_quotes(tensors.checkpoint().path())) {}

  Result<VitDescription> run() {
    start();
    if (status_.ok()) status_ = tensors_.check_features();
    if (status_.ok()) apply_sizes();
    if (status_.ok()) apply_variants();
    if (status_.ok()) apply_preprocessing();
    if (status_.ok()) status_ = check_description(vit_, tensors_);
    if (!status_.ok()) return status_;
    vit_.labels = fitting_labels(config_, vit_.num_classes, notes_);
    return vit_;
  }

 private:
  void fail(Code code, const std::string& what) {
    if (status_.ok()) status_ = Status(code, "checkpoint " + where_ + ": " + what);
  }

  // The architecture by name, where there is a known one.
  void start() {
    const bool has_timm_name = config_.kind == ConfigKind::timm || naming() == Naming::open_clip_timm;
    std::string name = has_timm_name ? config_.architecture : std::string();
    if (config_.kind == ConfigKind::none) name = tensors_.checkpoint().metadata("architecture");
    if (const std::optional<VitDescription> known = describe_architecture(name)) {
      vit_ = *known;
      known_ = true;
      return;
    }
    if (!tensors_.has("patch_embed.proj.weight") || !tensors_.has("blocks.0.norm1.weight")) {
      const std::string nearest = nearest_architecture(name);
      return fail(Code::unsupported, (name.empty() ? "it" : "architecture " + in_quotes(name)) +
                                         " is no Vision Transformer that this version knows" +
                                         (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
    }
    vit_.architecture = clean_label(!name.empty() ? name : config_.architecture.empty() ? "vit" : config_.architecture);
    if (!name.empty()) {
      const std::string nearest = nearest_architecture(name);
      notes_.push_back("architecture " + in_quotes(name) + " is not known" +
                       (nearest.empty() ? "" : " (the nearest is " + nearest + ")") +
                       "; everything is taken from the config and the shapes of the tensors");
    }
    from_shapes();
  }

  void from_shapes() {
    vit_.embed_dim = tensors_.dimension({"patch_embed.proj.weight"}, 0, 4);
    vit_.patch_size = tensors_.dimension({"patch_embed.proj.weight"}, 2, 4);
    while (vit_.depth < kMostBlocks && tensors_.find({"blocks." + std::to_string(vit_.depth) + ".norm1.weight"})) {
      ++vit_.depth;
    }
    vit_.mlp_dim = tensors_.dimension({"blocks.0.mlp.fc2.weight"}, 1, 2);
    vit_.class_token = tensors_.has("cls_token");
    vit_.distillation_token = tensors_.has("dist_token");
    vit_.register_tokens = tensors_.dimension({"reg_token"}, 1, 3);
    vit_.layer_scale = tensors_.has("blocks.0.ls1.gamma");
    vit_.qkv_bias = tensors_.has("blocks.0.attn.qkv.bias") ||
                    tensors_.find({"blocks.0.attn.qkv.bias", TensorPart::query}) != nullptr;
    vit_.pre_norm = tensors_.has("norm_pre.weight");
    vit_.fc_norm = tensors_.has("fc_norm.weight");
    vit_.pooling = vit_.class_token && (!vit_.fc_norm || is_clip(naming())) ? Pooling::token : Pooling::average;
    if (tensors_.has("attn_pool.latent")) vit_.pooling = Pooling::attention;
    if (naming() == Naming::transformers_siglip) vit_.activation = Activation::gelu_tanh;
    if (naming() == Naming::transformers) vit_.layer_norm_eps = 1e-12;  // transformers' default
    if (is_clip(naming())) vit_.layer_norm_eps = 1e-5;
    if (naming() == Naming::transformers_clip) vit_.activation = Activation::quick_gelu;
    vit_.absolute_positions = tensors_.has("pos_embed");
    vit_.mlp_norm = tensors_.has("blocks.0.mlp.norm.weight");
    vit_.relative_positions = tensors_.has("blocks.0.attn.relative_position_bias_table");
    if (naming() == Naming::transformers_dinov3) vit_.rotary = Rotary::centres;
    vit_.gated_mlp = has_gated_mlp();
    if (vit_.gated_mlp) vit_.activation = Activation::silu;
  }

  // Whether fc1 makes twice as many values as fc2 reads, or has a second layer beside it.
  bool has_gated_mlp() const {
    if (tensors_.find({"blocks.0.mlp.fc1.weight", TensorPart::gate}) != nullptr) return true;
    const int inner = tensors_.dimension({"blocks.0.mlp.fc2.weight"}, 1, 2);
    return inner > 0 && tensors_.dimension({"blocks.0.mlp.fc1.weight"}, 0, 2) == 2 * inner;
  }

  void apply_sizes() {
    const int channels = tensors_.dimension({"patch_embed.proj.weight"}, 1, 4);
    if (channels != 0 && channels != 3) {
      return fail(Code::unsupported,
                  "the patch embedding takes " + std::to_string(channels) + " channels; 3 (RGB) are supported");
    }
    if (tensors_.dimension({"patch_embed.proj.weight"}, 2, 4) !=
        tensors_.dimension({"patch_embed.proj.weight"}, 3, 4)) {
      return fail(Code::unsupported, "the patches are not square; square ones are supported");
    }
    const int old_dim = vit_.embed_dim;
    override_with(config_.patch_size, vit_.patch_size);
    override_with(config_.embed_dim, vit_.embed_dim);
    override_with(config_.depth, vit_.depth);
    // A new embed_dim keeps the ratio, as timm's mlp_ratio does.
    if (known_ && vit_.embed_dim != old_dim) {
      vit_.mlp_dim = static_cast<int>(static_cast<std::int64_t>(vit_.embed_dim) * vit_.mlp_dim / old_dim);
    }
    override_with(config_.gated_mlp, vit_.gated_mlp);
    if (config_.mlp_ratio) vit_.mlp_dim = mlp_dim(static_cast<int>(std::min(vit_.embed_dim * *config_.mlp_ratio, 1e9)));
    override_with(config_.mlp_dim, vit_.mlp_dim);
    apply_head();
    if (config_.num_heads) {
      vit_.num_heads = *config_.num_heads;
    } else if (!known_) {
      vit_.num_heads = vit_.embed_dim / 64;
      notes_.push_back("neither config nor architecture gives num_heads; assuming embed_dim / 64 = " +
                       std::to_string(vit_.num_heads));
    }
    if (tensors_.has("blocks.0.mlp.norm.weight") && !(vit_.mlp_norm && vit_.gated_mlp)) {
      fail(Code::unsupported, "it has a norm inside a plain MLP (scale_mlp_norm); inside gated ones it is supported");
    }
    if (has_gated_mlp() && !vit_.gated_mlp) {
      fail(Code::unsupported, "its MLP is gated (SwiGLU), which " +
                                  (config_.gated_mlp ? "config.json's use_swiglu_ffn denies"
                                                     : "architecture " + in_quotes(vit_.architecture) + " has not"));
    }
  }

  // `width` is embed_dim * mlp_ratio: of gated MLPs with timm both halves; with DINOv2, whose code keeps the number of
  // weights, two thirds of it are one half, rounded up to a multiple of 8.
  int mlp_dim(int width) const {
    if (!vit_.gated_mlp) return width;
    if (config_.kind == ConfigKind::timm) return width / 2;
    return (static_cast<int>(std::int64_t{2} * width / 3) + 7) / 8 * 8;
  }

  void apply_head() {
    const int rows = tensors_.dimension({"head.weight"}, 0, 2);
    if (naming() == Naming::transformers_dinov2 || naming() == Naming::dinov2) {
      const std::int64_t columns = tensors_.dimension({"head.weight"}, 1, 2), width = vit_.embed_dim;
      vit_.class_and_mean = columns == 2 * width;
      if (columns == 5 * width) {
        return fail(Code::unsupported,
                    "its head reads the class tokens of four blocks; one of the last block is supported, as "
                    "DINOv2's with layers=1");
      }
    }
    if (rows > 0 && is_projection()) {
      vit_.num_classes = 0;
      vit_.projection_dim = naming() == Naming::open_clip ? tensors_.dimension({"head.weight"}, 1, 2) : rows;
      return;
    }
    // What has neither head nor a word on it is an encoder.
    if (config_.num_classes) {
      vit_.num_classes = *config_.num_classes;
    } else if (rows > 0 || !known_ || !tensors_.has("head.weight")) {
      vit_.num_classes = rows;
    }
  }

  // Whether the head is CLIP's projection. timm keeps that as a head whose bias is zero, of classes without names.
  bool is_projection() {
    if (is_clip(naming()) || naming() == Naming::open_clip_timm) return true;
    if (!tensors_.has("norm_pre.weight") || !config_.labels.empty() || naming() != Naming::timm) return false;
    const TensorInfo* bias = tensors_.find({"head.bias"});
    if (bias == nullptr) return false;
    const Result<std::vector<float>> values = tensors_.checkpoint().read(bias->name);
    if (!values.ok() || std::any_of(values.value().begin(), values.value().end(), [](float v) { return v != 0; })) {
      return false;
    }
    notes_.push_back("the head has no bias and its classes no names, so it is taken for CLIP's projection");
    return true;
  }

  Naming naming() const { return tensors_.naming(); }

  void apply_variants() {
    override_with(config_.layer_norm_eps, vit_.layer_norm_eps);
    override_with(config_.activation, vit_.activation);
    override_with(config_.class_token, vit_.class_token);
    override_with(config_.register_tokens, vit_.register_tokens);
    override_with(config_.qkv_bias, vit_.qkv_bias);
    override_with(config_.layer_scale, vit_.layer_scale);
    override_with(config_.pre_norm, vit_.pre_norm);
    const bool dinov2 = naming() == Naming::dinov2 || naming() == Naming::transformers_dinov2;
    vit_.bare_registers = dinov2 && vit_.register_tokens > 0;
    if (config_.pooling && *config_.pooling != vit_.pooling) {
      vit_.pooling = *config_.pooling;
      // timm's default, but for DINOv3, whose config does not say that the norm stands before the pooling.
      const bool before = tensors_.has("norm.weight") && !tensors_.has("fc_norm.weight");
      vit_.fc_norm = vit_.pooling == Pooling::average && !before;
    }
    override_with(config_.fc_norm, vit_.fc_norm);
    if (naming() == Naming::open_clip_timm) vit_.fc_norm = tensors_.has("fc_norm.weight");
    if (config_.kind == ConfigKind::hugging_face && config_.architecture == "deit") vit_.distillation_token = true;
    if (vit_.pooling == Pooling::token && !vit_.class_token) {
      return fail(Code::unsupported, "it pools the class token but has none; global_pool avg is needed");
    }
    if (vit_.distillation_token && vit_.pooling != Pooling::token) {
      return fail(Code::unsupported, "it has a distillation token and average pooling; token pooling is supported");
    }
    if (vit_.pooling == Pooling::attention && vit_.gated_mlp) {
      return fail(Code::unsupported, "it has gated MLPs and attention pooling; one of them is supported");
    }
    if (vit_.class_and_mean && (vit_.pooling != Pooling::token || vit_.fc_norm || vit_.distillation_token)) {
      return fail(Code::unsupported,
                  "its head reads class token and mean, which must stand behind the final norm, without a distillation "
                  "token");
    }
    if (vit_.pooling == Pooling::attention && (vit_.num_classes > 0 || vit_.fc_norm)) {
      return fail(Code::unsupported,
                  "it has a head or a norm behind attention pooling; encoders without are supported");
    }
    if (config_.kind == ConfigKind::none && !known_) {
      char eps[16];
      std::snprintf(eps, sizeof eps, "%.0e", vit_.layer_norm_eps);
      notes_.push_back(std::string("there is no config.json; assuming ") +
                       (vit_.activation == Activation::quick_gelu  ? "quick GELU"
                        : vit_.activation == Activation::silu      ? "SiLU"
                        : vit_.activation == Activation::gelu_tanh ? "GELU (tanh)"
                                                                   : "GELU (erf)") +
                       ", layer_norm_eps = " + eps);
    }
  }

  void apply_preprocessing() {
    Preprocessing& input = vit_.preprocessing;
    if (config_.kind == ConfigKind::none && !known_) {
      if (naming() == Naming::transformers_siglip) {
        input = to_description({.crop_pct = 1, .input_norm = InputNorm::half, .traits = kSquashTrait}).preprocessing;
      } else if (is_clip(naming())) {
        input = to_description({.crop_pct = 1, .input_norm = InputNorm::clip}).preprocessing;
      }
      notes_.push_back(std::string("there is no config.json; assuming ") +
                       (is_clip(naming())                         ? "CLIP's mean and std, crop_pct 1"
                        : naming() == Naming::transformers_siglip ? "mean = std = 0.5, a squash"
                                                                  : "ImageNet's mean and std, crop_pct 0.875") +
                       ", bicubic");
    }
    override_with(config_.crop_pct, input.crop_pct);
    override_with(config_.crop_mode, input.crop_mode);
    override_with(config_.interpolation, input.interpolation);
    override_with(config_.mean, input.mean);
    override_with(config_.stddev, input.stddev);
    if (config_.height && config_.width) {
      input.height = *config_.height;
      input.width = *config_.width;
    }
    if (!known_) positions_from_shapes(config_.height && config_.width);
    override_with(config_.no_embed_class, vit_.no_embed_class);
    if (input_.given()) {
      input.height = input_.height;
      input.width = input_.width;
    }
  }

  // Whether prefix tokens have positions and, unless the config gave it, the input size.
  void positions_from_shapes(bool size_is_known) {
    Preprocessing& input = vit_.preprocessing;
    if (!vit_.absolute_positions) return size_from_offsets(size_is_known);
    const int positions = tensors_.dimension({"pos_embed"}, 1, 3);
    const int beside_prefix = positions - vit_.position_prefix();  // no_embed_class is still false
    if (size_is_known && vit_.patch_size > 0 && (positions == vit_.patches() || beside_prefix == vit_.patches())) {
      vit_.no_embed_class = positions == vit_.patches();
      return;
    }
    vit_.no_embed_class = config_.no_embed_class.value_or(square_root(beside_prefix) == 0);
    if (size_is_known) return;
    const int grid = square_root(vit_.no_embed_class ? positions : beside_prefix);
    const std::int64_t edge = static_cast<std::int64_t>(grid) * vit_.patch_size;
    if (edge == 0 || edge > kLargestImage) {
      return fail(Code::unsupported, "its " + std::to_string(positions) +
                                         " positions are no square grid; give the input size in config.json");
    }
    input.height = input.width = static_cast<int>(edge);
  }

  // Without positions of their own patches have offsets, (2 g - 1)^2 of a square grid, or any number of them will do.
  void size_from_offsets(bool size_is_known) {
    if (size_is_known || !vit_.relative_positions) return;
    constexpr int kOfClass = 3;
    const int rows = tensors_.dimension({"blocks.0.attn.relative_position_bias_table"}, 0, 2);
    const int edge = (square_root(rows - kOfClass) + 1) / 2 * vit_.patch_size;
    if (edge <= 0 || edge > kLargestImage) {
      return fail(Code::unsupported,
                  "its " + std::to_string(rows) +
                      " relative positions are of no square grid; give the input size in config.json");
    }
    vit_.preprocessing.height = vit_.preprocessing.width = edge;
  }

  const ModelConfig& config_;
  const TensorTable& tensors_;
  const InputSize& input_;
  std::vector<std::string>& notes_;
  const std::string where_;
  VitDescription vit_;
  bool known_ = false;  // the architecture is in models/arch.inc
  Status status_;
};

}  // namespace

Result<VitDescription> describe_vit(const ModelConfig& config, const TensorTable& tensors, const InputSize& input,
                                    std::vector<std::string>& notes) {
  return Describer(config, tensors, input, notes).run();
}

}  // namespace intvit
