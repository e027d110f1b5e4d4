// Comma lists, and what a mistyped option is taken for.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tools/common/cli/comma_list.h"
#include "tools/common/cli/suggest.h"

namespace intvit {
namespace {

TEST_CASE("parse_numbers: lists of numbers within their limits") {
  CHECK(parse_numbers("--threads", "4", 1, 8).value() == std::vector<int>{4});
  CHECK(parse_numbers("--threads", "1,8,2", 1, 8).value() == std::vector<int>{1, 8, 2});
}

TEST_CASE("parse_numbers: everything else is an error that names the option and the word") {
  for (const char* text :
       {"", ",", "1,", ",1", "1,,2", "0", "9", "-1", "x", "1x", "1.5", " 1", "+1", "99999999999999"}) {
    CAPTURE(text);
    const Result<std::vector<int>> numbers = parse_numbers("--threads", text, 1, 8);
    REQUIRE(!numbers.ok());
    CHECK(numbers.status().code() == Code::invalid_argument);
    CHECK(numbers.status().message().find("--threads") == 0);
  }
  CHECK(parse_numbers("--threads", "2,9", 1, 8).status().message().find("'9'") != std::string::npos);
}

TEST_CASE("parse_names: words between commas") {
  CHECK(parse_names("--isa", "avx2,scalar").value() == std::vector<std::string>{"avx2", "scalar"});
  CHECK(!parse_names("--isa", "avx2,").ok());
}

TEST_CASE("edit_distance: inserts, deletes, replaces, swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("--tpok", "--topk") == 1);
  CHECK(edit_distance("--jsno", "--json") == 1);
}

TEST_CASE("closest: a similar option, or none") {
  const std::vector<std::string> options = {"--topk", "--threads", "--json", "--isa"};
  CHECK(closest("--thread", options) == "--threads");
  CHECK(closest("--jsno", options) == "--json");
  CHECK(closest("--calibration", options).empty());
  CHECK(closest("--json", {}).empty());
}

}  // namespace
}  // namespace intvit
