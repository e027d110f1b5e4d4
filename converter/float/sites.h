// The sites of a float network: where a tensor can be observed or replaced: everything a quantizer may be put on.
// A site is a Site and a block index; sites outside the blocks have the index -1. Observers, methods and plans name
// sites with these two values and print them with site_name().
// Not for weights (they are found by the FloatLinear they belong to) and not for the engine, which knows no sites.
#pragma once

#include <array>
#include <string>

namespace intvit {

// In the order of execution. The shapes are rows x cols; T tokens, C channels, H heads, D head size, P patches.
enum class Site {
  patch_input,       // P x (patch * patch * 3), normalised pixels ordered (y, x, channel); block -1
  residual,          // T x C: block -1 after token init + patch embedding, block b when it leaves block b
  qkv_input,         // T x C, output of norm1
  query,             // T x C; head h is columns h * D to (h + 1) * D - 1, before the scale 1 / sqrt(D)
  key,               // T x C, heads as in query
  value,             // T x C, heads as in query
  post_softmax,      // (H * T) x T, attention probabilities; head h is rows h * T to (h + 1) * T - 1
  attention_output,  // T x C, input of proj
  residual_middle,   // T x C, the residual stream after a block's attention has been added
  fc1_input,         // T x C, output of norm2
  fc1_output,        // T x mlp_dim, before the activation
  fc2_input,         // T x mlp_dim, after the activation
  head_input,        // 1 x head.in, after the final norm and the pooling; block -1
  logits,            // 1 x num_classes; block -1
};

inline constexpr std::array kAllSites = {
    Site::patch_input, Site::residual,     Site::qkv_input,        Site::query,           Site::key,
    Site::value,       Site::post_softmax, Site::attention_output, Site::residual_middle, Site::fc1_input,
    Site::fc1_output,  Site::fc2_input,    Site::head_input,       Site::logits};

// Whether every block has the site. The residual is both: index -1 and one per block.
constexpr bool is_block_site(Site site) {
  return site != Site::patch_input && site != Site::head_input && site != Site::logits;
}

// E.g. `blocks.3.attn.qkv.input`; modules are named as timm names them. Distinct for distinct sites.
inline std::string site_name(Site site, int block) {
  const std::string prefix = "blocks." + std::to_string(block) + ".";
  switch (site) {
    case Site::patch_input:
      return "patch_embed.input";
    case Site::residual:
      return block < 0 ? "patch_embed.residual" : prefix + "residual";
    case Site::qkv_input:
      return prefix + "attn.qkv.input";
    case Site::query:
      return prefix + "attn.query";
    case Site::key:
      return prefix + "attn.key";
    case Site::value:
      return prefix + "attn.value";
    case Site::post_softmax:
      return prefix + "attn.post_softmax";
    case Site::attention_output:
      return prefix + "attn.proj.input";
    case Site::residual_middle:
      return prefix + "attn.residual";
    case Site::fc1_input:
      return prefix + "mlp.fc1.input";
    case Site::fc1_output:
      return prefix + "mlp.fc1.output";
    case Site::fc2_input:
      return prefix + "mlp.fc2.input";
    case Site::head_input:
      return "head.input";
    case Site::logits:
      return "logits";
  }
  return "unknown";
}

}  // namespace intvit
