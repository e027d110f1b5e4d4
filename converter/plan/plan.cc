#include "converter/plan/plan.h"

namespace intvit {

std::string layer_name(Layer layer, int block) {
  const std::string prefix = "blocks." + std::to_string(block) + ".";
  switch (layer) {
    case Layer::patch_embed:
      return "patch_embed";
    case Layer::qkv:
      return prefix + "attn.qkv";
    case Layer::proj:
      return prefix + "attn.proj";
    case Layer::fc1:
      return prefix + "mlp.fc1";
    case Layer::fc2:
      return prefix + "mlp.fc2";
    case Layer::head:
      return "head";
  }
  return "unknown";
}

}  // namespace intvit
