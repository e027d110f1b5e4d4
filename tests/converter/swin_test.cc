// Swin Transformers of both versions as networks: the float pass against double precision, outputs, sizes by name.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/families/random_network.h"
#include "converter/families/swin/build_swin.h"
#include "converter/families/swin/describe_swin.h"
#include "converter/families/swin/position_mlp.h"
#include "converter/families/swin/random_swin.h"
#include "models/architectures.h"
#include "models/swin_architectures.h"
#include "models/swin_tensors.h"
#include "tests/converter/float_reference.h"
#include "tests/converter/network_parts.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

// Three stages; grids 7x10, 4x5 and 2x3 in windows of 4.
SwinDescription small_swin(int version) {
  SwinDescription swin;
  swin.architecture = "small";
  swin.version = version;
  swin.embed_dim = 12;
  swin.stages = {{2, 2, 4}, {2, 3, 4}, {1, 4, 4}};
  swin.mlp_ratio = 2;
  swin.num_classes = 7;
  swin.preprocessing.height = 28;
  swin.preprocessing.width = 40;
  return swin;
}

FloatNetwork swin_network(const SwinDescription& swin, const OutputChoice& outputs = {}) {
  Result<FloatNetwork> network = build_swin(random_swin_weights(swin, 11), outputs);
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  return network.take();
}

std::vector<std::uint8_t> swin_picture(const FloatNetwork& network) {
  std::vector<std::uint8_t> picture(picture_bytes(network));
  for (std::size_t i = 0; i < picture.size(); ++i) picture[i] = static_cast<std::uint8_t>(i * i * 37 % 251);
  return picture;
}

}  // namespace

TEST_CASE("swin: the float network equals one in double precision, in every convention") {
  for (const int version : {1, 2}) {
    for (const bool before : {false, true}) {
      for (const LargeWindow large : {LargeWindow::shrinks, LargeWindow::shrinks_both, LargeWindow::stays}) {
        SwinDescription swin = small_swin(version);
        swin.pads_before_move = before;
        swin.large_window = large;
        const FloatNetwork network = swin_network(swin, {{"logits", "embedding", "features"}, {0, 2}});
        REQUIRE(network.outputs.size() == 5);
        const std::vector<std::uint8_t> picture = swin_picture(network);
        FloatForward forward(network, 2);
        forward.run(picture.data());
        const float_reference::Reference reference(network, picture.data());
        for (std::size_t o = 0; o < network.outputs.size(); ++o) {
          CAPTURE(network.outputs[o].name);
          const auto values = forward.output(o);
          const float_reference::Row expected = reference.output(o);
          REQUIRE(values.size() == expected.size());
          for (std::size_t i = 0; i < values.size(); ++i) REQUIRE(std::abs(values[i] - expected[i]) < 1e-3);
        }
      }
    }
  }
}

TEST_CASE("swin: conventions differ where the grid is no multiple of the window") {
  std::vector<std::vector<float>> logits;
  for (const bool before : {false, true}) {
    SwinDescription swin = small_swin(1);
    swin.pads_before_move = before;
    const FloatNetwork network = swin_network(swin);
    const std::vector<std::uint8_t> picture = swin_picture(network);
    FloatForward forward(network, 1);
    logits.push_back(judged_output(forward, network, picture.data()));
  }
  CHECK(logits[0] != logits[1]);
}

TEST_CASE("swin: windows shrink to the grid, and then do not move") {
  SwinDescription swin = small_swin(1);
  CHECK(swin.grid_height(1) == 4);
  CHECK(swin.grid_width(1) == 5);
  CHECK(swin.grid_height(2) == 2);
  CHECK(swin.grid_width(2) == 3);
  CHECK(swin.shift_down(0) == 2);
  CHECK(swin.shift_down(1) == 0);  // the grid is as high as the window
  CHECK(swin.shift_right(1) == 2);
  CHECK(swin.window_height(2) == 2);
  CHECK(swin.window_width(2) == 3);
  swin.large_window = LargeWindow::shrinks_both;
  CHECK(swin.shift_right(1) == 0);
  CHECK(swin.window_width(2) == 2);
  swin.large_window = LargeWindow::stays;
  CHECK(swin.shift_right(1) == 2);
  CHECK(swin.window_height(2) == 4);
  CHECK(swin.window_width(2) == 4);
  // By a grid of 10, halved rounding down: 5 and 2.
  swin.large_window = LargeWindow::shrinks_by_config;
  swin.config_height = 10 * swin.patch_size;
  CHECK(swin.window_height(1) == 4);
  CHECK(swin.shift_right(1) == 2);
  CHECK(swin.shift_down(1) == 2);
  CHECK(swin.window_height(2) == 2);
  CHECK(swin.window_width(2) == 2);
  CHECK(swin.shift_down(2) == 0);
}

TEST_CASE("swin: segments are blocks and mergings, and outputs those that are asked for") {
  const FloatNetwork network = swin_network(small_swin(1));
  std::vector<std::string> names;
  for (const Segment& segment : network.segments) {
    names.push_back(segment.name);
    CHECK(segment.sampled == (segment.name != "patch_embed" && segment.name != "head"));
  }
  CHECK(names == std::vector<std::string>{"patch_embed", "layers.0.blocks.0", "layers.0.blocks.1",
                                          "layers.1.downsample", "layers.1.blocks.0", "layers.1.blocks.1",
                                          "layers.2.downsample", "layers.2.blocks.0", "head"});
  CHECK(network.classes() == 7);
  CHECK(network.at(tensor_of(network, "layers.1.downsample.reduction.input")).role == Role::linear_input);
  CHECK(streams_of(network).size() == 4);  // the patches', whose norm begins another, and two behind mergings
  SwinDescription encoder = small_swin(2);
  encoder.num_classes = 0;
  const FloatNetwork without_head = swin_network(encoder, {{}, {1}});
  REQUIRE(without_head.outputs.size() == 3);
  CHECK(without_head.outputs[0].name == "embedding");
  CHECK(without_head.outputs[1].name == "features");
  CHECK(without_head.outputs[1].grid_width == 3);
  CHECK(without_head.outputs[2].name == "features.1");
  CHECK(without_head.outputs[2].grid_height == 4);
  const auto refused = [&](const OutputChoice& choice) {
    return build_swin(random_swin_weights(encoder, 1), choice).status().message();
  };
  CHECK(refused({{"logits"}, {}}).find("no output 'logits'") != std::string::npos);
  CHECK(refused({{}, {3}}).find("no stage 3; its stages are 0 to 2") != std::string::npos);
}

// The numbers of parameters that the papers and torchvision state.
TEST_CASE("swin: sizes by name have the published numbers of parameters") {
  struct Known {
    const char* name;
    std::int64_t parameters;
  };
  for (const Known& known :
       {Known{"swin_tiny_patch4_window7_224", 28288354}, Known{"swin_t", 28288354}, Known{"swin_s", 49606258},
        Known{"swin_b", 87768224}, Known{"swin_v2_t", 28351570}, Known{"swin_v2_s", 49737442},
        Known{"swin_v2_b", 87930848}, Known{"swin_large_patch4_window7_224", 196532476},
        Known{"swin_demo_patch4_window4_64", 1271242}}) {
    CAPTURE(known.name);
    const auto swin = describe_swin_architecture(std::string(known.name) + ".some_tag");
    REQUIRE(swin.has_value());
    std::int64_t parameters = 0;
    for (const TensorSpec& spec : swin_tensors(*swin, {})) {
      std::int64_t size = 1;
      for (const std::int64_t n : spec.shape) size *= n;
      parameters += size;
    }
    CHECK(parameters == known.parameters);
  }
  for (const SwinArchitecture& architecture : swin_architectures()) {
    CAPTURE(architecture.name);
    CHECK(problem_of(to_description(architecture)).empty());
    CHECK(find_architecture(architecture.name) == nullptr);
    CHECK(is_known_architecture(architecture.name));
  }
  CHECK(nearest_architecture("swin_tiny_patch4_window7_22") == "swin_tiny_patch4_window7_224");
}

TEST_CASE("swin: sizes beyond all limits are refused before anything is made of them") {
  const auto problem = [](void (*change)(SwinDescription&)) {
    SwinDescription swin = small_swin(1);
    change(swin);
    return problem_of(swin);
  };
  CHECK(problem([](SwinDescription&) {}).empty());
  CHECK(problem([](SwinDescription& s) { s.stages.clear(); }).find("number of stages") != std::string::npos);
  CHECK(problem([](SwinDescription& s) { s.stages[1].num_heads = 5; }).find("does not divide") != std::string::npos);
  CHECK(problem([](SwinDescription& s) { s.stages[1].window = 0; }).find("window_size of stage 1") !=
        std::string::npos);
  CHECK(problem([](SwinDescription& s) { s.preprocessing.width = 42; }).find("patch_size 4") != std::string::npos);
  CHECK(problem([](SwinDescription& s) { s.embed_dim = 1 << 17; }).find("width of stage 0") != std::string::npos);
  CHECK(problem([](SwinDescription& s) {
          s.preprocessing.height = s.preprocessing.width = 8192;
          for (SwinStage& stage : s.stages) stage.window = 256;
        }).find("2 GiB") != std::string::npos);
}

// By hand: one hidden unit that is the offset down, another that is the offset across.
TEST_CASE("swin: continuous positions are 16 sigmoids of an MLP of logarithms") {
  const PositionMlp mlp = {{2, 2, {1, 0, 0, 1}, {0, 0.5f}}, {1, 2, {2, -1}, {0}}};
  const std::vector<float> table = position_table(mlp, 3, 2, 0);
  REQUIRE(table.size() == 5 * 3);
  const auto expected = [](double down, double across) {
    return 16 / (1 + std::exp(-(2 * std::max(0.0, down) - std::max(0.0, across + 0.5))));
  };
  const double far = std::log2(9.0) / 3, half = std::log2(5.0) / 3;
  CHECK(table[0] == doctest::Approx(expected(-far, -far)));
  CHECK(table[7] == doctest::Approx(expected(0, 0)));
  CHECK(table[10] == doctest::Approx(expected(half, 0)));
  CHECK(table[14] == doctest::Approx(expected(far, far)));
  // Trained with windows of 5: the far end is half as far.
  CHECK(position_table(mlp, 3, 2, 5)[13] == doctest::Approx(expected(half, 0)));
}
