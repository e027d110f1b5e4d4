#include "converter/read/config_reader.h"

#include <algorithm>
#include <sstream>

#include "converter/read/message.h"

namespace intvit {
namespace {

using Json = nlohmann::json;

std::string number_text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

// A whole number from `least` to `most`; nullopt for everything else.
std::optional<int> whole_number(const Json& value, int least, int most) {
  if (value.is_number_unsigned()) {
    const std::uint64_t number = value.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(std::max(most, 0))) return std::nullopt;
    if (static_cast<int>(number) >= least) return static_cast<int>(number);
  } else if (value.is_number_integer()) {
    const std::int64_t number = value.get<std::int64_t>();
    if (number >= least && number <= most) return static_cast<int>(number);
  }
  return std::nullopt;
}

}  // namespace

const Json* ConfigReader::find(const char* key) const {
  const auto at = object_.find(key);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

void ConfigReader::fail(Code code, const char* key, const std::string& allowed) {
  if (!status_.ok()) return;
  const Json* value = find(key);
  // Not dump()ed whole: it may be large.
  const std::string shown = value == nullptr         ? "missing"
                            : value->is_string()     ? in_quotes(value->get_ref<const std::string&>())
                            : value->is_structured() ? std::string(value->is_array() ? "a list" : "an object")
                                                     : value->dump();
  status_ = Status(code, in_quotes(path_) + ": " + key + " is " + shown + "; " + allowed);
}

void ConfigReader::whole(const char* key, int least, int most, std::optional<int>& target) {
  const Json* value = find(key);
  if (value == nullptr || !status_.ok()) return;
  const std::optional<int> number = whole_number(*value, least, most);
  if (!number) {
    return fail(Code::corrupt_file, key,
                "a whole number from " + std::to_string(least) + " to " + std::to_string(most) + " is needed");
  }
  target = number;
}

void ConfigReader::wholes(const char* key, int least, int most, std::vector<int>& target) {
  constexpr std::size_t kMost = 64;
  const Json* value = find(key);
  if (value == nullptr || !status_.ok()) return;
  std::vector<int> numbers;
  const auto add = [&](const Json& one) {
    const std::optional<int> number = whole_number(one, least, most);
    if (number) numbers.push_back(*number);
    return number.has_value();
  };
  bool good = value->is_array() ? !value->empty() && value->size() <= kMost : add(*value);
  for (std::size_t i = 0; good && value->is_array() && i < value->size(); ++i) good = add((*value)[i]);
  if (!good) {
    return fail(
        Code::corrupt_file, key,
        "one to 64 whole numbers from " + std::to_string(least) + " to " + std::to_string(most) + " are needed");
  }
  target = std::move(numbers);
}

void ConfigReader::real(const char* key, double least, double most, std::optional<double>& target) {
  const Json* value = find(key);
  if (value == nullptr || !status_.ok()) return;
  const double number = value->is_number() ? value->get<double>() : least - 1;
  if (!(number >= least && number <= most)) {
    return fail(Code::corrupt_file, key,
                "a number from " + number_text(least) + " to " + number_text(most) + " is needed");
  }
  target = number;
}

void ConfigReader::flag(const char* key, std::optional<bool>& target) {
  const Json* value = find(key);
  if (value == nullptr || !status_.ok()) return;
  if (!value->is_boolean()) return fail(Code::corrupt_file, key, "true or false is needed");
  target = value->get<bool>();
}

void ConfigReader::text(const char* key, std::optional<std::string>& target) {
  const Json* value = find(key);
  if (value == nullptr || !status_.ok()) return;
  if (!value->is_string()) return fail(Code::corrupt_file, key, "a string is needed");
  target = value->get<std::string>();
}

void ConfigReader::triple(const char* key, double least, double most, std::optional<std::array<double, 3>>& target) {
  const Json* value = find(key);
  if (value == nullptr || !status_.ok()) return;
  std::array<double, 3> numbers = {};
  bool good = value->is_array() && value->size() == 3;
  for (std::size_t i = 0; good && i < 3; ++i) {
    const Json& number = (*value)[i];
    good = number.is_number() && number.get<double>() >= least && number.get<double>() <= most;
    if (good) numbers[i] = number.get<double>();
  }
  if (!good) {
    return fail(Code::corrupt_file, key,
                "three numbers from " + number_text(least) + " to " + number_text(most) + " are needed");
  }
  target = numbers;
}

void ConfigReader::size(const char* key, int most, std::optional<int>& height, std::optional<int>& width) {
  const Json* value = find(key);
  if (value == nullptr || !status_.ok()) return;
  const bool list = value->is_array() && (value->size() == 2 || value->size() == 3);
  if (list && value->size() == 3 && value->front().is_number() && value->front() != 3) {
    return fail(Code::unsupported, key, "3 channels (RGB) are supported");
  }
  const std::optional<int> first = whole_number(list ? (*value)[value->size() - 2] : *value, 1, most);
  const std::optional<int> second = whole_number(list ? value->back() : *value, 1, most);
  if (!first || !second) {
    return fail(Code::corrupt_file, key, "one or two whole numbers from 1 to " + std::to_string(most) + " are needed");
  }
  height = first;
  width = second;
}

void ConfigReader::activation(const char* key, std::optional<Activation>& target) {
  std::optional<std::string> name;
  text(key, name);
  if (!name) return;
  if (*name == "gelu") {
    target = Activation::gelu_erf;
  } else if (*name == "gelu_new" || *name == "gelu_pytorch_tanh" || *name == "gelu_tanh") {
    target = Activation::gelu_tanh;
  } else if (*name == "quick_gelu") {
    target = Activation::quick_gelu;
  } else if (*name == "relu") {
    target = Activation::relu;
  } else if (*name == "silu" || *name == "swish") {
    target = Activation::silu;
  } else {
    fail(Code::unsupported, key,
         "gelu, gelu_new, gelu_pytorch_tanh, gelu_tanh, quick_gelu, relu and silu are supported");
  }
}

void ConfigReader::names(const char* key, std::vector<std::string>& target) {
  const Json* value = find(key);
  if (value == nullptr || !status_.ok()) return;
  std::vector<std::string> found;
  for (std::size_t i = 0; value->is_structured() && i < value->size(); ++i) {
    const Json* name = nullptr;
    if (value->is_array()) {
      name = &(*value)[i];
    } else if (const auto at = value->find(std::to_string(i)); at != value->end()) {
      name = &*at;
    }
    if (name == nullptr || !name->is_string()) break;
    found.push_back(clean_label(name->get<std::string>()));
  }
  if (!value->is_structured() || found.size() != value->size()) {
    return fail(Code::corrupt_file, key,
                "a list of strings, or an object of strings with the keys 0, 1, ..., is needed");
  }
  target = std::move(found);
}

std::string clean_label(std::string label) {
  constexpr std::size_t kLongest = 1024;
  if (label.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(label[end]) & 0xc0) == 0x80) --end;  // do not split a UTF-8 letter
    label.resize(end);
  }
  std::replace_if(
      label.begin(), label.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return label;
}

}  // namespace intvit
