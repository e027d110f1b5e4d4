#include "tools/common/results/csv_text.h"

#include <charconv>
#include <cstddef>
#include <istream>

namespace intvit {
namespace {

constexpr std::size_t kMaxRowBytes = std::size_t{16} << 20;

}  // namespace

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string csv_row(const std::vector<std::string>& fields) {
  std::string row;
  for (std::size_t i = 0; i < fields.size(); ++i) row += (i > 0 ? "," : "") + csv_field(fields[i]);
  return row + '\n';
}

std::string exact_text(double value) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  return {digits, end};
}

Result<bool> read_csv_row(std::istream& in, std::vector<std::string>& fields) {
  fields.assign(1, {});
  bool any = false, quoted = false;
  std::size_t bytes = 0;
  for (char c = 0; in.get(c);) {
    any = true;
    if (++bytes > kMaxRowBytes) return Status(Code::invalid_argument, "a row has more than 16 MiB");
    if (c == '"') {
      // Two of them within quotes stand for one.
      if (quoted && in.peek() == '"') {
        in.get(c);
        fields.back() += c;
      } else {
        quoted = !quoted;
      }
    } else if (quoted || (c != ',' && c != '\n')) {
      fields.back() += c;
    } else if (c == ',') {
      fields.emplace_back();
    } else {
      break;
    }
  }
  if (quoted) return Status(Code::invalid_argument, "quotes do not match");
  if (fields.back().ends_with('\r')) fields.back().pop_back();
  return any;
}

}  // namespace intvit
