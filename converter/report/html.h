// What all report pages are made of: texts that are safe in HTML, tables, and the frame with its style.
#pragma once

#include <string>
#include <vector>

namespace intvit::html {

// `&`, `<`, `>` and both quotes become entities; what is not UTF-8, and control characters, a question mark.
std::string escape(const std::string& text);

std::string number(double value, int decimals = 1);

// "31.4", or "exact" where there is no error to speak of.
std::string decibels(double db);

// The start of a page up to the first section, and its end. `title` and `subtitle` are plain texts.
std::string begin_page(const std::string& title, const std::string& subtitle);
std::string end_page();

// A colour by which a figure is judged, and the mark that says the same without colour.
enum class Grade { good, fair, poor };
Grade grade_of(double db);
const char* css_class(Grade grade);

// A cell with decibels, a bar as long as them and the grade's mark.
std::string decibel_cell(double db);

// Rows of cells that are HTML already; `left` columns at the front are words, the others numbers. Cells beyond the
// header are left out. It scrolls by itself where the page is narrower.
class Table {
 public:
  Table(const std::vector<std::string>& header, std::size_t left);
  void add(const std::vector<std::string>& cells);
  std::string text() const { return text_ + "</tbody></table></div>\n"; }

 private:
  std::string text_;
  std::size_t left_, columns_;
};

}  // namespace intvit::html
