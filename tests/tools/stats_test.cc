// --stats counts what is in the buffers of codes after each step, whichever later step uses the same memory.
#include "tools/vitrun/stats.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/format/writer.h"
#include "engine/run/select_isa.h"
#include "tests/engine/plain_execution.h"
#include "tests/engine/tiny_program.h"

namespace intvit {
namespace {

// What the operand's buffer has after the last of these steps.
void count_plainly(const Buffer& buffer, const std::vector<std::int32_t>& numbers, std::uint32_t highest,
                   SiteStats& stats) {
  for (std::size_t i = 0; i < std::size_t{buffer.rows} * buffer.columns; ++i) {
    if (highest > 0) {
      ++stats.values;
      stats.lowest += numbers[i] == 0;
      stats.highest += numbers[i] == static_cast<std::int32_t>(highest);
    } else if (i % buffer.columns == 0) {
      ++stats.values;
      stats.aside += numbers[i];
      stats.overflowed += numbers[i] > static_cast<std::int32_t>(buffer.columns - 1) / 2;
    }
  }
}

TEST_CASE("stats: the counts of every site are those of a plain execution") {
  test::TinyOptions options;
  options.blocks = 2;
  options.max_code = 15;
  options.hidden_codes = test::TinyEncoding{test::EncodeKind::uniform, 1, 15, 5, 2};
  test::TinyProgram tiny = test::make_tiny_program(options);
  // The first norm once more, of what the stream has become: its codes are another site in the same buffer.
  const auto norm = std::find_if(tiny.program.steps.begin(), tiny.program.steps.end(),
                                 [](const Step& step) { return step.op->name() == "layer_norm"; });
  REQUIRE(norm != tiny.program.steps.end());
  tiny.program.steps.push_back(Step(*norm));
  const std::vector<std::uint8_t> pictures[] = {test::tiny_picture(options, 1), test::tiny_picture(options, 2)};
  std::vector<SiteStats> expected;
  for (std::size_t k = 0; k < tiny.program.steps.size(); ++k) {
    Program shorter = tiny.program;
    shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(k) + 1, shorter.steps.end());
    for (const Operand& operand : shorter.steps[k].op->operands()) {
      if (!operand.writes() || operand.buffer == kNone) continue;
      const Buffer& buffer = shorter.buffers[operand.buffer];
      const bool is_lists = operand.name == "aside";
      if (!is_lists && buffer.type != DataType::u8) continue;
      SiteStats stats;
      const std::uint32_t highest = is_lists ? 0 : operand.leaves.highest_code;
      for (const std::vector<std::uint8_t>& picture : pictures) {
        count_plainly(buffer, test::execute_plainly(shorter, picture)[operand.buffer], highest, stats);
      }
      expected.push_back(stats);
    }
  }
  const auto model = Model::from_memory(encode_model(tiny.program, {}), "tiny");
  REQUIRE(model.ok());
  std::int64_t lowest = 0, overflowed = 0;
  for (const Isa isa : available_isas()) {
    const auto counted = count_stats(*model.value(), isa, 2, {pictures[0], pictures[1]});
    REQUIRE(counted.ok());
    REQUIRE(counted.value().size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const SiteStats& got = counted.value()[i];
      CAPTURE(got.site);
      CHECK(got.values == expected[i].values);
      CHECK(got.lowest == expected[i].lowest);
      CHECK(got.highest == expected[i].highest);
      CHECK(got.aside == expected[i].aside);
      CHECK(got.overflowed == expected[i].overflowed);
      lowest += got.lowest;
      overflowed += got.overflowed;
    }
  }
  CHECK(lowest > 0);
  CHECK(overflowed > 0);
}

}  // namespace
}  // namespace intvit
