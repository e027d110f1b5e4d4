// What tools make of run times, and how they print tables.
#include "engine/tools/run_times.h"

#include <doctest/doctest.h>

#include <sstream>

#include "engine/tools/text_table.h"

namespace intvit {
namespace {

TEST_CASE("summarize: median, minimum and 90th percentile, interpolated as NumPy does") {
  const Summary odd = summarize({3, 1, 2});
  CHECK(odd.median == 2);
  CHECK(odd.min == 1);
  CHECK(odd.p90 == doctest::Approx(2.8));
  CHECK(summarize({4, 1}).median == doctest::Approx(2.5));
  const Summary one = summarize({7});
  CHECK(one.median == 7);
  CHECK(one.min == 7);
  CHECK(one.p90 == 7);
}

TEST_CASE("TextTable: aligned text, Markdown and CSV") {
  TextTable table({"name", "ms"}, 1);
  table.add({"a,\"b\"", fixed(1.25, 1)});
  std::ostringstream text, markdown, csv;
  table.print(text);
  table.print_markdown(markdown);
  table.print_csv(csv);
  CHECK(text.str() == "name    ms\na,\"b\"  1.2\n");
  CHECK(markdown.str() == "| name | ms |\n|---|--:|\n| a,\"b\" | 1.2 |\n");
  CHECK(csv.str() == "name,ms\n\"a,\"\"b\"\"\",1.2\n");
}

TEST_CASE("TextTable: notes at the end of rows are words; nothing trails them, bars do not end a cell") {
  TextTable table({"name", "ms", "note"}, 1, 1);
  table.add({"a", "10.5", ""});
  table.add({"b", "", "failed: a|b"});
  std::ostringstream text, markdown;
  table.print(text);
  table.print_markdown(markdown);
  CHECK(text.str() == "name    ms  note\na     10.5\nb           failed: a|b\n");
  CHECK(markdown.str() == "| name | ms | note |\n|---|--:|---|\n| a | 10.5 |  |\n| b |  | failed: a\\|b |\n");
}

}  // namespace
}  // namespace intvit
