// What operations cost, against numbers worked out by hand.
#include "engine/program/cost.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "tests/engine/tiny_program.h"

namespace intvit::test {
namespace {

std::map<std::string, OpCost> costs(const Program& program, std::uint64_t pictures = 1) {
  std::map<std::string, OpCost> by_layer;
  for (const Step& step : program.steps) by_layer[step.layer] = op_cost(step.op, program, pictures);
  return by_layer;
}

// 8 x 8 pixels in patches of 4: 4 patches and a class token; 16 channels, 2 heads, 40 hidden, 10 classes.
TEST_CASE("op_cost: a tiny program by hand") {
  const TinyProgram tiny = make_tiny_program();
  std::map<std::string, OpCost> all = costs(tiny.program);
  CHECK(all["patch_embed"].macs == 4 * 48 * 16);  // no weights for the class token
  CHECK(all["patch_embed"].rows == 5);
  CHECK(all["blocks.0.norm1"].macs == 0);
  CHECK(all["blocks.0.attn.qkv"].macs == 5 * 16 * 48);
  CHECK(all["blocks.0.attn"].macs == 2 * (2 * 5 * 5 * 8));
  CHECK(all["blocks.0.attn.proj"].macs == 5 * 16 * 16);
  CHECK(all["blocks.0.mlp.fc1"].macs == 5 * 16 * 40);
  CHECK(all["blocks.0.mlp.fc2"].macs == 5 * 40 * 16);
  CHECK(all["head"].macs == 16 * 10);
  CHECK(all["head"].rows == 1);
  CHECK(program_macs(tiny.program) == 3072 + 3840 + 800 + 1280 + 3200 + 3200 + 160);
  // fc1: rows of 64 bytes in and out, weights of 64 x 48.
  CHECK(all["blocks.0.mlp.fc1"].bytes == 5 * 64 + 5 * 64 + 64 * 48);
}

TEST_CASE("op_cost: a batch multiplies rows, sums and activations, not weights") {
  const TinyProgram tiny = make_tiny_program();
  std::map<std::string, OpCost> all = costs(tiny.program, 3);
  CHECK(all["blocks.0.mlp.fc1"].rows == 15);
  CHECK(all["blocks.0.mlp.fc1"].macs == 3 * 5 * 16 * 40);
  CHECK(all["blocks.0.mlp.fc1"].bytes == 3 * (5 * 64 + 5 * 64) + 64 * 48);
}

TEST_CASE("op_cost: two planes count once, two tokens twice, 4-bit weights are named") {
  TinyOptions options;
  options.normed = TinyEncoding{EncodeKind::table, 2, 15};
  options.weight_bits = 4;
  const TinyProgram planes = make_tiny_program(options);
  std::map<std::string, OpCost> all = costs(planes.program);
  CHECK(all["blocks.0.attn.qkv"].macs == 5 * 16 * 48);
  CHECK(all["blocks.0.attn.qkv"].weight_bits == 4);
  CHECK(all["blocks.0.attn"].weight_bits == 8);
  CHECK(all["blocks.0.norm1.encode"].macs == 0);

  TinyOptions two;
  two.head = TinyHead::two_tokens;
  const TinyProgram distilled = make_tiny_program(two);
  CHECK(costs(distilled.program)["head"].macs == 2 * 16 * 10);
}

// 196 x 768 x 192 + 12 (197 x 192 x (576 + 192 + 2 x 768) + 2 x 197^2 x 192) + 192 x 1000, as timm counts: 1.25 G.
TEST_CASE("program_macs: DeiT-Tiny") {
  TinyOptions deit_tiny;
  deit_tiny.edge = 224;
  deit_tiny.patch = 16;
  deit_tiny.channels = 192;
  deit_tiny.heads = 3;
  deit_tiny.hidden = 768;
  deit_tiny.blocks = 12;
  deit_tiny.classes = 1000;
  CHECK(program_macs(make_tiny_program(deit_tiny).program) == 1253683200);
}

}  // namespace
}  // namespace intvit::test
