#include "models/name_pairs.h"

namespace intvit {
namespace {

// Names are whole or without their ending .weight or .bias. Two names may lead to one canonical name (the heads, the
// layers of plain and gated MLPs); the first is the one that messages show.
constexpr NamePair kTransformers[] = {
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.distillation_token", "dist_token"},
    {"embeddings.position_embeddings", "pos_embed"},
    {"embeddings.patch_embeddings.projection", "patch_embed.proj"},
    {"encoder.layer.#.layernorm_before", "blocks.#.norm1"},
    {"encoder.layer.#.attention.attention.query", "blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layer.#.attention.attention.key", "blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layer.#.attention.attention.value", "blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layer.#.attention.output.dense", "blocks.#.attn.proj"},
    {"encoder.layer.#.layernorm_after", "blocks.#.norm2"},
    {"encoder.layer.#.intermediate.dense", "blocks.#.mlp.fc1"},
    {"encoder.layer.#.output.dense", "blocks.#.mlp.fc2"},
    {"layernorm", "norm"},
    {"classifier", "head"},
    {"cls_classifier", "head"},
    {"distillation_classifier", "head_dist"},
};

constexpr NamePair kTransformersDinov2[] = {
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.register_tokens", "reg_token"},
    {"embeddings.position_embeddings", "pos_embed"},
    {"embeddings.patch_embeddings.projection", "patch_embed.proj"},
    {"encoder.layer.#.norm1", "blocks.#.norm1"},
    {"encoder.layer.#.attention.attention.query", "blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layer.#.attention.attention.key", "blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layer.#.attention.attention.value", "blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layer.#.attention.output.dense", "blocks.#.attn.proj"},
    {"encoder.layer.#.layer_scale1.lambda1", "blocks.#.ls1.gamma"},
    {"encoder.layer.#.norm2", "blocks.#.norm2"},
    {"encoder.layer.#.mlp.fc1", "blocks.#.mlp.fc1"},
    {"encoder.layer.#.mlp.fc2", "blocks.#.mlp.fc2"},
    {"encoder.layer.#.mlp.weights_in", "blocks.#.mlp.fc1"},
    {"encoder.layer.#.mlp.weights_out", "blocks.#.mlp.fc2"},
    {"encoder.layer.#.layer_scale2.lambda1", "blocks.#.ls2.gamma"},
    {"layernorm", "norm"},
    {"classifier", "head"},
};

constexpr NamePair kDinov2[] = {
    {"register_tokens", "reg_token"},         {"linear_head", "head"},
    {"blocks.#.mlp.fc1", "blocks.#.mlp.fc1"}, {"blocks.#.mlp.fc2", "blocks.#.mlp.fc2"},
    {"blocks.#.mlp.w12", "blocks.#.mlp.fc1"}, {"blocks.#.mlp.w3", "blocks.#.mlp.fc2"},
};

// The norm behind the last block is of the class token alone, so it is fc_norm.
constexpr NamePair kTransformersClip[] = {
    {"embeddings.class_embedding", "cls_token"},
    {"embeddings.position_embedding.weight", "pos_embed"},
    {"embeddings.patch_embedding", "patch_embed.proj"},
    {"pre_layrnorm", "norm_pre"},
    {"encoder.layers.#.layer_norm1", "blocks.#.norm1"},
    {"encoder.layers.#.self_attn.q_proj", "blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layers.#.self_attn.k_proj", "blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layers.#.self_attn.v_proj", "blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layers.#.self_attn.out_proj", "blocks.#.attn.proj"},
    {"encoder.layers.#.layer_norm2", "blocks.#.norm2"},
    {"encoder.layers.#.mlp.fc1", "blocks.#.mlp.fc1"},
    {"encoder.layers.#.mlp.fc2", "blocks.#.mlp.fc2"},
    {"post_layernorm", "fc_norm"},
    {"visual_projection", "head"},
};

// query, key and value of the head are one tensor, and latent is what timm calls the probe.
constexpr NamePair kTransformersSiglip[] = {
    {"embeddings.position_embedding.weight", "pos_embed"},
    {"embeddings.patch_embedding", "patch_embed.proj"},
    {"encoder.layers.#.layer_norm1", "blocks.#.norm1"},
    {"encoder.layers.#.self_attn.q_proj", "blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layers.#.self_attn.k_proj", "blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layers.#.self_attn.v_proj", "blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layers.#.self_attn.out_proj", "blocks.#.attn.proj"},
    {"encoder.layers.#.layer_norm2", "blocks.#.norm2"},
    {"encoder.layers.#.mlp.fc1", "blocks.#.mlp.fc1"},
    {"encoder.layers.#.mlp.fc2", "blocks.#.mlp.fc2"},
    {"post_layernorm", "norm"},
    {"head.probe", "attn_pool.latent"},
    {"head.attention.in_proj_weight", "attn_pool.qkv.weight"},
    {"head.attention.in_proj_bias", "attn_pool.qkv.bias"},
    {"head.attention.out_proj", "attn_pool.proj"},
    {"head.layernorm", "attn_pool.norm"},
    {"head.mlp.fc1", "attn_pool.mlp.fc1"},
    {"head.mlp.fc2", "attn_pool.mlp.fc2"},
};

constexpr NamePair kOpenClip[] = {
    {"visual.class_embedding", "cls_token"},
    {"visual.positional_embedding", "pos_embed"},
    {"visual.conv1", "patch_embed.proj"},
    {"visual.ln_pre", "norm_pre"},
    {"visual.transformer.resblocks.#.ln_1", "blocks.#.norm1"},
    {"visual.transformer.resblocks.#.attn.in_proj_weight", "blocks.#.attn.qkv.weight"},
    {"visual.transformer.resblocks.#.attn.in_proj_bias", "blocks.#.attn.qkv.bias"},
    {"visual.transformer.resblocks.#.attn.out_proj", "blocks.#.attn.proj"},
    {"visual.transformer.resblocks.#.ls_1.gamma", "blocks.#.ls1.gamma"},
    {"visual.transformer.resblocks.#.ln_2", "blocks.#.norm2"},
    {"visual.transformer.resblocks.#.mlp.c_fc", "blocks.#.mlp.fc1"},
    {"visual.transformer.resblocks.#.mlp.c_proj", "blocks.#.mlp.fc2"},
    {"visual.transformer.resblocks.#.ls_2.gamma", "blocks.#.ls2.gamma"},
    {"visual.ln_post", "fc_norm"},
    {"visual.proj", "head.weight"},
};

constexpr NamePair kTimmParts[] = {
    {"blocks.#.attn.q_bias", "blocks.#.attn.qkv.bias", TensorPart::query},
    {"blocks.#.attn.v_bias", "blocks.#.attn.qkv.bias", TensorPart::value},
    {"blocks.#.attn.q_proj", "blocks.#.attn.qkv", TensorPart::query},
    {"blocks.#.attn.k_proj", "blocks.#.attn.qkv", TensorPart::key},
    {"blocks.#.attn.v_proj", "blocks.#.attn.qkv", TensorPart::value},
    {"blocks.#.mlp.fc1_g", "blocks.#.mlp.fc1", TensorPart::gate},
    {"blocks.#.mlp.fc1_x", "blocks.#.mlp.fc1"},
    {"blocks.#.gamma_1", "blocks.#.ls1.gamma"},
    {"blocks.#.gamma_2", "blocks.#.ls2.gamma"},
    {"layers.#.blocks.#.attn.q_bias", "layers.#.blocks.#.attn.qkv.bias", TensorPart::query},
    {"layers.#.blocks.#.attn.v_bias", "layers.#.blocks.#.attn.qkv.bias", TensorPart::value},
};

constexpr TensorPart kWhole = TensorPart::whole;

// Here a stage ends with the merging, in timm it begins with it.
constexpr NamePair kSwin[] = {
    {"layers.#.blocks.#.attn.q_bias", "layers.#.blocks.#.attn.qkv.bias", TensorPart::query},
    {"layers.#.blocks.#.attn.v_bias", "layers.#.blocks.#.attn.qkv.bias", TensorPart::value},
    {"layers.#.downsample.norm", "layers.#.downsample.norm", kWhole, 1, -1},
    {"layers.#.downsample.reduction", "layers.#.downsample.reduction", kWhole, 1, -1},
    {"head", "head.fc"},
};

// A block's position table and the classifier's norm have other names than in kTransformers.
constexpr NamePair kTransformersBeit[] = {
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.position_embeddings", "pos_embed"},
    {"embeddings.patch_embeddings.projection", "patch_embed.proj"},
    {"encoder.layer.#.layernorm_before", "blocks.#.norm1"},
    {"encoder.layer.#.attention.attention.query", "blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layer.#.attention.attention.key", "blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layer.#.attention.attention.value", "blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layer.#.attention.attention.relative_position_bias.relative_position_bias_table",
     "blocks.#.attn.relative_position_bias_table"},
    {"encoder.layer.#.attention.output.dense", "blocks.#.attn.proj"},
    {"encoder.layer.#.lambda_1", "blocks.#.ls1.gamma"},
    {"encoder.layer.#.layernorm_after", "blocks.#.norm2"},
    {"encoder.layer.#.intermediate.dense", "blocks.#.mlp.fc1"},
    {"encoder.layer.#.output.dense", "blocks.#.mlp.fc2"},
    {"encoder.layer.#.lambda_2", "blocks.#.ls2.gamma"},
    {"layernorm", "norm"},
    {"pooler.layernorm", "fc_norm"},
    {"classifier", "head"},
};

// A plain MLP's up_proj is fc1, and a gated one's its values.
constexpr NamePair kTransformersDinov3[] = {
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.register_tokens", "reg_token"},
    {"embeddings.patch_embeddings", "patch_embed.proj"},
    {"layer.#.norm1", "blocks.#.norm1"},
    {"layer.#.attention.q_proj", "blocks.#.attn.qkv", TensorPart::query},
    {"layer.#.attention.k_proj", "blocks.#.attn.qkv", TensorPart::key},
    {"layer.#.attention.v_proj", "blocks.#.attn.qkv", TensorPart::value},
    {"layer.#.attention.o_proj", "blocks.#.attn.proj"},
    {"layer.#.layer_scale1.lambda1", "blocks.#.ls1.gamma"},
    {"layer.#.norm2", "blocks.#.norm2"},
    {"layer.#.mlp.up_proj", "blocks.#.mlp.fc1"},
    {"layer.#.mlp.gate_proj", "blocks.#.mlp.fc1", TensorPart::gate},
    {"layer.#.mlp.down_proj", "blocks.#.mlp.fc2"},
    {"layer.#.layer_scale2.lambda1", "blocks.#.ls2.gamma"},
};

constexpr NamePair kTransformersSwin[] = {
    {"embeddings.patch_embeddings.projection", "patch_embed.proj"},
    {"embeddings.norm", "patch_embed.norm"},
    {"encoder.layers.#.blocks.#.layernorm_before", "layers.#.blocks.#.norm1"},
    {"encoder.layers.#.blocks.#.attention.self.query", "layers.#.blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layers.#.blocks.#.attention.self.key", "layers.#.blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layers.#.blocks.#.attention.self.value", "layers.#.blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layers.#.blocks.#.attention.self.relative_position_bias_table",
     "layers.#.blocks.#.attn.relative_position_bias_table"},
    {"encoder.layers.#.blocks.#.attention.self.logit_scale", "layers.#.blocks.#.attn.logit_scale"},
    {"encoder.layers.#.blocks.#.attention.self.continuous_position_bias_mlp.0", "layers.#.blocks.#.attn.cpb_mlp.0"},
    {"encoder.layers.#.blocks.#.attention.self.continuous_position_bias_mlp.2", "layers.#.blocks.#.attn.cpb_mlp.2"},
    {"encoder.layers.#.blocks.#.attention.output.dense", "layers.#.blocks.#.attn.proj"},
    {"encoder.layers.#.blocks.#.layernorm_after", "layers.#.blocks.#.norm2"},
    {"encoder.layers.#.blocks.#.intermediate.dense", "layers.#.blocks.#.mlp.fc1"},
    {"encoder.layers.#.blocks.#.output.dense", "layers.#.blocks.#.mlp.fc2"},
    {"encoder.layers.#.downsample.norm", "layers.#.downsample.norm", kWhole, 1, -1},
    {"encoder.layers.#.downsample.reduction", "layers.#.downsample.reduction", kWhole, 1, -1},
    {"layernorm", "norm"},
    {"classifier", "head.fc"},
};

constexpr NamePair kTorchvisionSwin[] = {
    {"features.0.0", "patch_embed.proj"},
    {"features.0.2", "patch_embed.norm"},
    {"features.#.#.norm1", "layers.#.blocks.#.norm1", kWhole, 2, 1},
    {"features.#.#.attn.qkv", "layers.#.blocks.#.attn.qkv", kWhole, 2, 1},
    {"features.#.#.attn.relative_position_bias_table", "layers.#.blocks.#.attn.relative_position_bias_table", kWhole, 2,
     1},
    {"features.#.#.attn.logit_scale", "layers.#.blocks.#.attn.logit_scale", kWhole, 2, 1},
    {"features.#.#.attn.cpb_mlp.0", "layers.#.blocks.#.attn.cpb_mlp.0", kWhole, 2, 1},
    {"features.#.#.attn.cpb_mlp.2", "layers.#.blocks.#.attn.cpb_mlp.2", kWhole, 2, 1},
    {"features.#.#.attn.proj", "layers.#.blocks.#.attn.proj", kWhole, 2, 1},
    {"features.#.#.norm2", "layers.#.blocks.#.norm2", kWhole, 2, 1},
    {"features.#.#.mlp.0", "layers.#.blocks.#.mlp.fc1", kWhole, 2, 1},
    {"features.#.#.mlp.3", "layers.#.blocks.#.mlp.fc2", kWhole, 2, 1},
    {"features.#.norm", "layers.#.downsample.norm", kWhole, 2, 0},
    {"features.#.reduction", "layers.#.downsample.reduction", kWhole, 2, 0},
    {"head", "head.fc"},
};

constexpr NamePair kOpenClipTimm[] = {
    {"visual.head.proj", "head"},
};

}  // namespace

std::span<const NamePair> name_pairs(Naming naming) {
  switch (naming) {
    case Naming::timm:
      return {};
    case Naming::dinov2:
      return kDinov2;
    case Naming::transformers:
      return kTransformers;
    case Naming::transformers_dinov2:
      return kTransformersDinov2;
    case Naming::transformers_clip:
      return kTransformersClip;
    case Naming::transformers_siglip:
      return kTransformersSiglip;
    case Naming::open_clip:
      return kOpenClip;
    case Naming::timm_parts:
      return kTimmParts;
    case Naming::swin:
      return kSwin;
    case Naming::transformers_beit:
      return kTransformersBeit;
    case Naming::transformers_dinov3:
      return kTransformersDinov3;
    case Naming::transformers_swin:
      return kTransformersSwin;
    case Naming::torchvision_swin:
      return kTorchvisionSwin;
    case Naming::open_clip_timm:
      return kOpenClipTimm;
  }
  return {};
}

}  // namespace intvit
