#include "converter/read/npz_file.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "converter/read/message.h"
#include "converter/read/npy_header.h"
#include "converter/read/zip_content.h"

namespace intvit {
namespace {

constexpr std::string_view kNpyEnding = ".npy";
constexpr std::size_t kLongestNpyHead = 4096;  // NumPy's own are shorter than 1000 bytes

bool is_array(std::string_view name) { return name.ends_with(kNpyEnding); }

struct NpzArray {
  ZipEntry entry;
  std::size_t item_bytes = 0;
  bool fortran_order = false;
};
using NpzArrays = std::map<std::string, NpzArray, std::less<>>;

// The bytes of an element: the number that ends its type; 0 if there is none.
std::size_t bytes_of_type(std::string_view type) {
  std::size_t bytes = 0;
  if (type.size() > 2) std::from_chars(type.data() + 2, type.data() + type.size(), bytes);
  return type.size() > 1 && type[1] == 'U' ? bytes * 4 : bytes;
}

// As safetensors spells it; a type that no weight has stays as NumPy spells it.
std::string dtype_of(std::string_view type, std::size_t bytes) {
  const char kind = type.size() > 1 ? type[1] : ' ';
  if (kind == 'b') return "BOOL";
  if (kind != 'f' && kind != 'i' && kind != 'u') return std::string(type);
  return std::string(1, static_cast<char>(kind - 'a' + 'A')) + std::to_string(8 * bytes);
}

// What is wrong with an array; empty when nothing is.
std::string describe(const ZipEntry& entry, TensorInfo& info, NpzArray& array) {
  const std::vector<std::byte> head = content_head(entry, kLongestNpyHead);
  std::span<const std::uint8_t> rest(reinterpret_cast<const std::uint8_t*>(head.data()), head.size());
  const std::optional<std::string_view> text = take_npy_header(rest);
  const std::optional<NpyHeader> header = text ? parse_npy_header(*text) : std::nullopt;
  if (!header) return "is no array of numbers; write it with numpy.savez";
  if (header->type.starts_with(">f"))
    return "is big-endian, '" + std::string(header->type) + "'; save it .astype('<f4')";
  array = {entry, bytes_of_type(header->type), header->fortran_order};
  if (array.item_bytes == 0) {
    return "has values of type " + in_quotes(header->type) + "; save float32, .astype('float32')";
  }
  info.dtype = dtype_of(header->type, array.item_bytes);
  info.shape = header->shape;
  info.begin = head.size() - rest.size();
  info.end = entry.size;
  const std::optional<std::uint64_t> elements = element_count(header->shape);
  const std::uint64_t bytes = entry.size - info.begin;
  if (elements && bytes % array.item_bytes == 0 && bytes / array.item_bytes == *elements) return {};
  return "has shape " + shape_text(header->shape) + ", but " + std::to_string(bytes) + " bytes of values";
}

// From Fortran order, the first index fastest, to C order, the last one fastest.
void reorder(const TensorInfo& info, std::size_t item, std::vector<std::byte>& content) {
  const std::vector<std::byte> from(content.begin() + static_cast<std::ptrdiff_t>(info.begin), content.end());
  const std::size_t rank = info.shape.size();
  std::vector<std::size_t> strides(rank, item), index(rank, 0);
  for (std::size_t i = 1; i < rank; ++i) strides[i] = strides[i - 1] * static_cast<std::size_t>(info.shape[i - 1]);
  std::size_t at = 0;  // of the element that `index` names
  for (std::size_t to = info.begin; to < content.size(); to += item) {
    std::memcpy(content.data() + to, from.data() + at, item);
    for (std::size_t i = rank; i-- > 0;) {
      at += strides[i];
      if (++index[i] < static_cast<std::size_t>(info.shape[i])) break;
      at -= strides[i] * index[i];
      index[i] = 0;
    }
  }
}

SafetensorsFile::Unpack unpacks(NpzArrays arrays, std::string name) {
  const auto shared = std::make_shared<const NpzArrays>(std::move(arrays));
  return [shared, name = std::move(name)](const TensorInfo& info) -> Result<std::vector<std::byte>> {
    const NpzArray& array = shared->find(info.name)->second;
    std::vector<std::byte> content;
    if (const std::string problem = unpack(array.entry, content); !problem.empty()) {
      return Status(Code::corrupt_file, "tensor " + in_quotes(info.name) + " of " + in_quotes(name) + problem);
    }
    if (array.fortran_order && info.shape.size() > 1) reorder(info, array.item_bytes, content);
    return content;
  };
}

}  // namespace

bool is_npz(const ZipEntries& entries) {
  return std::any_of(entries.begin(), entries.end(), [](const auto& entry) { return is_array(entry.first); });
}

Result<SafetensorsFile> open_npz_file(const ZipEntries& entries, std::string name) {
  std::vector<TensorInfo> tensors;
  NpzArrays arrays;
  for (const auto& [entry_name, entry] : entries) {
    if (!is_array(entry_name)) continue;
    TensorInfo info;
    info.name = entry_name.substr(0, entry_name.size() - kNpyEnding.size());
    if (info.name.find("Transformer/encoderblock") != std::string::npos) {
      return Status(Code::unsupported, "cannot read " + in_quotes(name) + ": its names are JAX's, " +
                                           in_quotes(info.name) +
                                           "; load it with timm.create_model(NAME, checkpoint_path=FILE) and save that "
                                           "model's state_dict");
    }
    const std::string problem = describe(entry, info, arrays[info.name]);
    if (!problem.empty()) {
      return Status(Code::corrupt_file,
                    "cannot read " + in_quotes(name) + ": its array " + in_quotes(info.name) + " " + problem);
    }
    tensors.push_back(std::move(info));
  }
  return SafetensorsFile::of_packed(unpacks(std::move(arrays), name), name, std::move(tensors));
}

}  // namespace intvit
