// Attention of the first queries alone: what the whole one gives for them, however the work is split.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/format/writer.h"
#include "engine/ops/attention.h"
#include "engine/program/memory_plan.h"
#include "intvit/session.h"
#include "tests/engine/plain_execution.h"
#include "tests/engine/refusals.h"
#include "tests/engine/tiny_model.h"

using namespace intvit;
using namespace intvit::test;

namespace {

// The attention of a block once more, of some queries; an output shows the result.
TinyProgram asking(std::uint32_t queries) {
  TinyProgram tiny = make_tiny_program();
  Program& p = tiny.program;
  AttentionOp once_more = op<AttentionOp>(tiny, kAttn);
  Buffer result = p.buffers[once_more.dst];
  result.rows = queries;
  once_more.queries = queries;
  p.buffers.push_back(result);
  once_more.dst = static_cast<BufferId>(p.buffers.size() - 1);
  const auto at = std::find_if(p.steps.begin(), p.steps.end(), [](const Step& s) { return s.layer == kAttn; });
  p.steps.insert(at + 1, {"asked", once_more});
  p.add_port("asked", PortKind::tokens, once_more.dst);
  plan_memory(p);
  return tiny;
}

}  // namespace

TEST_CASE("attention: the first queries alone have the results that they have among all") {
  const TinyOptions options;
  const std::vector<std::uint8_t> picture = tiny_picture(options, 5);
  for (const std::uint32_t queries : {1u, 2u}) {
    TinyProgram tiny = asking(queries);
    const auto model = Model::from_memory(encode_model(tiny.program, tiny_metadata(options)), "tiny");
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    const PlainBuffers plain = execute_plainly(tiny.program, picture);
    const std::vector<std::int32_t>&asked = plain.back(), &all = plain[op<AttentionOp>(tiny, kAttn).dst];
    CHECK(std::equal(asked.begin(), asked.end(), all.begin()));
    for (const Isa isa : available_isas()) {
      for (const int threads : {1, 3}) {
        SessionOptions session_options;
        session_options.isa = isa;
        session_options.threads = threads;
        auto session = Session::create(model.value(), session_options);
        REQUIRE(session.ok());
        std::copy(picture.begin(), picture.end(), session.value()->picture(0));
        session.value()->run();
        const OutputView view = session.value()->output(0, *model.value()->output("asked"));
        REQUIRE(view.rows == static_cast<int>(queries));
        for (int r = 0; r < view.rows; ++r) {
          for (int c = 0; c < view.columns; ++c) {
            REQUIRE(view.at(r, c) == asked[static_cast<std::size_t>(r * view.columns + c)]);
          }
        }
      }
    }
  }
}
