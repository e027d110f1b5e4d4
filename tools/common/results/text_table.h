// A table of texts: aligned columns, Markdown or CSV.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace intvit {

std::string fixed(double value, int decimals);

class TextTable {
 public:
  using Cells = std::vector<std::string>;

  // The first `left_columns` and the last `note_columns` columns are aligned left (words), the others right (numbers).
  TextTable(Cells header, std::size_t left_columns, std::size_t note_columns = 0)
      : rows_{std::move(header)}, left_columns_(left_columns), first_note_(rows_[0].size() - note_columns) {}

  void add(Cells cells) { rows_.push_back(std::move(cells)); }  // as many as the header has

  void print(std::ostream& out) const;
  void print_markdown(std::ostream& out) const;
  void print_csv(std::ostream& out) const;  // RFC 4180, LF at the end of lines

 private:
  bool is_left(std::size_t column) const { return column < left_columns_ || column >= first_note_; }

  std::vector<Cells> rows_;
  std::size_t left_columns_, first_note_;
};

}  // namespace intvit
