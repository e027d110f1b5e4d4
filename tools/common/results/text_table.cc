#include "tools/common/results/text_table.h"

#include <algorithm>
#include <cstdio>

namespace intvit {
namespace {

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

// A bar would end the cell.
std::string markdown_cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

}  // namespace

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

void TextTable::print(std::ostream& out) const {
  std::vector<std::size_t> widths(rows_[0].size());
  for (const Cells& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Cells& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (is_left(i) ? row[i] + padding : padding + row[i]);
    }
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

void TextTable::print_markdown(std::ostream& out) const {
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (const std::string& cell : rows_[r]) out << "| " << markdown_cell(cell) << ' ';
    out << "|\n";
    if (r != 0) continue;
    for (std::size_t i = 0; i < rows_[0].size(); ++i) out << (is_left(i) ? "|---" : "|--:");
    out << "|\n";
  }
}

void TextTable::print_csv(std::ostream& out) const {
  for (const Cells& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) out << (i == 0 ? "" : ",") << csv_cell(row[i]);
    out << '\n';
  }
}

}  // namespace intvit
