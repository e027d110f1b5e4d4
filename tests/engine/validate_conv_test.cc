// What check() of convolutions and of linear operations with row constants refuses.
#include <doctest/doctest.h>

#include "engine/ops/conv.h"
#include "engine/ops/encode.h"
#include "engine/ops/linear.h"
#include "engine/program/memory_plan.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

const TinyOptions kConvolved = {.edge = 12, .conv = true};  // a grid of 3 x 4, then of 3 x 3; 16 channels in rows of 64

ConvOp& around(TinyProgram& t) { return op<ConvOp>(t, "conv.around"); }
ConvOp& square(TinyProgram& t) { return op<ConvOp>(t, "conv.square"); }

void refuses_conv(const std::string& reason, const std::function<void(TinyProgram&, ConvOp&)>& change) {
  refuses(
      reason, [&](TinyProgram& t) { change(t, around(t)); }, kConvolved);
}

TEST_CASE("validate: convolutions") {
  accepts([](TinyProgram&) {}, kConvolved);
  refuses_conv("src is buffer 99", [](TinyProgram&, ConvOp& c) { c.src = 99; });
  refuses_conv("src is s16, must be u8", [](TinyProgram& t, ConvOp& c) { c.src = square(t).dst; });
  refuses_conv("src is dst", [](TinyProgram&, ConvOp& c) { c.dst = c.src; });
  refuses_conv("max_code is 0", [](TinyProgram&, ConvOp& c) { c.max_code = 0; });
  refuses_conv("src must be the picture", [](TinyProgram&, ConvOp& c) { c.height = 0; });
  refuses("src must be the picture", [](TinyProgram& t) { op<ConvOp>(t, "patch_embed").width = 2; });
  refuses_conv("src is the picture", [](TinyProgram& t, ConvOp& c) {
    c.src = t.program.buffer_of(PortKind::picture);
    c.height = 12, c.width = 1;
  });
  refuses_conv("src has 12 rows, must have 3 x 5", [](TinyProgram&, ConvOp& c) { c.width = 5; });
  refuses_conv("must have 2147483651 x 4", [](TinyProgram&, ConvOp& c) { c.height += 1u << 31; });
  refuses_conv("src has rows of 16, must be a multiple of 64", [](TinyProgram& t, ConvOp& c) {
    t.program.buffers[c.src].stride = 16;
    plan_memory(t.program);
  });
  refuses_conv("a kernel of 0 x 0 in steps of 1", [](TinyProgram&, ConvOp& c) { c.kernel = 0; });
  refuses_conv("a kernel of 3 x 129", [](TinyProgram&, ConvOp& c) { c.kernel_width = 129; });
  refuses_conv("in steps of 129", [](TinyProgram&, ConvOp& c) { c.stride = 129; });
  for (std::uint32_t ConvOp::*pad : {&ConvOp::pad_top, &ConvOp::pad_left, &ConvOp::pad_bottom, &ConvOp::pad_right}) {
    refuses_conv("padding as large as the kernel", [&](TinyProgram&, ConvOp& c) { c.*pad = 3; });
    refuses_conv("padding as large as the kernel", [&](TinyProgram&, ConvOp& c) { c.*pad = 0xffffffff; });
    refuses_conv("dst has 12 rows", [&](TinyProgram&, ConvOp& c) { c.*pad = 2; });
  }
  // Below is one cell that no place of the kernel covers, or it does not fit at all.
  refuses_conv("patches of 3 do not divide the input of 3 x 4", [](TinyProgram&, ConvOp& c) { c.stride = 2; });
  refuses_conv("patches of 5 do not divide",
               [](TinyProgram&, ConvOp& c) { c.kernel = 5, c.pad_top = c.pad_bottom = 0; });
  refuses_conv("dst has 12 rows, must have 13", [](TinyProgram&, ConvOp& c) { c.prefix = 1; });
  refuses_conv("weights have 576 inputs for patches of 384",
               [](TinyProgram&, ConvOp& c) { c.kernel_width = 2, c.pad_right = 0; });
  refuses_conv("pad_cell is constant", [](TinyProgram&, ConvOp& c) { c.pad_cell = kNone; });
  refuses_conv("pad_cell", [](TinyProgram& t, ConvOp& c) { c.pad_cell = with_count<std::uint8_t>(t, c.pad_cell, -1); });
  refuses_conv("init", [](TinyProgram& t, ConvOp& c) { c.init = square(t).init; });  // of rows of 16
  refuses_conv("weights of padding are not zero", [](TinyProgram& t, ConvOp& c) {
    // The last input of the last cell, of which 16 of 64 are columns.
    const std::size_t last = t.program.constants[c.linear.tiles].count() - 1;
    c.linear.tiles = with_entry<std::int8_t>(t, c.linear.tiles, last, 1);
  });
}

TEST_CASE("validate: convolutions read one plane") {
  TinyOptions options = kConvolved;
  options.normed = TinyEncoding{EncodeKind::table, 2, 15};
  refuses(
      "src has two planes",
      [](TinyProgram& t) {
        ConvOp& c = around(t);
        c.src = op<EncodeOp>(t, kNormEncode).dst;
        c.height = t.program.buffers[c.src].rows, c.width = 1;
      },
      options);
}

TEST_CASE("validate: what is in front of convolved rows, and their steps, are values with init") {
  refuses(
      "need init and values", [](TinyProgram& t) { square(t).init = kNone; }, kConvolved);
  refuses_conv("need init and values", [](TinyProgram& t, ConvOp& c) {
    c.prefix = 1;
    t.program.buffers[c.dst].rows = 13;
    plan_memory(t.program);
  });
  TinyOptions options = kConvolved;
  options.coarse_steps = true;
  const auto with_steps = [](TinyProgram& t, ConvOp& c) { c.coarse_steps = op<LinearOp>(t, kProj).coarse_steps; };
  accepts([&](TinyProgram& t) { with_steps(t, square(t)); }, options);
  refuses(
      "need init and values", [&](TinyProgram& t) { with_steps(t, around(t)); }, options);
}

TEST_CASE("validate: row constants of a linear") {
  const auto init = [](TinyProgram& t, LinearOp& l, std::size_t more) {
    const Buffer& to = t.program.buffers[l.dst];
    l.init = t.add("init", DataType::s16, std::vector<std::int16_t>(std::size_t{to.rows} * to.stride + more));
  };
  accepts([&](TinyProgram& t) { init(t, op<LinearOp>(t, kQkv), 0); });
  refuses("init 'init' is", [&](TinyProgram& t) { init(t, op<LinearOp>(t, kQkv), 1); });
  refuses("init is constant 99", [](TinyProgram& t) { op<LinearOp>(t, kQkv).init = 99; });
  for (const std::string& layer : {kProj, kFc1, std::string("head")}) {
    refuses("init is of another kind than codes", [&](TinyProgram& t) { init(t, op<LinearOp>(t, layer), 0); });
  }
}

}  // namespace
}  // namespace intvit::test
