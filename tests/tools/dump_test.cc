// --dump: which sites a program has, what they are called, and that a run shows what is in their buffers.
#include "tools/vitrun/dump.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/format/writer.h"
#include "engine/run/select_isa.h"
#include "tests/engine/plain_execution.h"
#include "tests/engine/tiny_program.h"

namespace intvit {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("site_names: files can have them, and no two are alike") {
  std::vector<Site> sites(6);
  sites[0] = {"blocks.0.norm1", "layer_norm"};
  sites[1] = {"blocks.0.norm1", "encode", true};
  sites[2] = {"blocks.0.norm1", "layer_norm"};
  sites[3] = {"../a b/\n", "encode"};
  sites[4] = {"", "gather"};
  sites[5] = {std::string(5000, 'a'), "linear"};
  const Names names = site_names(sites);
  CHECK(Names(names.begin(), names.begin() + 5) == Names{"blocks.0.norm1.layer_norm", "blocks.0.norm1.encode.aside",
                                                         "blocks.0.norm1.layer_norm-2", "_._a_b__.encode", "gather"});
  CHECK(names[5].size() < 250);
}

TEST_CASE("chosen_sites: by name, layer or pattern, each once and in the order of the program") {
  std::vector<Site> sites = {{"a.fc1", "linear"}, {"a.fc2", "linear"}, {"b.fc1", "linear"}, {"b.fc1", "encode"}};
  sites[2].can_be_shown = false;
  const auto chosen = [&](const Names& patterns) { return chosen_sites(sites, patterns).value(); };
  CHECK(chosen({"a.fc2.linear"}) == std::vector<std::size_t>{1});
  sites.push_back({std::string(100000, 'c'), "linear"});
  CHECK(chosen({"ccc*"}) == std::vector<std::size_t>{4});
  CHECK(!chosen_sites(sites, {std::string(100000, 'c')}).ok());
  CHECK(chosen({"b.fc1"}) == std::vector<std::size_t>{3});
  CHECK(chosen({"*encode", "a.*", "a.fc?"}) == std::vector<std::size_t>{0, 1, 3});
  for (const auto& [pattern, part] : std::vector<std::pair<std::string, std::string>>{
           {"b.fc1.linear", "two planes"}, {"a.fc2.linaer", "did you mean 'a.fc2.linear'"}, {"", "is no site"}}) {
    const auto none = chosen_sites(sites, {"a.*", pattern});
    REQUIRE(!none.ok());
    CHECK(none.status().code() == Code::invalid_argument);
    CHECK_MESSAGE(none.status().message().find(part) != std::string::npos, none.status().message());
  }
}

TEST_CASE("sites: what a run shows is what a plain execution has there") {
  test::TinyOptions options;
  options.blocks = 2;
  options.hidden_codes = test::TinyEncoding{test::EncodeKind::uniform, 1, 15, 5, 2};
  const test::TinyProgram tiny = test::make_tiny_program(options);
  const auto model = Model::from_memory(encode_model(tiny.program, {}), "tiny");
  REQUIRE(model.ok());
  const Program& program = model.value()->program();
  const std::vector<Site> sites = sites_of(program);
  const std::vector<std::uint8_t> picture = test::tiny_picture(options, 1);
  std::vector<std::vector<std::int32_t>> expected;
  for (const Site& site : sites) {
    REQUIRE(site.can_be_shown);
    Program shorter = tiny.program;
    shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(site.step) + 1, shorter.steps.end());
    expected.push_back(test::execute_plainly(shorter, picture)[site.buffer]);
  }
  CHECK(std::any_of(sites.begin(), sites.end(), [](const Site& site) { return site.is_lists; }));
  for (const std::size_t most : {SIZE_MAX, std::size_t{1}}) {
    std::size_t shown = 0;
    for (const SiteRange& range : site_ranges(program, sites, most)) {
      CHECK(range.first == shown);
      const auto run = make_site_run(program, sites, range, available_isas().back(), 2);
      REQUIRE(run.ok());
      Session& session = *run.value().session;
      std::copy(picture.begin(), picture.end(), session.picture(0));
      session.run();
      for (; shown < range.end; ++shown) {
        CAPTURE(sites[shown].layer);
        const OutputView output = session.output(0, shown - range.first);
        std::vector<std::int32_t> values;
        for (int r = 0; r < output.rows; ++r) {
          for (int c = 0; c < output.columns; ++c) values.push_back(output.at(r, c));
        }
        CHECK(values == expected[shown]);
      }
    }
    CHECK(shown == sites.size());
  }
}

}  // namespace
}  // namespace intvit
