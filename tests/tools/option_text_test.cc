// Comma lists, and what a mistyped option is taken for.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tools/common/cli/comma_list.h"
#include "tools/common/cli/suggest.h"
#include "tools/common/pictures/picture_limits.h"

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

TEST_CASE("parse_limits: some of the limits, with units") {
  PictureLimits limits;
  const PictureLimits before = limits;
  REQUIRE(parse_limits("pixels=2M,scans=500", limits).ok());
  CHECK(limits.pixels == 2'000'000);
  CHECK(limits.scans == 500);
  CHECK(limits.file_bytes == before.file_bytes);
  REQUIRE(parse_limits("file=3G,memory=7K", limits).ok());
  CHECK(limits.file_bytes == 3'000'000'000);
  CHECK(limits.memory_bytes == 7000);
  PictureLimits again;
  REQUIRE(parse_limits(limits_text(limits), again).ok());
  CHECK(limits_text(again) == "pixels=2000000,file=3000000000,scans=500,memory=7000");
  for (const char* text : {"", "pixels", "pixels=", "pixels=0", "pixels=-1", "pixels=1T", "pixels=1MM", "width=3",
                           "pixels=1,,scans=2", "pixels=99999999999G", "pixels= 1"}) {
    CAPTURE(text);
    PictureLimits unused;
    const Status status = parse_limits(text, unused);
    CHECK(status.code() == Code::invalid_argument);
    CHECK(status.message().find("--limits") == 0);
  }
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
