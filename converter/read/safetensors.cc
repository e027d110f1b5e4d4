#include "converter/read/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "converter/read/message.h"
#include "converter/read/safetensors_header.h"
#include "converter/read/torch_file.h"
#include "converter/read/zip_checkpoint.h"

namespace intvit {
namespace {

static_assert(std::endian::native == std::endian::little, "the values are copied as they lie in the file");

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the limit of the reference implementation

float from_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

// Every half is a float, subnormals and zeros with their signs included.
float from_f16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);  // infinity or NaN
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | (exponent + 112u) << 23 | fraction << 13);
}

void convert16(const std::byte* source, float (*convert)(std::uint16_t), std::vector<float>& values) {
  for (float& value : values) {
    std::uint16_t bits;
    std::memcpy(&bits, source, sizeof(bits));  // the header's length need not be a multiple of two
    source += sizeof(bits);
    value = convert(bits);
  }
}

// `source` need not be aligned.
std::vector<float> converted(std::span<const std::byte> source, const std::string& dtype) {
  if (dtype == "F64") {
    std::vector<double> wide(source.size() / sizeof(double));
    if (!wide.empty()) std::memcpy(wide.data(), source.data(), source.size());
    std::vector<float> values(wide.size());
    std::transform(wide.begin(), wide.end(), values.begin(), [](double value) { return static_cast<float>(value); });
    return values;
  }
  std::vector<float> values(source.size() / (dtype == "F32" ? 4 : 2));
  if (dtype != "F32") {
    convert16(source.data(), dtype == "F16" ? from_f16 : from_bf16, values);
  } else if (!values.empty()) {
    std::memcpy(values.data(), source.data(), source.size());
  }
  return values;
}

}  // namespace

std::optional<std::uint64_t> element_count(std::span<const std::int64_t> shape) {
  std::uint64_t count = 1;
  for (const std::int64_t dimension : shape) {
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(dimension), &count)) return std::nullopt;
  }
  return count;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  Result<MappedFile> mapped = MappedFile::open(path);
  if (!mapped.ok()) return mapped.status();
  const auto mapping = std::make_shared<const MappedFile>(mapped.take());
  Result<SafetensorsFile> file = open_memory(std::as_bytes(mapping->bytes()), path);
  if (file.ok()) file.value().mapping_ = mapping;
  return file;
}

Result<SafetensorsFile> SafetensorsFile::open_any(const std::string& path) {
  Result<MappedFile> mapped = MappedFile::open(path);
  if (!mapped.ok()) return mapped.status();
  const auto mapping = std::make_shared<const MappedFile>(mapped.take());
  if (is_bare_pickle(mapping->bytes())) {
    return {Code::unsupported,
            "cannot read " + in_quotes(path) +
                ": it is a pickle outside of a ZIP file, which PyTorch before 1.6 wrote; load it and "
                "save it again with torch.save or as safetensors (safetensors.torch.save_file)"};
  }
  Result<SafetensorsFile> file = is_zip(mapping->bytes()) ? open_zip_checkpoint(mapping->bytes(), path)
                                                          : open_memory(std::as_bytes(mapping->bytes()), path);
  if (file.ok()) file.value().mapping_ = mapping;
  return file;
}

Result<SafetensorsFile> SafetensorsFile::of_tensors(std::span<const std::byte> data, std::string name,
                                                    std::vector<TensorInfo> tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  const auto twice = std::adjacent_find(tensors.begin(), tensors.end(),
                                        [](const TensorInfo& a, const TensorInfo& b) { return a.name == b.name; });
  if (twice != tensors.end()) {
    return {Code::corrupt_file, "cannot read " + in_quotes(name) + ": " + in_quotes(twice->name) +
                                    " is there twice; the file is damaged, get it again"};
  }
  SafetensorsFile file;
  file.name_ = std::move(name);
  file.data_ = data;
  file.tensors_ = std::move(tensors);
  return file;
}

Result<SafetensorsFile> SafetensorsFile::of_packed(Unpack unpack, std::string name, std::vector<TensorInfo> tensors) {
  Result<SafetensorsFile> file = of_tensors({}, std::move(name), std::move(tensors));
  if (file.ok()) file.value().unpack_ = std::move(unpack);
  return file;
}

Result<SafetensorsFile> SafetensorsFile::open_memory(std::span<const std::byte> bytes, std::string name) {
  const auto corrupt = [&name](const std::string& what) {
    return Status(Code::corrupt_file, "cannot read " + in_quotes(name) + ": " + what +
                                          "; the file is truncated or not safetensors, get it again");
  };
  std::uint64_t length = 0;
  if (bytes.size() < kLengthBytes) return corrupt("it has " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length == 0 || length > kLongestHeader || length > bytes.size() - kLengthBytes) {
    return corrupt("its header claims " + std::to_string(length) + " bytes, but 1 to " +
                   std::to_string(std::min<std::uint64_t>(kLongestHeader, bytes.size() - kLengthBytes)) +
                   " are possible");
  }
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + static_cast<std::size_t>(length));
  const std::string_view json(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                              static_cast<std::size_t>(length));
  Result<SafetensorsHeader> header = parse_safetensors_header(json, data.size(), name);
  if (!header.ok()) return header.status();

  SafetensorsFile file;
  file.name_ = std::move(name);
  file.data_ = data;
  file.tensors_ = std::move(header.value().tensors);
  file.metadata_ = std::move(header.value().metadata);
  return file;
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  const auto at =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorInfo& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return at != tensors_.end() && at->name == name ? &*at : nullptr;
}

Result<std::vector<float>> SafetensorsFile::read(std::string_view name) const {
  const TensorInfo* tensor = find(name);
  if (tensor == nullptr) return {Code::not_found, in_quotes(name_) + " has no tensor " + in_quotes(name)};
  if (!tensor->is_weight()) {
    return {Code::unsupported, "tensor " + in_quotes(name) + " of " + in_quotes(name_) + " has type " +
                                   in_quotes(tensor->dtype) +
                                   "; weights must be F32, F64, F16 or BF16, save it as one of them"};
  }
  std::vector<std::byte> unpacked;
  if (unpack_) {
    Result<std::vector<std::byte>> content = unpack_(*tensor);
    if (!content.ok()) return content.status();
    unpacked = content.take();
  }
  const std::vector<float> values = converted(
      (unpack_ ? std::span<const std::byte>(unpacked) : data_).subspan(tensor->begin, tensor->end - tensor->begin),
      tensor->dtype);
  const auto bad = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (bad != values.end()) {
    return {Code::corrupt_file, "tensor " + in_quotes(name) + " of " + in_quotes(name_) + " has " +
                                    (std::isnan(*bad) ? "NaN" : "an infinity") + " at element " +
                                    std::to_string(bad - values.begin()) +
                                    "; weights must be finite, get or train the checkpoint again"};
  }
  return values;
}

}  // namespace intvit
