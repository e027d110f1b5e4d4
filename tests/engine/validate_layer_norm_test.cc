// Limits of norms of parts of a row, and of those that are added to a stream.
#include <doctest/doctest.h>

#include "engine/ops/layer_norm.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

const TinyOptions kNormed = {.normed_heads = true};

void refuses_norm(const std::string& reason, const char* step, const std::function<void(LayerNormOp&)>& change) {
  refuses(
      reason, [&](TinyProgram& t) { change(op<LayerNormOp>(t, step)); }, kNormed);
}

TEST_CASE("validate: norms of parts of a row") {
  constexpr const char* kHeads = "blocks.0.attn.q_norm";
  refuses_norm("0 groups of 16 columns", kHeads, [](LayerNormOp& n) { n.groups = 0; });
  refuses_norm("3 groups of 16 columns", kHeads, [](LayerNormOp& n) { n.groups = 3; });
  refuses_norm("32 groups of 16 columns", kHeads, [](LayerNormOp& n) { n.groups = 32; });
  refuses_norm("neither 0 nor 1", kHeads, [](LayerNormOp& n) { n.centred = 2; });
  for (const std::uint32_t groups : {1u, 4u, 16u}) {
    accepts([&](TinyProgram& t) { op<LayerNormOp>(t, kHeads).groups = groups; }, kNormed);
  }
}

TEST_CASE("validate: norms that are added") {
  refuses_norm("neither 0 nor 1", "blocks.0.norm3", [](LayerNormOp& n) { n.add = 2; });
  refuses_norm("must be s16", "blocks.0.attn.q_norm", [](LayerNormOp& n) { n.add = 1; });
  refuses(
      "nothing has written",
      [](TinyProgram& t) {
        const Buffer stream = t.program.buffers[op<LayerNormOp>(t, "blocks.0.norm3").dst];
        op<LayerNormOp>(t, "blocks.0.norm3").dst = static_cast<BufferId>(t.program.buffers.size());
        t.program.buffers.push_back(stream);
      },
      kNormed);
}

}  // namespace
}  // namespace intvit::test
