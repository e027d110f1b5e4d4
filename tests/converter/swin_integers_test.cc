// Swin Transformers in integers: near the float network at every output, by every method, with and without padding,
// and with tokens that lie window by window or do not.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "converter/families/swin/build_swin.h"
#include "converter/families/swin/random_swin.h"
#include "converter/lower/attention_sets.h"
#include "converter/lower/row_order.h"
#include "converter/methods/method.h"
#include "engine/ops/attention.h"
#include "engine/ops/conv.h"
#include "engine/program/stages.h"
#include "intvit/model.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/network_parts.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

// Grids of height / 4 x width / 4 and half of it, in windows of 4.
SwinDescription swin_of(int height, int width) {
  SwinDescription swin;
  swin.architecture = "small";
  swin.embed_dim = 12;
  swin.stages = {{2, 2, 4}, {2, 3, 4}};
  swin.mlp_ratio = 2;
  swin.num_classes = 7;
  swin.preprocessing.height = height;
  swin.preprocessing.width = width;
  return swin;
}

FloatNetwork network_of(const SwinDescription& swin, std::vector<std::string> outputs = {"logits", "features"}) {
  Result<FloatNetwork> network = build_swin(random_swin_weights(swin, 11), {std::move(outputs), {}});
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  return network.take();
}

Conversion converted(const FloatNetwork& network, const std::string& method, int bits) {
  SyntheticPictures pictures(4, network.preprocessing.height, network.preprocessing.width, 3);
  Result<Conversion> conversion = convert(network, pictures,
                                          {.method = method,
                                           .weight_bits = bits,
                                           .activation_bits = bits,
                                           .threads = 2,
                                           .plan = {},
                                           .sensitivity_pictures = 1},
                                          kSilent);
  REQUIRE_MESSAGE(conversion.ok(), method, ": ", conversion.status().message());
  return conversion.take();
}

std::shared_ptr<const Model> model_of(const Conversion& conversion) {
  Result<std::shared_ptr<const Model>> model = Model::from_memory(conversion.file, "swin");
  REQUIRE_MESSAGE(model.ok(), model.status().message());
  return model.take();
}

std::vector<AttentionOp> attentions(const Program& program) {
  std::vector<AttentionOp> found;
  for (const Step& step : program.steps) {
    if (const auto* attention = step.op.as<AttentionOp>()) found.push_back(*attention);
  }
  return found;
}

}  // namespace

// 64 x 64: 16 x 16 and 8 x 8 tokens in whole windows. 40 x 56: 10 x 14 and 5 x 7, padded. 16 x 32: windows of the
// second stage shrink to 2 rows.
TEST_CASE("swin in integers: every method, near the float network at every output") {
  for (const auto& [height, width] : {std::pair(64, 64), {40, 56}, {16, 32}}) {
    const FloatNetwork network = network_of(swin_of(height, width));
    SyntheticPictures pictures(4, height, width, 3);
    for (const Method& method : methods()) {
      const bool exact = method.name == std::string_view("percentile");
      const Conversion conversion = converted(network, std::string(method.name), exact ? 8 : 4);
      const std::vector<double> ports = port_sqnr_db(network, conversion, pictures);
      MESSAGE(height << " x " << width << ", " << std::string(method.name) << ": logits " << ports[0] << " dB, map "
                     << ports[1] << " dB");
      CHECK(ports[0] > (exact ? 35 : height == 40 ? 17 : 14));
      CHECK(ports[1] > (exact ? 30 : 12));
      for (const SiteSensitivity& site : conversion.sensitivity->sites) CHECK(std::isfinite(site.isolated_db));
    }
  }
}

TEST_CASE("swin in integers: the patch embedding reads no positions, as there are none") {
  const auto model = model_of(converted(network_of(swin_of(64, 64), {"logits"}), "percentile", 4));
  const auto* embedding = model->program().steps[0].op.as<ConvOp>();
  REQUIRE(embedding != nullptr);
  CHECK(embedding->init == kNone);
}

TEST_CASE("swin in integers: whole windows lie together, and a block in them is one stage") {
  const FloatNetwork network = network_of(swin_of(64, 64), {"logits"});
  const Conversion conversion = converted(network, "percentile", 8);
  const std::shared_ptr<const Model> model = model_of(conversion);
  const Program& program = model->program();
  const std::vector<AttentionOp> blocks = attentions(program);
  REQUIRE(blocks.size() == 4);
  CHECK(blocks[0].local_rows == 16);
  CHECK(blocks[1].local_rows == 0);  // its windows are moved
  CHECK(blocks[2].local_rows == 16);
  CHECK(blocks[1].bias_columns > blocks[0].bias_columns);
  const auto stage_of = [&](const std::string& layer, int threads) {
    const std::vector<Stage> stages = make_stages(program, threads);
    for (std::size_t s = 0; s < stages.size(); ++s) {
      for (std::size_t i = stages[s].first; i < stages[s].last; ++i) {
        if (program.steps[i].layer == layer) return s;
      }
    }
    FAIL("no step of " << layer);
    return std::size_t{0};
  };
  for (const int threads : {1, 2, 4}) {
    CHECK(stage_of("layers.0.blocks.0.norm1", threads) == stage_of("layers.0.blocks.0.mlp.fc2", threads));
    CHECK(stage_of("layers.0.blocks.1.attn", threads) > stage_of("layers.0.blocks.1.attn.qkv", threads));
    CHECK(stage_of("layers.0.blocks.1.attn.proj", threads) > stage_of("layers.0.blocks.1.attn", threads));
  }
  // Four windows are one for each of four threads and one too few for three.
  CHECK(stage_of("layers.1.blocks.0.norm1", 4) == stage_of("layers.1.blocks.0.mlp.fc2", 4));
  CHECK(stage_of("layers.1.blocks.0.norm1", 3) < stage_of("layers.1.blocks.0.attn", 3));

  // Padded windows lie as they are.
  const auto padded = model_of(converted(network_of(swin_of(40, 56), {"logits"}), "percentile", 8));
  const std::vector<AttentionOp> as_they_are = attentions(padded->program());
  for (const AttentionOp& block : as_they_are) CHECK(block.local_rows == 0);
  CHECK(as_they_are[0].pad_row != kNone);
}

// Token 0 of the moved block is in slot 2 * 4 + 2 of the last window, token 17 in slot 3 * 4 + 3.
TEST_CASE("swin in integers: adfq's codes of tokens repeat from window to window where they attend in some") {
  const FloatNetwork network = network_of(swin_of(64, 64), {"logits"});
  const Plan plan = converted(network, "adfq", 4).plan;
  const auto steps = [&](const std::string& name) {
    std::vector<double> scales;
    for (const UniformScheme& part : plan.activations.at(name)[0].parts) scales.push_back(part.scale);
    return scales;
  };
  for (const auto& [block, same, other] : {std::tuple(0, 4, 1), std::tuple(1, 4, 17)}) {
    const std::string name = "layers.0.blocks." + std::to_string(block);
    const auto qkv = steps(name + ".attn.qkv.input"), fc1 = steps(name + ".mlp.fc1.input");
    REQUIRE(qkv.size() == 256);
    CHECK(qkv[0] == qkv[static_cast<std::size_t>(same)]);
    CHECK(qkv[0] == qkv[16 * 8]);
    CHECK(qkv[0] != qkv[static_cast<std::size_t>(other)]);
    CHECK(fc1[0] != fc1[static_cast<std::size_t>(same)]);
  }
}

TEST_CASE("row orders: there and back, and of the tokens of a Swin Transformer") {
  const RowOrder order({2, 0, 3, 1});
  for (std::int32_t row = 0; row < 4; ++row) CHECK(order.row(order.token(row)) == row);
  CHECK(order.row(-1) == -1);
  CHECK(order.from_natural(4) == std::vector<std::int32_t>{2, 0, 3, 1});
  CHECK(order.to_natural(4) == std::vector<std::int32_t>{1, 3, 0, 2});
  CHECK(RowOrder().is_natural());

  const FloatNetwork network = network_of(swin_of(64, 64));
  const std::vector<RowOrder> orders = row_orders(network);
  const auto of = [&](const std::string& name) { return orders[static_cast<std::size_t>(tensor_of(network, name))]; };
  CHECK(of("patch_embed.residual").is_natural());
  // The second window begins with token 4, and the second row of the first is token 16.
  CHECK(of("layers.0.blocks.0.attn.query").token(16) == 4);
  CHECK(of("layers.0.blocks.0.attn.query").token(4) == 16);
  CHECK(of("layers.0.blocks.1.mlp.fc2.input") == of("layers.0.blocks.0.attn.query"));
  CHECK(of("layers.1.blocks.0.attn.query").token(4) == 8);
}

namespace {

// Every token is in one set, with as many keys as there are slots of its region in its window, and queries come first.
void check_sets(const WindowSpec& windows) {
  const WindowMap map = expand(windows);
  const auto slots = static_cast<std::ptrdiff_t>(map.tokens);
  std::vector<int> seen(static_cast<std::size_t>(windows.tokens()));
  for (const AttentionSetList::Set& set : sets_of_windows(windows).sets) {
    REQUIRE(set.rows.size() == set.slots.size());
    const auto at = std::find(map.rows.begin(), map.rows.end(), set.rows[0]) - map.rows.begin();
    const auto first = at / slots * slots;
    for (std::size_t i = 0; i < set.rows.size(); ++i) {
      CHECK((set.rows[i] < 0) == (static_cast<int>(i) >= set.queries));
      CHECK(map.rows[static_cast<std::size_t>(first + set.slots[i])] == set.rows[i]);
      if (set.rows[i] >= 0) ++seen[static_cast<std::size_t>(set.rows[i])];
    }
    const auto region = map.regions.begin() + first;
    const auto same =
        map.regions.empty() ? slots : std::count(region, region + slots, map.regions[static_cast<std::size_t>(at)]);
    CHECK(static_cast<std::ptrdiff_t>(set.rows.size()) == same);
  }
  CHECK(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
}

}  // namespace

TEST_CASE("sets of windows: who sees whom is what the windows' regions say") {
  WindowSpec still{5, 6, 4, 4, 0, 0, WindowPadding::after_move, PadToken::zero_input}, moved = still, other = still;
  moved.shift_down = moved.shift_right = 2;
  other.shift_down = 1;
  other.shift_right = 3;
  other.padding = WindowPadding::before_move;
  for (const WindowSpec& windows : {still, moved, other}) check_sets(windows);
  CHECK(sets_of_windows(still).has_pads);
  // One whole window, two in two parts, and one in four.
  const WindowSpec whole{8, 8, 4, 4, 2, 2, WindowPadding::after_move, PadToken::zero_input};
  check_sets(whole);
  CHECK(sets_of_windows(whole).sets.size() == 9);
  still.pad = PadToken::none;
  check_sets(still);
  CHECK_FALSE(sets_of_windows(still).has_pads);
}

TEST_CASE("biases of sets: 16 bits in units of scores, around the middle of each row") {
  AttentionSetList list;
  list.sets = {{{0, 1, 2}, {2, 0, 1}, 3}, {{3, 4, 5}, {2, 0, 1}, 3}, {{6, -1}, {0, 1}, 1}};
  const LoweredSets sets = lower_sets(list);
  CHECK(sets.kinds.size() == 2);  // the first two look alike
  CHECK(sets.words[0] == 3);
  CHECK(sets.most_keys == 3);
  CHECK(sets.bias_columns == 3 * 16 + 16);
  std::array<std::int32_t, kAttentionParameters> parameters{};
  parameters[kSoftmaxRightShift] = 3;
  parameters[kSoftmaxMultiplier] = 40000;
  // Of 1 nat, scores: log2(e) octaves, 2^11 steps each, times 2^16 / 40000 times 2^3.
  const double per_nat = std::log2(std::exp(1.0)) * 2048 * 65536 / 40000 * 8;
  const std::vector<float> bias = {0, 1, 2, 4, 4, 4, -3, 0, 9};  // of slots [3][3]
  const auto lowered = lower_bias(sets, bias.data(), 3, parameters, 32 * 255);
  REQUIRE(lowered.ok());
  const LoweredBias& b = lowered.value();
  const auto value = [&](std::size_t i) { return std::ldexp(b.values[i], b.shift) / per_nat; };
  CHECK(b.shift > 0);
  const double step = std::ldexp(0.5, b.shift) / per_nat;
  // Query 0 is slot 2, whose row is -3, 0, 9: less 3, of slots 2, 0, 1.
  CHECK(value(0) == doctest::Approx(6).epsilon(step));
  CHECK(value(1) == doctest::Approx(-6).epsilon(step));
  CHECK(value(2) == doctest::Approx(-3).epsilon(step));
  CHECK(std::abs(value(32)) <= step);  // slot 1, whose row is 4, 4, 4
  CHECK(value(48) == doctest::Approx(-0.5).epsilon(step));
  CHECK(value(49) == doctest::Approx(0.5).epsilon(step));
  const std::vector<float> far(9, 0.0f), wide = {0, 3e5f, 0, 0, 0, 0, 0, 0, 0};
  CHECK(lower_bias(sets, far.data(), 3, parameters, 32 * 255).ok());
  const auto refused = lower_bias(sets, wide.data(), 3, parameters, 32 * 255);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().message().find("position bias") != std::string::npos);
}
