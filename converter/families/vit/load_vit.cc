#include "converter/families/family.h"
#include "converter/families/vit/add_texts.h"
#include "converter/families/vit/build_vit.h"
#include "converter/families/vit/describe_vit.h"
#include "converter/families/vit/layout_of.h"
#include "converter/families/vit/read_weights.h"
#include "models/tensor_names.h"

namespace intvit {

Result<FloatNetwork> load_vit(const ModelConfig& config, const TensorTable& tensors, const OutputChoice& outputs,
                              const InputSize& input, std::vector<std::string>& notes) {
  const Result<VitDescription> vit = describe_vit(config, tensors, input, notes);
  if (!vit.ok()) return vit.status();
  const Result<TensorLayout> layout = layout_of(vit.value(), config, tensors, notes);
  if (!layout.ok()) return layout.status();
  if (Status status = tensors.check(vit_tensors(vit.value(), layout.value()), vit.value().architecture); !status.ok()) {
    return status;
  }
  Result<VitWeights> weights = read_vit_weights(vit.value(), layout.value(), tensors);
  if (!weights.ok()) return weights.status();
  if (outputs.texts) {
    if (Status status = add_texts(*outputs.texts, tensors, weights.value()); !status.ok()) return status;
  }
  return build_vit(weights.take(), outputs);
}

}  // namespace intvit
