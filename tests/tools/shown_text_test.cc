// Texts that others wrote do no harm to a terminal, a message or a table, and tables are read back as they were
// written.
#include "tools/common/cli/shown_text.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tools/common/results/csv_text.h"

namespace intvit {
namespace {

TEST_CASE("escaped: control characters and what is no UTF-8, nothing else") {
  CHECK(escaped("a b\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") == "a b\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(escaped("\x1b[2J\n\t\r\x7F") == "\\x1b[2J\\n\\t\\x0d\\x7f");
  CHECK(escaped("\xC2\x9B"
                "31m") == "\\xc2\\x9b31m");  // CSI in one character
  CHECK(escaped("\xFF\xC3\xE2\x82") == "\\xff\\xc3\\xe2\\x82");
}

TEST_CASE("text_bar: eighths of a cell, always as wide") {
  CHECK(text_bar(0, 3) == "   ");
  CHECK(text_bar(1, 2) == "\u2588\u2588");
  CHECK(text_bar(0.5, 3) == "\u2588\u258C ");
  CHECK(text_bar(1 / 8.0, 1) == "\u258F");
  CHECK(text_bar(1 / 17.0, 1) == " ");
  CHECK(text_bar(7 / 8.0, 1) == "\u2589");
  CHECK(text_bar(-1, 1) == " ");
  CHECK(text_bar(2, 1) == "\u2588");
  CHECK(!shows_bars(-1));
}

TEST_CASE("shortened: long texts keep both ends and whole characters") {
  CHECK(shortened("abcdef", 6) == "abcdef");
  CHECK(shortened("abcdefg", 6) == "abc...efg");
  CHECK(shortened("a\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9z", 4) == "a...z");
  CHECK(shortened(std::string(1'000'000, 'x')).size() < kLongestShown + 4);
}

TEST_CASE("csv: rows are read as they were written") {
  const std::vector<std::string> fields = {"a", "", "b,c", "d\"e", "f\ng", "h"};
  std::istringstream in(csv_row(fields) + "1,2\r\nlast");
  std::vector<std::string> read;
  REQUIRE(read_csv_row(in, read).value());
  CHECK(read == fields);
  REQUIRE(read_csv_row(in, read).value());
  CHECK(read == std::vector<std::string>{"1", "2"});
  REQUIRE(read_csv_row(in, read).value());
  CHECK(read == std::vector<std::string>{"last"});
  CHECK(!read_csv_row(in, read).value());
  std::istringstream open("\"a");
  CHECK(read_csv_row(open, read).status().code() == Code::invalid_argument);
}

}  // namespace
}  // namespace intvit
