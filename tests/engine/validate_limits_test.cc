// Every part of a limit that has several: each test breaks one of them and keeps the others
// (engine/program/validate.cc, check() in engine/ops/).
#include <doctest/doctest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/format/layout.h"
#include "engine/ops/attention.h"
#include "engine/ops/checker.h"
#include "engine/ops/conv.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/mean_rows.h"
#include "engine/program/memory_plan.h"
#include "engine/tensors/limits.h"
#include "kernels/attention/attention.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

const std::string kEmbed = "patch_embed", kPool = "pool";
const TinyOptions kMean{.head = TinyHead::mean};

Buffer& dst_of(TinyProgram& t, const std::string& layer) {
  for (const Step& step : t.program.steps) {
    if (step.layer != layer) continue;
    for (const Operand& operand : step.op->operands()) {
      if (operand.writes()) return t.program.buffers[operand.buffer];
    }
  }
  FAIL("no layer " << layer);
  return t.program.buffers[0];
}

BufferId add_buffer(TinyProgram& t, const Buffer& buffer) {
  t.program.buffers.push_back(buffer);
  return static_cast<BufferId>(t.program.buffers.size() - 1);
}

// A step before all others, which is checked first.
void put_first(TinyProgram& t, const Op& op) {
  t.program.steps.insert(t.program.steps.begin(), {"enemy", op});
  plan_memory(t.program);
}

TEST_CASE("limits: the input geometry") {
  const auto refused = [](std::uint32_t InputGeometry::*field, std::uint32_t value) {
    refuses("the input geometry is out of range", [=](TinyProgram& t) { t.program.input.*field = value; });
  };
  for (const auto field : {&InputGeometry::height, &InputGeometry::width}) {
    refused(field, 0);
    refused(field, kMaxInputEdge + 1);
  }
  for (const auto field : {&InputGeometry::resize_height, &InputGeometry::resize_width}) {
    refused(field, 0);
    refused(field, 65536);
    accepts([=](TinyProgram& t) { t.program.input.*field = 65535; });
  }
  refuses("the input geometry is out of range", [](TinyProgram& t) {
    t.program.input.interpolation = static_cast<Interpolation>(static_cast<std::uint32_t>(Interpolation::lanczos) + 1);
  });
  refuses("the input geometry is out of range", [](TinyProgram& t) {
    t.program.input.crop_mode = static_cast<CropMode>(static_cast<std::uint32_t>(CropMode::center_floor) + 1);
  });
}

TEST_CASE("limits: the picture's buffer is the input, and logits are one row") {
  const auto picture = [](auto change) {
    refuses("the picture's buffer does not match", [=](TinyProgram& t) {
      change(t.program.buffers[t.program.buffer_of(PortKind::picture)]);
      plan_memory(t.program);
    });
  };
  picture([](Buffer& b) { b.rows += 1; });
  picture([](Buffer& b) { b.columns = b.stride -= 3; });
  picture([](Buffer& b) { b.stride += 8; });
  refuses("logits must be one row", [](TinyProgram& t) {
    t.program.buffers[t.program.buffer_of(PortKind::logits)].rows = 2;
    t.program.ports[1].rows = 2;
  });
  refuses("the unit of logits", [](TinyProgram& t) { t.program.ports[1].exponent = -32; });
  accepts([](TinyProgram& t) { t.program.ports[1].exponent = -31; });
}

TEST_CASE("limits: buffers") {
  refuses("buffer 1 is 262145 x", [](TinyProgram& t) {
    t.program.buffers[1].rows = kMaxRows + 1;
    plan_memory(t.program);
  });
  refuses("in rows of 16777280", [](TinyProgram& t) { t.program.buffers[2].stride = kMaxColumns + 64; });
  refuses("buffer 2 has rows of 321 for 16 columns", [](TinyProgram& t) { t.program.buffers[2].stride = 321; });
  accepts([](TinyProgram& t) { t.program.buffers[2].stride = 320; });
}

TEST_CASE("limits: layer_norm") {
  refuses("src and dst differ in columns", [](TinyProgram& t) {
    dst_of(t, kNorm).columns = 15;  // rows are as long as before
  });
  refuses("have over 65536", [](TinyProgram& t) {
    constexpr std::uint32_t kColumns = 65537;
    LayerNormOp norm = op<LayerNormOp>(t, kNorm);
    norm.src = add_buffer(t, {DataType::s16, 1, kColumns, kColumns + 63, 0});
    norm.dst = add_buffer(t, {DataType::u8, 1, kColumns, kColumns + 63, 0});
    norm.affine = t.add("affine", DataType::s16, std::vector<std::int16_t>(2 * kColumns));
    put_first(t, norm);
  });
  refuses("rows 1 to 6 of 5", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).first_row = 1; });
  accepts([](TinyProgram& t) { op<LayerNormOp>(t, "norm").first_row = 4; });
  refuses("rows 5 to 6 of 5", [](TinyProgram& t) { op<LayerNormOp>(t, "norm").first_row = 5; });
}

TEST_CASE("limits: mean_rows") {
  const auto shape = [](auto change) {
    refuses(
        "dst must have a row beside the copied ones",
        [=](TinyProgram& t) {
          change(dst_of(t, kPool));
          plan_memory(t.program);
        },
        kMean);
  };
  shape([](Buffer& b) { b.columns = 15; });
  shape([](Buffer& b) { b.rows = 2; });
  const auto rows = [](std::uint32_t first, std::uint32_t count) {
    return
        [=](TinyProgram& t) { op<MeanRowsOp>(t, kPool).first_row = first, op<MeanRowsOp>(t, kPool).row_count = count; };
  };
  refuses("rows out of range", rows(1, 5), kMean);
  refuses("rows out of range", rows(6, 1), kMean);
  accepts(rows(0, 5), kMean);
  accepts(rows(4, 1), kMean);
  const auto copied = [](std::uint32_t count) {
    return [=](TinyProgram& t) {
      op<MeanRowsOp>(t, kPool).copied_rows = count;
      dst_of(t, kPool).rows = count + 1;
      plan_memory(t.program);
    };
  };
  accepts(copied(4), kMean);
  refuses("more rows are copied", copied(5), kMean);
  const auto claimed = [](std::uint32_t count) {
    return [=](TinyProgram& t) { op<MeanRowsOp>(t, kPool).copied_rows = count; };
  };
  refuses("more rows are copied", claimed(0xffffffffu), kMean);
  refuses("dst must have a row", claimed(1), kMean);
  refuses("rows out of range", [](TinyProgram& t) {
    MeanRowsOp mean;
    mean.src = add_buffer(t, {DataType::s16, 65537, 1, 32, 0});
    mean.dst = add_buffer(t, {DataType::s16, 1, 1, 32, 0});
    mean.row_count = 65537;
    put_first(t, mean);
  });
}

TEST_CASE("limits: patches") {
  refuses("src must be the picture", [](TinyProgram& t) { op<ConvOp>(t, kEmbed).src = op<LinearOp>(t, kQkv).src; });
  refuses("a kernel of 129 x 0", [](TinyProgram&) {}, {.edge = 129, .patch = 129});
  // As many whole patches as before, and some pixels that belong to none.
  refuses("patches of 4 do not divide", [](TinyProgram& t) {
    t.program.input.height = t.program.buffers[t.program.buffer_of(PortKind::picture)].rows = 10;
    t.program.ports[0].rows = 10;
    plan_memory(t.program);
  });
  refuses("patches of 4 do not divide", [](TinyProgram& t) {
    Buffer& picture = t.program.buffers[t.program.buffer_of(PortKind::picture)];
    t.program.input.width = 10;
    picture.columns = picture.stride = 30;
    plan_memory(t.program);
  });
  refuses("dst has 5 rows, must have 6", [](TinyProgram& t) { op<ConvOp>(t, kEmbed).prefix = 2; });
  refuses("dst has 5 rows, must have 4", [](TinyProgram& t) { op<ConvOp>(t, kEmbed).prefix = 0; });
  // The sum of rows would be right in 32 bits.
  refuses("dst has 3 rows", [](TinyProgram& t) {
    op<ConvOp>(t, kEmbed).prefix = 0xffffffff;
    dst_of(t, kEmbed).rows = 3;
    plan_memory(t.program);
  });
  refuses("weights have 64 inputs for patches of 192",
          [](TinyProgram& t) { op<ConvOp>(t, kEmbed).kernel = 8, op<ConvOp>(t, kEmbed).prefix = 4; });
}

TEST_CASE("limits: linear") {
  refuses("65 inputs, must be a multiple of 64", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.k = 65; });
  // As many panels of weights as before.
  refuses("dst has 48 columns", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.n = 47; });
  refuses("in rows of at least", [](TinyProgram& t) {
    dst_of(t, kFc1).stride = 40;
    plan_memory(t.program);
  });
  refuses("src rows are no multiple of dst rows", [](TinyProgram& t) {
    dst_of(t, kQkv).rows = 2;
    plan_memory(t.program);
  });
}

TEST_CASE("limits: attention") {
  refuses("columns do not match the heads", [](TinyProgram& t) {
    dst_of(t, kQkv).columns = 47;  // the third of it is 16 less one
    LinearConstants& l = op<LinearOp>(t, kQkv).linear;
    l.n = 47;
  });
  refuses("columns do not match the heads", [](TinyProgram& t) { dst_of(t, kAttn).columns = 15; });
  refuses("queries of 5 tokens", [](TinyProgram& t) {
    dst_of(t, kAttn).rows = 4;
    plan_memory(t.program);
  });
  const auto shape = [](std::uint32_t tokens, std::uint32_t heads, std::uint32_t head_dim) {
    return [=](TinyProgram& t) {
      const std::uint32_t columns = heads * head_dim, stride = (columns + 63) / 64 * 64;
      AttentionOp attention = op<AttentionOp>(t, kAttn);
      attention.heads = heads, attention.head_dim = head_dim;
      attention.src = add_buffer(t, {DataType::u8, tokens, 3 * columns, 3 * stride, 0});
      attention.dst = add_buffer(t, {DataType::u8, tokens, columns, stride, 0});
      const Constant one = t.program.constants[attention.parameters];
      std::vector<std::int32_t> parameters;
      for (std::uint32_t h = 0; h < heads; ++h) {
        parameters.insert(parameters.end(), one.as<std::int32_t>(), one.as<std::int32_t>() + kAttentionParameters);
      }
      attention.parameters = t.add("parameters", DataType::s32, parameters);
      put_first(t, attention);
    };
  };
  constexpr std::uint32_t kMostTokens = kernels::kMaxTokens, kDim = kernels::kMaxHeadDim;
  // What is within the limits is refused only for its place in the program.
  refuses("reads a buffer that nothing has written", shape(kMostTokens, 1, 8));
  refuses("tokens, at most 32768", shape(kMostTokens + 1, 1, 8));
  refuses("reads a buffer that nothing has written", shape(1, 4096, 1));
  refuses("4097 heads of 1", shape(1, 4097, 1));
  refuses("reads a buffer that nothing has written", shape(1, 1, kDim));
  refuses("1 heads of " + std::to_string(kDim + 1), shape(1, 1, kDim + 1));
}

TEST_CASE("limits: numbers of attention's heads") {
  const std::pair<AttentionParameter, std::int32_t> wrong[] = {{kVZero, -1},
                                                               {kSoftmaxLeftShift, -1},
                                                               {kSoftmaxRightShift, -1},
                                                               {kRatioShift, kernels::kMinRatioShift - 1},
                                                               {kRatioShift, kernels::kMaxRatioShift + 1}};
  const auto with = [](AttentionParameter parameter, std::int32_t value) {
    return [=](TinyProgram& t) {
      AttentionOp& attention = op<AttentionOp>(t, kAttn);
      attention.parameters = with_entry<std::int32_t>(t, attention.parameters, parameter, value);
    };
  };
  for (const auto& [parameter, value] : wrong) {
    refuses("parameter " + std::to_string(parameter) + " of head 0 is " + std::to_string(value),
            with(parameter, value));
  }
  const std::pair<AttentionParameter, std::int32_t> right[] = {{kQZero, 0},
                                                               {kQZero, 255},
                                                               {kVZero, 0},
                                                               {kVZero, 255},
                                                               {kOutZero, 0},
                                                               {kOutZero, 255},
                                                               {kSoftmaxLeftShift, 0},
                                                               {kSoftmaxRightShift, 31},
                                                               {kSoftmaxMultiplier, 65535},
                                                               {kRatio, 1 << 30},
                                                               {kRatio, INT32_MAX},
                                                               {kRatioShift, kernels::kMinRatioShift},
                                                               {kRatioShift, kernels::kMaxRatioShift}};
  for (const auto& [parameter, value] : right) accepts(with(parameter, value));
}

TEST_CASE("limits: encode") {
  TinyOptions options;
  options.normed = TinyEncoding{};
  refuses(
      "src and dst differ in shape", [](TinyProgram& t) { dst_of(t, kNormEncode).columns = 15; }, options);
  refuses(
      "src and dst differ in shape",
      [](TinyProgram& t) {
        dst_of(t, kNormEncode).rows = 4;
        plan_memory(t.program);
      },
      options);
}

}  // namespace
}  // namespace intvit::test
