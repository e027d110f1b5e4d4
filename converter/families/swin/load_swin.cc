#include "converter/families/family.h"
#include "converter/families/swin/build_swin.h"
#include "converter/families/swin/describe_swin.h"
#include "converter/families/swin/read_weights.h"
#include "models/swin_tensors.h"

namespace intvit {
namespace {

SwinLayout layout_of(const TensorTable& tensors) {
  const std::string name = "layers.0.blocks.0.attn.qkv.";
  SwinLayout layout;
  layout.split_qkv = tensors.find({name + "weight"}) == nullptr;
  layout.split_biases = !layout.split_qkv && tensors.find({name + "bias", TensorPart::query}) != nullptr;
  return layout;
}

}  // namespace

Result<FloatNetwork> load_swin(const ModelConfig& config, const TensorTable& tensors, const OutputChoice& outputs,
                               const InputSize& input, std::vector<std::string>& notes) {
  const Result<SwinDescription> swin = describe_swin(config, tensors, input, notes);
  if (!swin.ok()) return swin.status();
  const std::vector<TensorSpec> wanted = swin_tensors(swin.value(), layout_of(tensors));
  if (Status status = tensors.check(wanted, swin.value().architecture); !status.ok()) return status;
  Result<SwinWeights> weights = read_swin_weights(swin.value(), tensors);
  if (!weights.ok()) return weights.status();
  return build_swin(weights.take(), outputs);
}

}  // namespace intvit
