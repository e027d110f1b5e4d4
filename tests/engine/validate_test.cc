// Every limit of a program is refused with a message when it is violated (engine/program/validate.cc, check() in
// engine/ops/). Encode operations, softmax tables and coarse steps: validate_encode_test.cc,
// validate_attention_test.cc, validate_coarse_steps_test.cc.
#include <doctest/doctest.h>

#include <utility>

#include "engine/ops/attention.h"
#include "engine/ops/conv.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/mean_rows.h"
#include "engine/program/memory_plan.h"
#include "engine/tensors/limits.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

TEST_CASE("validate: zero dimensions are refused") {
  refuses("buffer 1 is 0 x", [](TinyProgram& t) { t.program.buffers[1].rows = 0; });
  refuses("x 0 in rows", [](TinyProgram& t) { t.program.buffers[2].columns = 0; });
  refuses("in rows of 0", [](TinyProgram& t) { t.program.buffers[2].stride = 0; });
  refuses("0 outputs", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.n = 0; });
  refuses("0 inputs", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.k = 0; });
  refuses("0 heads", [](TinyProgram& t) { op<AttentionOp>(t, kAttn).heads = 0; });
  refuses("heads of 0", [](TinyProgram& t) { op<AttentionOp>(t, kAttn).head_dim = 0; });
  refuses("a kernel of 0", [](TinyProgram& t) { op<ConvOp>(t, "patch_embed").kernel = 0; });
  refuses("input geometry", [](TinyProgram& t) { t.program.input.height = 0; });
  refuses("input geometry", [](TinyProgram& t) { t.program.input.resize_width = 0; });
  refuses("no steps", [](TinyProgram& t) { t.program.steps.clear(); });
  refuses("0-bit weights", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.bits = 0; });
  refuses("epsilon", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).epsilon_low = 0; });
  refuses("rows out of range", [](TinyProgram& t) { op<MeanRowsOp>(t, "pool").row_count = 0; },
          {.head = TinyHead::mean});
}

TEST_CASE("validate: huge dimensions are refused") {
  for (const std::uint32_t huge : {0x7fffffffu, 0x80000000u, 0xfffffff0u, 0xffffffffu}) {
    refuses("buffer 1", [&](TinyProgram& t) { t.program.buffers[1].rows = huge; });
    refuses("buffer 2", [&](TinyProgram& t) { t.program.buffers[2].stride = huge; });
    refuses("buffer 2", [&](TinyProgram& t) { t.program.buffers[2].columns = t.program.buffers[2].stride = huge; });
    refuses("outputs", [&](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.n = huge; });
    refuses("inputs", [&](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.k = huge; });
    refuses("heads", [&](TinyProgram& t) { op<AttentionOp>(t, kAttn).heads = huge; });
    refuses("heads", [&](TinyProgram& t) { op<AttentionOp>(t, kAttn).head_dim = huge; });
    refuses("a kernel of", [&](TinyProgram& t) { op<ConvOp>(t, "patch_embed").kernel = huge; });
    refuses("rows", [&](TinyProgram& t) { op<ConvOp>(t, "patch_embed").prefix = huge; });
    refuses("rows", [&](TinyProgram& t) { op<LayerNormOp>(t, kNorm).first_row = huge; });
    refuses("rows", [&](TinyProgram& t) { op<MeanRowsOp>(t, "pool").row_count = huge; }, {.head = TinyHead::mean});
    refuses("rows", [&](TinyProgram& t) { op<MeanRowsOp>(t, "pool").first_row = huge; }, {.head = TinyHead::mean});
    refuses("input geometry", [&](TinyProgram& t) { t.program.input.width = huge; });
  }
  refuses("multiple of 64", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.k = 65536; });
}

TEST_CASE("validate: constants outside their ranges are refused") {
  refuses("shift", [](TinyProgram& t) {
    LinearConstants& l = op<LinearOp>(t, kQkv).linear;
    l.shift = with_entry<std::uint8_t>(t, l.shift, 3, 32);
  });
  refuses("shift", [](TinyProgram& t) {
    LinearConstants& l = op<LinearOp>(t, "head").linear;
    l.shift = with_entry<std::uint8_t>(t, l.shift, 15, 63);
  });
  refuses("shift", [](TinyProgram& t) {
    LinearConstants& l = op<LinearOp>(t, "head").linear;
    l.shift = with_entry<std::uint8_t>(t, l.shift, 15, 0);
  });
  refuses("multiplier", [](TinyProgram& t) {
    LinearConstants& l = op<LinearOp>(t, kQkv).linear;
    l.multiplier = with_entry<std::int16_t>(t, l.multiplier, 47, -1);
  });
  refuses("multiplier", [](TinyProgram& t) {
    LinearConstants& l = op<LinearOp>(t, "head").linear;
    l.multiplier = with_entry<std::int32_t>(t, l.multiplier, 0, -1);
  });
  refuses("zero points",
          [](TinyProgram& t) {
            LinearConstants& l = op<LinearOp>(t, kQkv).linear;
            l.zero_points = with_entry<std::uint8_t>(t, l.zero_points, 5, 16);
          },
          {.weight_bits = 4});
  refuses("shift out of range", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).shift = 31; });
  refuses("shift out of range", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).shift = 0; });
  refuses("shift out of range", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).beta_shift = 15; });
  refuses("epsilon", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).epsilon_high = 1u << 30; });
  refuses("activation", [](TinyProgram& t) { op<LinearOp>(t, kFc1).activation_segment_bits = 10; });
  refuses("activation", [](TinyProgram& t) { op<LinearOp>(t, kFc1).activation_multiplier = 32768; });
  refuses("activation", [](TinyProgram& t) { op<LinearOp>(t, kFc1).activation_zero_point = 256; });
  const std::pair<AttentionParameter, std::int32_t> wrong[] = {{kQZero, -1},
                                                               {kQZero, 256},
                                                               {kVZero, 256},
                                                               {kOutZero, -1},
                                                               {kSoftmaxLeftShift, 16},
                                                               {kSoftmaxRightShift, 32},
                                                               {kSoftmaxMultiplier, 65536},
                                                               {kSoftmaxMultiplier, -1},
                                                               {kRatio, (1 << 30) - 1},
                                                               {kRatio, -1},
                                                               {kRatioShift, 63},
                                                               {kRatioShift, -1}};
  for (const auto& [parameter, value] : wrong) {
    refuses("parameter", [&, p = parameter, v = value](TinyProgram& t) {
      AttentionOp& attention = op<AttentionOp>(t, kAttn);
      attention.parameters =
          with_entry<std::int32_t>(t, attention.parameters, kAttentionParameters + static_cast<std::size_t>(p), v);
    });
  }
  // 8 * 255 * 255 * 2^13 reaches 2^31.
  refuses("overflow", [](TinyProgram& t) {
    AttentionOp& attention = op<AttentionOp>(t, kAttn);
    attention.parameters = with_entry<std::int32_t>(t, attention.parameters, kSoftmaxLeftShift, 13);
  });
}

TEST_CASE("validate: constants of the wrong size, type or place are refused") {
  refuses("bias", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.bias = op<LinearOp>(t, kProj).linear.bias; });
  refuses("weights", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.tiles = op<LinearOp>(t, kProj).linear.tiles; });
  refuses("constant 4294967295", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.tiles = kNone; });
  refuses("zero points", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.zero_points = kNone; }, {.weight_bits = 4});
  refuses("shift", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.shift = op<LinearOp>(t, kQkv).linear.bias; });
  refuses("affine", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).affine = 0; });
  refuses("init", [](TinyProgram& t) { op<ConvOp>(t, "patch_embed").init = 1; });
  refuses("activation", [](TinyProgram& t) { op<LinearOp>(t, kFc1).activation = kNone; });
}

TEST_CASE("validate: buffers of the wrong shape or type are refused") {
  refuses("must be u8", [](TinyProgram& t) { t.program.buffers[2].type = DataType::s16; });
  refuses("unknown type", [](TinyProgram& t) { t.program.buffers[2].type = static_cast<DataType>(4); });
  refuses("src is buffer 4294967295", [](TinyProgram& t) { op<LinearOp>(t, kQkv).src = kNone; });
  refuses("dst is buffer 99", [](TinyProgram& t) { op<AttentionOp>(t, kAttn).dst = 99; });
  refuses("port 'picture': is buffer 99", [](TinyProgram& t) { t.program.ports[0].buffer = 99; });
  refuses("port 'logits': is buffer 99", [](TinyProgram& t) { t.program.ports[1].buffer = 99; });
  refuses("unknown kind", [](TinyProgram& t) { op<LinearOp>(t, kQkv).kind = static_cast<Epilogue>(4); });
  refuses("columns do not match", [](TinyProgram& t) { op<AttentionOp>(t, kAttn).heads = 3; });
  // Rows too short for the padding that the kernels write.
  refuses("rows of 40", [](TinyProgram& t) {
    t.program.buffers[op<LinearOp>(t, kFc1).dst].stride = 40;
    plan_memory(t.program);
  });
}

TEST_CASE("validate: programs that read what nothing has written are refused") {
  refuses("nothing has written", [](TinyProgram& t) { t.program.steps.erase(t.program.steps.begin()); });
  refuses("port 'logits': nothing writes its buffer", [](TinyProgram& t) { t.program.steps.pop_back(); });
  // A residual operation reads its dst, too.
  refuses("nothing has written", [](TinyProgram& t) {
    t.program.buffers.push_back(t.program.buffers[1]);
    const auto fresh = static_cast<BufferId>(t.program.buffers.size() - 1);
    op<LinearOp>(t, kProj).dst = fresh;
    plan_memory(t.program);
  });
}

TEST_CASE("validate: what reads its own result") {
  refuses("src is dst", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).dst = op<LayerNormOp>(t, kNorm).src; });
  refuses("src is dst", [](TinyProgram& t) { op<LinearOp>(t, kQkv).src = op<LinearOp>(t, kQkv).dst; });
  refuses("src is dst", [](TinyProgram& t) { op<MeanRowsOp>(t, "pool").src = op<MeanRowsOp>(t, "pool").dst; },
          {.head = TinyHead::mean});
  refuses("columns do not match",
          [](TinyProgram& t) { op<AttentionOp>(t, kAttn).src = op<AttentionOp>(t, kAttn).dst; });
}

}  // namespace
}  // namespace intvit::test
