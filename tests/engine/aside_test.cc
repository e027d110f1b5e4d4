// Lists of values aside that no encode operation has written: whatever they hold, nothing but them is read, and all
// instruction sets, threads and batches agree.
#include <doctest/doctest.h>

#include <cstring>

#include "engine/format/writer.h"
#include "engine/ops/encode.h"
#include "engine/ops/linear.h"
#include "engine/program/memory_plan.h"
#include "intvit/session.h"
#include "tests/engine/refusals.h"
#include "tests/engine/tiny_model.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

std::vector<std::int32_t> logits_with_lists(const std::shared_ptr<const Model>& model, const TinyOptions& options,
                                            const SessionOptions& how) {
  auto session = Session::create(model, how);
  REQUIRE(session.ok());
  const std::vector<std::uint8_t> picture = tiny_picture(options, 3);
  for (int i = 0; i < how.batch; ++i) std::memcpy(session.value()->picture(i), picture.data(), picture.size());
  session.value()->run(how.batch);
  const auto logits = session.value()->logits(how.batch - 1);
  return {logits.begin(), logits.end()};
}

TEST_CASE("aside: lists of anything give the same logits everywhere") {
  for (const std::uint32_t bits : {8u, 4u}) {
    // An odd number of channels is a list: the values of a LayerNorm, as numbers of entries, columns and excesses.
    TinyOptions options = {7, 32, 4, 41, 1, 70, 2, 23, bits, TinyHead::mean};
    options.normed = {EncodeKind::dynamic_rows, 1, 15, 5, 20};
    TinyProgram tiny = make_tiny_program(options);
    for (const char* block : {"blocks.0.", "blocks.1."}) {
      const std::string name = block;
      EncodeOp& encode = op<EncodeOp>(tiny, name + "norm1.encode");
      op<LinearOp>(tiny, name + "attn.qkv").aside = encode.src;
    }
    plan_memory(tiny.program);
    auto opened = Model::from_memory(encode_model(tiny.program, {}), "hostile");
    INFO(opened.status().message());
    REQUIRE(opened.ok());
    const std::shared_ptr<const Model> model = opened.take();
    const auto expected = logits_with_lists(model, options, {1, 1, Isa::scalar, false});
    CHECK(expected != logits_with_lists(tiny_model(options), options, {1, 1, Isa::scalar, false}));
    for (const Isa isa : all_isas()) {
      for (const int threads : {1, 3}) {
        for (const int batch : {1, 3})
          CHECK(logits_with_lists(model, options, {threads, batch, isa, false}) == expected);
      }
    }
  }
}

TEST_CASE("aside: values aside reach the logits") {
  TinyOptions options;
  options.normed = {EncodeKind::uniform, 1, 15, 5, 8};
  TinyProgram tiny = make_tiny_program(options);
  const auto with = tiny_model(options);
  op<LinearOp>(tiny, kQkv).aside = kNone;
  const std::shared_ptr<const Model> without = Model::from_memory(encode_model(tiny.program, {}), "clamped").take();
  CHECK(logits_with_lists(with, options, {}) != logits_with_lists(without, options, {}));
}

}  // namespace
}  // namespace intvit::test
