#include "converter/families/load_network.h"

#include <new>

#include "converter/families/family.h"
#include "converter/read/checkpoint.h"
#include "converter/read/config.h"
#include "converter/read/message.h"
#include "converter/read/tensor_table.h"

namespace intvit {
namespace {

Result<FloatNetwork> load(const std::string& path, std::vector<std::string>& notes, const OutputChoice& outputs,
                          const InputSize& input, bool name_all) {
  const Result<Checkpoint> checkpoint = Checkpoint::open(path);
  if (!checkpoint.ok()) return checkpoint.status();
  Result<TensorTable> tensors = TensorTable::build(checkpoint.value(), notes);
  if (!tensors.ok()) return tensors.status();
  if (name_all) tensors.value().name_all();
  const Result<ModelConfig> config = read_config(checkpoint.value().folder(), tensors.value().naming(), notes);
  if (!config.ok()) return config.status();
  const bool swin = tensors.value().find({"layers.0.blocks.0.norm1.weight"}) != nullptr;
  Result<FloatNetwork> network = (swin ? load_swin : load_vit)(config.value(), tensors.value(), outputs, input, notes);
  if (network.ok() && network.value().classes() > 0 && !network.value().zero_shot) {
    network.value().multi_label = config.value().multi_label;
  }
  return network;
}

}  // namespace

Result<FloatNetwork> load_network(const std::string& path, std::vector<std::string>* notes, const OutputChoice& outputs,
                                  const InputSize& input, bool name_all) {
  std::vector<std::string> unheard;
  try {
    return load(path, notes != nullptr ? *notes : unheard, outputs, input, name_all);
  } catch (const std::bad_alloc&) {
    return {Code::out_of_memory, "cannot load " + in_quotes(path) + ": its weights do not fit into memory"};
  }
}

}  // namespace intvit
