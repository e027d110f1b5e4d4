#include "converter/read/tensor_table.h"

#include <algorithm>
#include <optional>
#include <set>

#include "converter/read/message.h"

namespace intvit {
namespace {

// "missing 5 (a, b, c, ...)"; empty when there are none.
std::string summary(const char* what, const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 4;
  if (names.empty()) return {};
  std::string text = std::string(what) + " " + std::to_string(names.size()) + " (";
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i > 0 ? ", " : "") + names[i];
  return text + (names.size() > kShown ? ", ...)" : ")");
}

std::string without_quotes(std::string_view name) {
  const std::string text = in_quotes(name);
  return text.substr(1, text.size() - 2);
}

}  // namespace

Result<TensorTable> TensorTable::build(const Checkpoint& checkpoint) {
  TensorTable table;
  table.checkpoint_ = &checkpoint;
  const std::vector<const TensorInfo*> all = checkpoint.tensors();
  table.hugging_face_ = std::any_of(all.begin(), all.end(), [](const TensorInfo* tensor) {
    return tensor->name.ends_with("embeddings.patch_embeddings.projection.weight");
  });
  for (const TensorInfo* tensor : all) {
    std::optional<TensorName> name;
    if (table.hugging_face_) name = canonical_from_hugging_face(tensor->name);
    if (!name) name = TensorName{tensor->name};
    const auto [at, is_new] = table.tensors_.try_emplace({name->name, name->part}, tensor);
    if (is_new) continue;
    return {Code::corrupt_file, "checkpoint " + in_quotes(checkpoint.path()) + " has both " +
                                    in_quotes(at->second->name) + " and " + in_quotes(tensor->name) +
                                    ", which are the same tensor of the network; remove one"};
  }
  return table;
}

const TensorInfo* TensorTable::find(const TensorName& name) const {
  const auto at = tensors_.find({name.name, name.part});
  return at == tensors_.end() ? nullptr : at->second;
}

int TensorTable::dimension(const TensorName& name, std::size_t index, std::size_t rank) const {
  const TensorInfo* tensor = find(name);
  if (tensor == nullptr || tensor->shape.size() != rank) return 0;
  const std::int64_t value = tensor->shape[index];
  return value >= 1 && value <= (1 << 20) ? static_cast<int>(value) : 0;
}

Status TensorTable::check_features() const {
  for (const auto& [key, tensor] : tensors_) {
    const std::string feature = unsupported_feature(tensor->name);
    if (feature.empty()) continue;
    return {Code::unsupported, "checkpoint " + in_quotes(checkpoint_->path()) + " has " + feature + ", as its tensor " +
                                   in_quotes(tensor->name) + " tells; plain ViT and DeiT are supported"};
  }
  return {};
}

Status TensorTable::check(const std::vector<TensorSpec>& wanted, const std::string& architecture) const {
  std::vector<std::string> missing, unexpected, misshapen;
  std::set<const TensorInfo*> used;
  for (const TensorSpec& spec : wanted) {
    const TensorInfo* tensor = find(spec.name);
    if (tensor == nullptr) {
      missing.push_back(shown_name(spec.name));
      continue;
    }
    used.insert(tensor);
    if (tensor->shape == spec.shape) continue;
    misshapen.push_back(without_quotes(tensor->name) + " is " + shape_text(tensor->shape) + ", needs " +
                        shape_text(spec.shape));
  }
  for (const auto& [key, tensor] : tensors_) {
    // Integers and booleans are index buffers, never weights.
    const bool is_float = tensor->dtype.find('F') != std::string::npos;
    if (used.contains(tensor) || !is_float || is_harmless_extra(tensor->name)) continue;
    unexpected.push_back(without_quotes(tensor->name));
  }
  std::string problems;
  for (const std::string& part :
       {summary("missing", missing), summary("unexpected", unexpected), summary("wrong shape", misshapen)}) {
    if (!part.empty()) problems += (problems.empty() ? "" : ", ") + part;
  }
  if (problems.empty()) return {};
  return {Code::corrupt_file, "checkpoint " + in_quotes(checkpoint_->path()) + " does not have the tensors of " +
                                  in_quotes(architecture) + ": " + problems +
                                  "; check the architecture and num_classes in config.json"};
}

}  // namespace intvit
