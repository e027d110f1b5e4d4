// Networks that do something to queries and keys before these have 8 bits, in integers: rotary positions of EVA-02 and
// DINOv3, and Swin V2's norms of heads, whose streams are added to by norms.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "converter/families/swin/build_swin.h"
#include "converter/families/swin/random_swin.h"
#include "converter/families/vit/random_vit.h"
#include "converter/float/projected_zero.h"
#include "converter/methods/method.h"
#include "engine/ops/attention.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/rotate.h"
#include "engine/program/program.h"
#include "intvit/model.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

Conversion turned_conversion(const FloatNetwork& network, const std::string& method, int bits) {
  SyntheticPictures pictures(4, network.preprocessing.height, network.preprocessing.width, 3);
  Result<Conversion> conversion =
      convert(network, pictures,
              {.method = method, .weight_bits = bits, .activation_bits = bits, .threads = 2, .plan = {}}, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), method, ": ", conversion.status().message());
  return conversion.take();
}

VitDescription rotary_vit(Rotary rotary) {
  VitDescription vit = small_vit();
  vit.rotary = rotary;
  vit.absolute_positions = rotary == Rotary::grid;
  vit.register_tokens = rotary == Rotary::centres ? 2 : 0;
  return vit;
}

FloatNetwork swin_v2(bool key_bias = true) {
  SwinDescription swin;
  swin.architecture = "small";
  swin.version = 2;
  swin.embed_dim = 12;
  swin.stages = {{2, 2, 4}, {2, 3, 4}};
  swin.mlp_ratio = 2;
  swin.num_classes = 7;
  swin.preprocessing.height = 28;  // 7 x 10 tokens in windows of 4: padded
  swin.preprocessing.width = 40;
  SwinWeights weights = random_swin_weights(swin, 11);
  std::vector<float>& bias = weights.stages[0].blocks[0].qkv.bias;
  if (!key_bias) std::fill_n(bias.begin() + 12, 12, 0.0f);
  Result<FloatNetwork> network = build_swin(std::move(weights), {{"logits", "features"}, {}});
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  return network.take();
}

std::shared_ptr<const Model> turned_model(const Conversion& conversion) {
  Result<std::shared_ptr<const Model>> model = Model::from_memory(conversion.file, "small");
  REQUIRE_MESSAGE(model.ok(), model.status().message());
  return model.take();
}

template <typename T>
std::vector<T> operations(const Program& program) {
  std::vector<T> found;
  for (const Step& step : program.steps) {
    if (const auto* op = step.op.as<T>()) found.push_back(*op);
  }
  return found;
}

}  // namespace

TEST_CASE("rotary positions in integers: every method, near the float network") {
  for (const Rotary rotary : {Rotary::grid, Rotary::centres}) {
    const FloatNetwork network = random_network(rotary_vit(rotary), 7);
    for (const Method& method : methods()) {
      for (const int bits : {8, 4}) {
        const double db = sqnr_db(turned_conversion(network, std::string(method.name), bits));
        MESSAGE(std::string(method.name) << ", " << bits << " bits: " << db << " dB");
        CHECK(db > (bits == 8 ? 20 : 8));
        if (method.name == std::string_view("percentile") && bits == 8) CHECK(db > 34);
      }
    }
  }
}

TEST_CASE("rotary positions in integers: prefix tokens are not turned, and one table of angles is for all blocks") {
  const auto model = turned_model(turned_conversion(random_network(rotary_vit(Rotary::centres), 7), "percentile", 8));
  const Program& program = model->program();
  const std::vector<RotateOp> rotations = operations<RotateOp>(program);
  REQUIRE(rotations.size() == 4);
  for (const RotateOp& rotation : rotations) {
    CHECK(rotation.first_row == 3);
    CHECK(rotation.heads == 3);
    CHECK(rotation.angles == rotations[0].angles);
  }
  for (const AttentionOp& attention : operations<AttentionOp>(program)) {
    CHECK(attention.apart());
    CHECK(program.buffers[attention.value_src].columns == 48);
  }
}

TEST_CASE("Swin V2 in integers: near the float network, with norms of heads and norms that are added") {
  const FloatNetwork network = swin_v2();
  const Conversion conversion = turned_conversion(network, "percentile", 8);
  CHECK(sqnr_db(conversion) > 30);
  CHECK(sqnr_db(conversion, "features") > 28);
  const auto model = turned_model(conversion);
  const Program& program = model->program();
  int of_heads = 0, added = 0;
  for (const LayerNormOp& norm : operations<LayerNormOp>(program)) {
    if (norm.centred == 0) ++of_heads;
    CHECK((norm.groups > 1) == (norm.centred == 0));
    added += static_cast<int>(norm.add);
  }
  CHECK(of_heads == 8);
  CHECK(added == 8);
  for (const AttentionOp& attention : operations<AttentionOp>(program)) CHECK(attention.pad_row != kNone);
}

TEST_CASE("Swin V2: a pad's key that has no bias stays zero, whatever rounding adds to the bias") {
  for (const bool key_bias : {true, false}) {
    FloatNetwork network = swin_v2(key_bias);
    const TensorId key = tensor_of(network, "layers.0.blocks.0.attn.key");
    std::vector<float>& bias = linear_of(network, "layers.0.blocks.0.attn.qkv").bias;
    for (float& x : bias) x += 1e-3f;
    const std::vector<float> row = projected_zero(network, key);
    REQUIRE(row.size() == 12);
    CHECK(std::all_of(row.begin(), row.end(), [](float x) { return x == 0; }) == !key_bias);
  }
}
