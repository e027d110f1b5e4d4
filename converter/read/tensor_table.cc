#include "converter/read/tensor_table.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "converter/read/message.h"

namespace intvit {
namespace {

constexpr std::size_t kFewNames = 4, kManyNames = 10000;

// "missing 5 (a, b, c, ...)" with at most `shown` names; empty when there are none.
std::string summary(const char* what, const std::vector<std::string>& names, std::size_t shown) {
  if (names.empty()) return {};
  std::string text = std::string(what) + " " + std::to_string(names.size()) + " (";
  for (std::size_t i = 0; i < std::min(names.size(), shown); ++i) text += (i > 0 ? ", " : "") + names[i];
  return text + (names.size() > shown ? ", ...)" : ")");
}

std::string without_quotes(std::string_view name) {
  const std::string text = in_quotes(name);
  return text.substr(1, text.size() - 2);
}

// Names without what wrappers put in front of them, and what that was.
struct PlainNames {
  std::vector<std::pair<std::string_view, const TensorInfo*>> names;
  std::map<std::string_view, std::size_t> prefixes;  // how many names had it

  // Takes `prefix` off the front of a name.
  void cut(std::string_view prefix, std::string_view& name) {
    ++prefixes[prefix];
    name.remove_prefix(prefix.size());
  }
};

PlainNames without_wrappers(const Checkpoint& checkpoint) {
  PlainNames plain;
  for (const TensorInfo* tensor : checkpoint.tensors()) {
    std::string_view name = tensor->name;
    for (auto prefix = wrapper_prefix(name); !prefix.empty(); prefix = wrapper_prefix(name)) plain.cut(prefix, name);
    plain.names.emplace_back(name, tensor);
  }
  return plain;
}

Naming naming_of_all(const PlainNames& plain) {
  Naming naming = Naming::timm;
  for (const auto& [name, tensor] : plain.names) naming = std::max(naming, naming_of(name).value_or(naming));
  return naming;
}

std::vector<std::int64_t> without_outer_ones(const std::vector<std::int64_t>& shape) {
  return {std::find_if(shape.begin(), shape.end(), [](std::int64_t n) { return n != 1; }), shape.end()};
}

}  // namespace

Result<TensorTable> TensorTable::build(const Checkpoint& checkpoint, std::vector<std::string>& notes) {
  TensorTable table;
  table.checkpoint_ = &checkpoint;
  PlainNames plain = without_wrappers(checkpoint);
  table.naming_ = naming_of_all(plain);
  const bool plain_library =
      table.naming_ == Naming::timm || table.naming_ == Naming::dinov2 || table.naming_ == Naming::open_clip_timm;
  std::size_t text = 0;
  for (auto& [name, tensor] : plain.names) {
    if (is_text_tower(table.naming_, name)) {
      ++text;
      if (name == "logit_scale" || name == "logit_bias") table.scalars_[std::string(name)] = tensor;
      continue;
    }
    if (const auto prefix = library_prefix(table.naming_, name); plain_library && !prefix.empty()) {
      plain.cut(prefix, name);
    } else {
      name.remove_prefix(prefix.size());
    }
    const TensorName canonical = canonical_name(table.naming_, name).value_or(TensorName{std::string(name)});
    const auto [at, is_new] = table.tensors_.try_emplace({canonical.name, canonical.part}, tensor);
    if (is_new) continue;
    return {Code::corrupt_file, "checkpoint " + in_quotes(checkpoint.path()) + " has both " +
                                    in_quotes(at->second->name) + " and " + in_quotes(tensor->name) +
                                    ", which are the same tensor of the network; remove one"};
  }
  for (const auto& [prefix, count] : plain.prefixes) {
    notes.push_back("the prefix " + in_quotes(prefix) + " of " + std::to_string(count) + " tensors is left out");
  }
  if (text > 0) {
    notes.push_back(std::to_string(text) + " tensors of the text tower are skipped; the image tower is converted");
  }
  return table;
}

const TensorInfo* TensorTable::find(const TensorName& name) const {
  const auto at = tensors_.find({name.name, name.part});
  return at == tensors_.end() ? nullptr : at->second;
}

Result<std::optional<double>> TensorTable::scalar(const std::string& name) const {
  const auto at = scalars_.find(name);
  if (at == scalars_.end()) return std::optional<double>();
  if (element_count(at->second->shape) == 1) {
    const Result<std::vector<float>> values = checkpoint_->read(at->second->name);
    if (!values.ok()) return values.status();
    return std::optional<double>(values.value()[0]);
  }
  return {Code::corrupt_file, "checkpoint " + in_quotes(checkpoint_->path()) + ": " + in_quotes(at->second->name) +
                                  " is " + shape_text(at->second->shape) + ", but should be one number"};
}

int TensorTable::dimension(const TensorName& name, std::size_t index, std::size_t rank) const {
  const TensorInfo* tensor = find(name);
  if (tensor == nullptr || tensor->shape.size() > rank) return 0;
  const std::size_t missing = rank - tensor->shape.size();
  const std::int64_t value = index < missing ? 1 : tensor->shape[index - missing];
  return value >= 1 && value <= (1 << 20) ? static_cast<int>(value) : 0;
}

Status TensorTable::check_features() const {
  for (const auto& [key, tensor] : tensors_) {
    const std::string feature = unsupported_feature(key.first);
    if (feature.empty()) continue;
    return {Code::unsupported, "checkpoint " + in_quotes(checkpoint_->path()) + " has " + feature + ", as its tensor " +
                                   in_quotes(tensor->name) + " tells; this version cannot run that"};
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
    if (without_outer_ones(tensor->shape) == without_outer_ones(spec.shape)) continue;
    misshapen.push_back(without_quotes(tensor->name) + " is " + shape_text(tensor->shape) + ", needs " +
                        shape_text(spec.shape));
  }
  for (const auto& [key, tensor] : tensors_) {
    // Integers and booleans are index buffers, never weights.
    const bool is_float = tensor->dtype.find('F') != std::string::npos;
    if (used.contains(tensor) || !is_float || is_harmless_extra(key.first)) continue;
    unexpected.push_back(without_quotes(tensor->name));
  }
  std::string problems;
  const std::size_t shown = name_all_ ? kManyNames : kFewNames;
  const bool cut = std::max({missing.size(), unexpected.size(), misshapen.size()}) > shown;
  for (const std::string& part : {summary("missing", missing, shown), summary("unexpected", unexpected, shown),
                                  summary("wrong shape", misshapen, shown)}) {
    if (!part.empty()) problems += (problems.empty() ? "" : ", ") + part;
  }
  if (problems.empty()) return {};
  return {Code::corrupt_file, "checkpoint " + in_quotes(checkpoint_->path()) + " does not have the tensors of " +
                                  in_quotes(architecture) + ": " + problems +
                                  "; check the architecture and num_classes in config.json" +
                                  (cut && !name_all_ ? " (--verbose names all)" : "")};
}

}  // namespace intvit
