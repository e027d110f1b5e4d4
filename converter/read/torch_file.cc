#include "converter/read/torch_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "converter/read/message.h"
#include "converter/read/tensor_pickle.h"
#include "converter/read/zip_content.h"

namespace intvit {
namespace {

using Bytes = std::span<const std::uint8_t>;

struct StorageType {
  std::string_view name;
  const char* dtype;  // as safetensors spells it
  std::uint64_t bytes;
};

constexpr StorageType kStorageTypes[] = {
    {"FloatStorage", "F32", 4}, {"HalfStorage", "F16", 2}, {"BFloat16Storage", "BF16", 2}, {"DoubleStorage", "F64", 8},
    {"LongStorage", "I64", 8},  {"IntStorage", "I32", 4},  {"ShortStorage", "I16", 2},     {"CharStorage", "I8", 1},
    {"ByteStorage", "U8", 1},   {"BoolStorage", "BOOL", 1}};

const StorageType* type_of(std::string_view name) {
  const auto found = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                                  [&](const StorageType& type) { return type.name == name; });
  return found == std::end(kStorageTypes) ? nullptr : found;
}

// Whether rows follow each other without gaps; strides of single entries do not matter.
bool is_contiguous(const PickledTensor& tensor) {
  std::int64_t stride = 1;
  for (std::size_t i = tensor.shape.size(); i > 0; --i) {
    if (tensor.shape[i - 1] == 0) return true;
    if (tensor.shape[i - 1] != 1 && tensor.strides[i - 1] != stride) return false;
    if (__builtin_mul_overflow(stride, tensor.shape[i - 1], &stride)) return false;
  }
  return true;
}

// What is wrong with a tensor; empty when nothing is.
std::string place(const PickledTensor& tensor, Bytes storage, Bytes all, TensorInfo& info) {
  const StorageType* type = type_of(tensor.storage_type);
  if (type == nullptr) return "has the type " + in_quotes(tensor.storage_type) + ", which is not known";
  if (!is_contiguous(tensor)) return "does not lie row after row; save it with .contiguous()";
  const std::optional<std::uint64_t> elements = element_count(tensor.shape);
  const std::uint64_t room = storage.size() / type->bytes;
  if (!elements || tensor.offset > room || *elements > room - tensor.offset) {
    return "has shape " + shape_text(tensor.shape) + ", but its storage has " + std::to_string(room) + " elements";
  }
  info.name = tensor.name;
  info.dtype = type->dtype;
  info.shape = tensor.shape;
  info.begin = static_cast<std::size_t>(storage.data() - all.data()) + tensor.offset * type->bytes;
  info.end = info.begin + *elements * type->bytes;
  return {};
}

// The folder that all entries are in, with its slash: that of data.pkl.
std::optional<std::string> prefix_of(const ZipEntries& entries) {
  for (const auto& [name, entry] : entries) {
    if (name.ends_with("/data.pkl") && std::count(name.begin(), name.end(), '/') == 1) {
      return name.substr(0, name.size() - std::string_view("data.pkl").size());
    }
  }
  return std::nullopt;
}

// torch.save can leave checksums out (torch.serialization.set_crc32_options), and then they are 0.
bool is_sound(const ZipEntry& entry) { return entry.crc == 0 || crc32_of(entry.packed) == entry.crc; }

}  // namespace

bool is_bare_pickle(Bytes bytes) { return bytes.size() > 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5; }

Result<SafetensorsFile> open_torch_file(Bytes bytes, const ZipEntries& entries, std::string name) {
  const auto corrupt = [&name](const std::string& what) {
    return Status(Code::corrupt_file, "cannot read " + in_quotes(name) + ": " + what);
  };
  const std::optional<std::string> prefix = prefix_of(entries);
  if (!prefix) return corrupt("it is a ZIP file without data.pkl, so torch.save did not write it");
  for (const auto& [entry_name, entry] : entries) {
    if (entry.deflated) {
      return Status(Code::unsupported, "cannot read " + in_quotes(name) + ": its entry " + in_quotes(entry_name) +
                                           " is compressed; save it with torch.save, which does not");
    }
    if (!is_sound(entry)) return corrupt("its entry " + in_quotes(entry_name) + kOtherChecksum);
  }
  const auto order = entries.find(*prefix + "byteorder");
  if (order != entries.end() && !order->second.packed.empty() && order->second.packed[0] != 'l') {
    return Status(Code::unsupported,
                  "cannot read " + in_quotes(name) + ": its numbers are big-endian; save it elsewhere");
  }
  Result<TensorPickle> pickle = read_tensor_pickle(entries.find(*prefix + "data.pkl")->second.packed, name);
  if (!pickle.ok()) return pickle.status();
  if (pickle.value().tensors.empty()) {
    return Status(Code::unsupported, "cannot read " + in_quotes(name) +
                                         ": it has no dictionary of tensors, outermost or as state_dict or model; save "
                                         "the state_dict: torch.save(model.state_dict(), FILE)");
  }
  std::vector<TensorInfo> tensors;
  std::uint64_t total = 0;
  for (const PickledTensor& tensor : pickle.value().tensors) {
    const auto storage = entries.find(*prefix + "data/" + tensor.key);
    if (storage == entries.end()) return corrupt(in_quotes(tensor.name) + " has no storage in the file");
    TensorInfo info;
    const std::string problem = place(tensor, storage->second.packed, bytes, info);
    if (!problem.empty()) return corrupt("tensor " + in_quotes(tensor.name) + " " + problem);
    total += info.end - info.begin;
    tensors.push_back(std::move(info));
  }
  // Tied weights share a storage; thousands of tensors in one are an attack on memory.
  if (total > 4 * bytes.size()) return corrupt("its tensors overlap so often that they are larger than the file");
  return SafetensorsFile::of_tensors(std::as_bytes(bytes), std::move(name), std::move(tensors));
}

}  // namespace intvit
