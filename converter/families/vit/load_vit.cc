#include "converter/families/family.h"
#include "converter/families/vit/build_vit.h"
#include "converter/families/vit/describe_vit.h"
#include "converter/families/vit/read_weights.h"
#include "models/tensor_names.h"

namespace intvit {

Result<FloatNetwork> load_vit(const ModelConfig& config, const TensorTable& tensors, const OutputChoice& outputs,
                              std::vector<std::string>& notes) {
  const Result<VitDescription> vit = describe_vit(config, tensors, notes);
  if (!vit.ok()) return vit.status();
  TensorLayout layout;
  layout.split_qkv = tensors.hugging_face();
  // timm's distilled models always have two heads; transformers' may have one.
  layout.distillation_head =
      vit.value().distillation_token && (!tensors.hugging_face() || tensors.has("head_dist.weight"));
  if (Status status = tensors.check(vit_tensors(vit.value(), layout), vit.value().architecture); !status.ok()) {
    return status;
  }
  Result<VitWeights> weights = read_vit_weights(vit.value(), layout, tensors);
  if (!weights.ok()) return weights.status();
  return build_vit(weights.take(), outputs);
}

}  // namespace intvit
