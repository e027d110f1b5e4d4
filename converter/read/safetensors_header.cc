#include "converter/read/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "converter/read/message.h"

namespace intvit {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostTensors = 1u << 17;
constexpr std::size_t kMostDimensions = 16;
constexpr std::size_t kLongestName = 1024;
constexpr std::uint64_t kLargestNumber = std::numeric_limits<std::int64_t>::max();

// Bytes of one element; nullopt for a type that we do not know (newer files have 4- and 6-bit ones), whose extent
// then cannot be compared with its shape.
std::optional<std::uint64_t> item_size(std::string_view dtype) {
  constexpr std::pair<std::string_view, std::uint64_t> kSizes[] = {
      {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},  {"I32", 4},     {"I16", 2},    {"I8", 1},
      {"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1},   {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
  for (const auto& [name, size] : kSizes) {
    if (name == dtype) return size;
  }
  return std::nullopt;
}

// Receives the parser's events. Every callback returns false to stop the parse; problem() then says why.
class HeaderHandler : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderHandler(SafetensorsHeader& header) : header_(header) {}

  const std::string& problem() const { return problem_; }

  bool null() override {
    if (state_ == State::top && name_ == "__metadata__")
      return !std::exchange(seen_metadata_, true) || fail("is there twice");
    return unexpected("null");
  }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(number_integer_t value) override { return unexpected("the negative " + std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override {
    return unexpected("the number " + in_quotes(text));
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (value > kLargestNumber) return unexpected("the number " + std::to_string(value));
    if (state_ == State::shape) {
      if (tensor_.shape.size() == kMostDimensions) return fail("has more than 16 dimensions");
      tensor_.shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (state_ == State::offsets) {
      if (offsets_ == 2) return fail("has more than two data_offsets");
      (offsets_++ == 0 ? tensor_.begin : tensor_.end) = static_cast<std::size_t>(value);
      return true;
    }
    return unexpected("the number " + std::to_string(value));
  }

  bool string(string_t& value) override {
    if (state_ == State::metadata) {
      if (!header_.metadata.emplace(key_, value).second) return fail("has the key " + in_quotes(key_) + " twice");
      return true;
    }
    if (state_ == State::tensor && key_ == "dtype") {
      tensor_.dtype = value;
      return true;
    }
    return unexpected("the string " + in_quotes(value));
  }

  bool start_object(std::size_t) override {
    if (state_ == State::start) return go(State::top);
    if (state_ != State::top) return unexpected("an object");
    if (name_ == "__metadata__") {
      if (std::exchange(seen_metadata_, true)) return fail("is there twice");
      return go(State::metadata);
    }
    if (header_.tensors.size() == kMostTensors) return fail("is one tensor too many; 131072 are allowed");
    tensor_ = {};
    tensor_.name = name_;
    offsets_ = 0;
    seen_dtype_ = seen_shape_ = seen_offsets_ = false;
    return go(State::tensor);
  }

  bool key(string_t& value) override {
    if (state_ == State::top) {
      if (value.size() > kLongestName) return fail("is followed by a name longer than 1024 bytes");
      name_ = value;
      return true;
    }
    key_ = value;
    if (state_ == State::metadata) return true;
    bool* seen = value == "dtype"          ? &seen_dtype_
                 : value == "shape"        ? &seen_shape_
                 : value == "data_offsets" ? &seen_offsets_
                                           : nullptr;
    if (seen == nullptr) return fail("has the unknown key " + in_quotes(value));
    if (std::exchange(*seen, true)) return fail("has " + value + " twice");
    return true;
  }

  bool end_object() override {
    if (state_ == State::top) return go(State::end);
    if (state_ == State::tensor) {
      if (!seen_dtype_ || !seen_shape_ || offsets_ != 2) return fail("lacks dtype, shape or two data_offsets");
      header_.tensors.push_back(std::move(tensor_));
    }
    return go(State::top);
  }

  bool start_array(std::size_t) override {
    if (state_ == State::tensor && key_ == "shape") return go(State::shape);
    if (state_ == State::tensor && key_ == "data_offsets") return go(State::offsets);
    return unexpected("an array");
  }

  bool end_array() override { return go(State::tensor); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    problem_ = "is not JSON at byte " + std::to_string(position);
    return false;
  }

 private:
  enum class State { start, top, metadata, tensor, shape, offsets, end };

  bool go(State state) {
    state_ = state;
    return true;
  }

  bool fail(const std::string& what) {
    problem_ = "is wrong: " + (name_.empty() ? std::string("it ") : in_quotes(name_) + " ") + what;
    return false;
  }

  bool unexpected(const std::string& what) { return fail("has " + what + " where it is not allowed"); }

  SafetensorsHeader& header_;
  State state_ = State::start;
  std::string name_;  // the tensor at hand, or __metadata__
  std::string key_;
  TensorInfo tensor_;
  int offsets_ = 0;
  bool seen_metadata_ = false;
  bool seen_dtype_ = false;
  bool seen_shape_ = false;
  bool seen_offsets_ = false;
  std::string problem_;
};

// What is wrong with one tensor's place; empty when nothing is.
std::string check_extent(const TensorInfo& tensor, std::size_t data_size) {
  const std::string extent = "[" + std::to_string(tensor.begin) + ", " + std::to_string(tensor.end) + "]";
  if (tensor.begin > tensor.end || tensor.end > data_size) {
    return "has data_offsets " + extent + ", but the file has " + std::to_string(data_size) + " bytes of data";
  }
  const std::optional<std::uint64_t> size = item_size(tensor.dtype);
  if (!size) return {};
  std::uint64_t bytes = *size;
  for (const std::int64_t dimension : tensor.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dimension), &bytes)) {
      return "has shape " + shape_text(tensor.shape) + ", which is too large";
    }
  }
  if (bytes == tensor.end - tensor.begin) return {};
  return "has shape " + shape_text(tensor.shape) + " of " + in_quotes(tensor.dtype) + ", which needs " +
         std::to_string(bytes) + " bytes, but data_offsets " + extent;
}

// What is wrong with the tensors together; empty when nothing is. Sorts them by name.
std::string check_tensors(std::vector<TensorInfo>& tensors, std::size_t data_size) {
  for (const TensorInfo& tensor : tensors) {
    const std::string problem = check_extent(tensor, data_size);
    if (!problem.empty()) return in_quotes(tensor.name) + " " + problem;
  }
  const auto by_name = [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; };
  std::sort(tensors.begin(), tensors.end(), by_name);
  const auto twice = std::adjacent_find(tensors.begin(), tensors.end(),
                                        [](const TensorInfo& a, const TensorInfo& b) { return a.name == b.name; });
  if (twice != tensors.end()) return in_quotes(twice->name) + " is there twice";
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  const TensorInfo* before = nullptr;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.begin == tensor.end) continue;
    if (before != nullptr && tensor.begin < before->end) {
      return in_quotes(tensor.name) + " overlaps " + in_quotes(before->name);
    }
    before = &tensor;
  }
  std::sort(tensors.begin(), tensors.end(), by_name);
  return {};
}

}  // namespace

Result<SafetensorsHeader> parse_safetensors_header(std::string_view json, std::size_t data_size,
                                                   const std::string& file) {
  const std::string where = "cannot read " + in_quotes(file) + ": the safetensors header ";
  const std::string remedy = "; the file is damaged or not safetensors, get it again";
  SafetensorsHeader header;
  HeaderHandler handler(header);
  if (!Json::sax_parse(json.begin(), json.end(), &handler)) {
    return {Code::corrupt_file, where + handler.problem() + remedy};
  }
  const std::string problem = check_tensors(header.tensors, data_size);
  if (!problem.empty()) return {Code::corrupt_file, where + "is wrong: " + problem + remedy};
  return header;
}

}  // namespace intvit
