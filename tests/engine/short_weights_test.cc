// A linear operation whose source has more columns than its weights have inputs: it reads the first of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "engine/format/writer.h"
#include "engine/ops/linear.h"
#include "intvit/session.h"
#include "kernels/gemm/tiles.h"
#include "tests/engine/refusals.h"
#include "tests/engine/tiny_program.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {

TEST_CASE("linear: a row may have more columns than the weights have inputs, on every instruction set") {
  TinyOptions options;
  options.channels = 128;
  options.edge = 16;
  TinyProgram tiny = make_tiny_program(options);
  LinearOp& fc1 = op<LinearOp>(tiny, kFc1);
  REQUIRE(fc1.linear.k == 128);
  const Constant whole = tiny.program.constants[fc1.linear.tiles];
  std::vector<std::int8_t> half(whole.as<std::int8_t>(), whole.as<std::int8_t>() + whole.count() / 2);
  fc1.linear.k = 64;
  fc1.linear.tiles = tiny.add("half", whole.type, half);
  const std::vector<std::uint8_t> picture = tiny_picture(options, 3);
  const auto model = Model::from_memory(encode_model(tiny.program, tiny_metadata(options)), "short");
  REQUIRE_MESSAGE(model.ok(), model.status().message());
  std::vector<std::int32_t> expected;
  for (const Isa isa : available_isas()) {
    for (const int threads : {1, 3}) {
      const auto session = Session::create(model.value(), {threads, 1, isa, false});
      REQUIRE(session.ok());
      std::copy(picture.begin(), picture.end(), session.value()->picture(0));
      session.value()->run();
      const auto logits = session.value()->logits(0);
      if (expected.empty()) expected.assign(logits.begin(), logits.end());
      CHECK(std::equal(logits.begin(), logits.end(), expected.begin(), expected.end()));
    }
  }
}

}  // namespace intvit::test
