#include "converter/read/load_network.h"

#include <new>

#include "converter/read/assemble.h"
#include "converter/read/checkpoint.h"
#include "converter/read/config.h"
#include "converter/read/describe.h"
#include "converter/read/message.h"
#include "converter/read/tensor_table.h"

namespace intvit {
namespace {

Result<FloatNetwork> load(const std::string& path, std::vector<std::string>& notes) {
  const Result<Checkpoint> checkpoint = Checkpoint::open(path);
  if (!checkpoint.ok()) return checkpoint.status();
  const Result<ModelConfig> config = read_config(checkpoint.value().folder(), notes);
  if (!config.ok()) return config.status();
  const Result<TensorTable> tensors = TensorTable::build(checkpoint.value());
  if (!tensors.ok()) return tensors.status();
  const Result<VitDescription> vit = describe_network(config.value(), tensors.value(), notes);
  if (!vit.ok()) return vit.status();

  TensorLayout layout;
  layout.split_qkv = tensors.value().hugging_face();
  // timm's distilled models always have two heads; transformers' may have one.
  layout.distillation_head =
      vit.value().distillation_token && (!tensors.value().hugging_face() || tensors.value().has("head_dist.weight"));
  const Status status = tensors.value().check(vit.value(), layout);
  if (!status.ok()) return status;
  return assemble_network(vit.value(), layout, tensors.value());
}

}  // namespace

Result<FloatNetwork> load_network(const std::string& path, std::vector<std::string>* notes) {
  std::vector<std::string> unheard;
  try {
    return load(path, notes != nullptr ? *notes : unheard);
  } catch (const std::bad_alloc&) {
    return {Code::out_of_memory, "cannot load " + in_quotes(path) + ": its weights do not fit into memory"};
  }
}

}  // namespace intvit
