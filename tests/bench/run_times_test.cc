// What tools make of run times, and how they print tables.
#include "bench/vitbench/run_times.h"

#include <doctest/doctest.h>

#include <cmath>

#include <sstream>

#include "tools/common/results/text_table.h"

namespace intvit {
namespace {

TEST_CASE("summarize: percentiles, interpolated as NumPy does") {
  const Summary odd = summarize({3, 1, 2});
  CHECK(odd.median == 2);
  CHECK(odd.min == 1);
  CHECK(odd.p90 == doctest::Approx(2.8));
  CHECK(summarize({4, 1}).median == doctest::Approx(2.5));
  const Summary one = summarize({7});
  CHECK(one.median == 7);
  CHECK(one.min == 7);
  CHECK(one.p90 == 7);
  CHECK(one.p99 == 7);
}

TEST_CASE("summarize: the spread is the interquartile range in percent of the median") {
  const Summary ten = summarize({20, 11, 12, 13, 14, 16, 17, 18, 19, 15});
  CHECK(ten.median == doctest::Approx(15.5));
  CHECK(ten.p99 == doctest::Approx(19.91));
  CHECK(ten.spread_percent == doctest::Approx(100 * (17.75 - 13.25) / 15.5));
  CHECK(summarize({5, 5, 5, 100}).spread_percent == doctest::Approx(100 * 23.75 / 5));
  CHECK(summarize({7}).spread_percent == 0);
  CHECK(summarize({2, 4, 4, 4, 5, 5, 7, 9}).stddev == doctest::Approx(std::sqrt(32.0 / 7)));
  CHECK(summarize({7}).stddev == 0);
  CHECK(summarize({0, 0}).spread_percent == 0);
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
