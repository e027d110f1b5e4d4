#include "converter/read/text_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "converter/read/message.h"

namespace intvit {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestFile = std::size_t{16} << 20;
constexpr std::size_t kDeepest = 32;
constexpr std::size_t kMostValues = 1'000'000;

// What is wrong with the brackets and the number of values; empty when nothing is. Looks at the text only, because
// the parsed form of a hostile text may be fifty times as large.
std::string check_structure(const std::string& text) {
  std::size_t depth = 0;
  std::size_t values = 1;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return "is nested more than " + std::to_string(kDeepest) + " deep";
      ++values;
    } else if (c == ']' || c == '}') {
      if (depth > 0) --depth;
    } else if (c == ',') {
      ++values;
    }
    if (values > kMostValues) return "has more than " + std::to_string(kMostValues) + " values";
  }
  return {};
}

// Python writes numbers that JSON does not have. They become texts: whoever asks for a number there is told so, and
// nobody else minds.
std::string without_nan(const std::string& text) {
  std::string result;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      result += c;
      if (c == '\\' && i + 1 < text.size()) result += text[++i];
      if (c == '"') in_string = false;
      continue;
    }
    std::string_view found;
    for (const std::string_view word :
         {std::string_view("-Infinity"), std::string_view("Infinity"), std::string_view("NaN")}) {
      if (found.empty() && std::string_view(text).substr(i).starts_with(word)) found = word;
    }
    if (found.empty()) {
      in_string = c == '"';
      result += c;
    } else {
      result += '"' + std::string(found) + '"';
      i += found.size() - 1;
    }
  }
  return result;
}

}  // namespace

bool file_exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Result<std::string> read_text_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {Code::not_found, "cannot open " + in_quotes(path) + ": not found"};
  if (!std::filesystem::is_regular_file(path, error)) {
    return {Code::invalid_argument, "cannot read " + in_quotes(path) + ": it is not a regular file"};
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return {Code::io, "cannot open " + in_quotes(path) + ": " + std::strerror(errno)};
  // Piece by piece: the size that the system states may change while we read.
  std::string text;
  std::vector<char> piece(std::size_t{1} << 16);
  while (in && text.size() <= kLongestFile) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) return {Code::io, "cannot read " + in_quotes(path) + ": " + std::strerror(errno)};
  if (text.size() > kLongestFile) {
    return {Code::corrupt_file, in_quotes(path) + " is larger than the 16 MiB that such a file may have"};
  }
  return text;
}

Result<nlohmann::json> read_json_file(const std::string& path) {
  Result<std::string> text = read_text_file(path);
  if (!text.ok()) return text.status();
  std::string problem = check_structure(text.value());
  if (!problem.empty()) return {Code::corrupt_file, in_quotes(path) + " " + problem};

  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto watch = [&keys, &problem](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == Json::parse_event_t::key && problem.empty()) {
      const std::string& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) problem = "has the key " + in_quotes(key) + " twice in one object";
    }
    return true;
  };
  Json json = Json::parse(without_nan(text.value()), watch, /*allow_exceptions=*/false);
  if (json.is_discarded()) problem = "is not valid JSON";
  if (problem.empty() && !json.is_object()) problem = "is not a JSON object";
  if (!problem.empty()) return {Code::corrupt_file, in_quotes(path) + " " + problem + "; get the file again"};
  return json;
}

}  // namespace intvit
