// The graph of a float network: what check_network() refuses, streams, and running it in pieces.
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "converter/families/vit/random_vit.h"
#include "converter/float/forward.h"
#include "converter/graph/builder.h"
#include "converter/graph/network.h"
#include "tests/converter/float_reference.h"
#include "tests/converter/network_parts.h"
#include "tests/converter/small_network.h"
#include "tests/converter/toy_network.h"

using namespace intvit;

namespace {

std::vector<std::uint8_t> noise_picture(const FloatNetwork& network, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> pixels(picture_bytes(network));
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random());
  return pixels;
}

Tensor& shape_of(FloatNetwork& network, const char* name) {
  return network.tensors[static_cast<std::size_t>(tensor_of(network, name))];
}

// A mistake in a network that has none, and what the message must say.
struct Mistake {
  const char* node;
  const char* words;
  std::function<void(FloatNetwork&)> make;
};

void check_mistakes(const std::vector<Mistake>& mistakes, const FloatNetwork& sound = toy_network(1)) {
  for (const Mistake& mistake : mistakes) {
    CAPTURE(std::string(mistake.node));
    CAPTURE(std::string(mistake.words));
    FloatNetwork network = sound;
    mistake.make(network);
    const Status status = check_network(network);
    CHECK(status.code() == Code::invalid_argument);
    CAPTURE(status.message());
    CHECK(status.message().find("'" + std::string(mistake.node) + "'") != std::string::npos);
    CHECK(status.message().find(mistake.words) != std::string::npos);
  }
}

std::vector<std::string> names_of(const FloatNetwork& network, const std::vector<TensorId>& ids) {
  std::vector<std::string> names;
  for (const TensorId id : ids) names.push_back(network.at(id).name);
  return names;
}

std::vector<std::string> names_of_state(const FloatNetwork& network, int segment) {
  std::vector<TensorId> ids;
  for (const StatePart& part : state_parts(network, segment)) ids.push_back(part.tensor);
  return names_of(network, ids);
}

using Outputs = std::vector<std::vector<float>>;

Outputs outputs_of(const FloatNetwork& network, const FloatForward& forward) {
  Outputs outputs;
  for (std::size_t o = 0; o < network.outputs.size(); ++o) {
    const auto values = forward.output(o);
    outputs.emplace_back(values.begin(), values.end());
  }
  return outputs;
}

// A ViT with every kind of output.
FloatNetwork many_outputs() {
  VitDescription vit = small_vit();
  vit.depth = 3;
  vit.pre_norm = true;
  vit.distillation_token = true;
  return random_network(vit, 4, {{"logits", "embedding", "tokens", "features"}, {0, 2}});
}

struct Looker : Observer {
  void on_activation(TensorId tensor, float*, int, int) override { seen.push_back(tensor); }
  std::vector<TensorId> seen;
};

}  // namespace

TEST_CASE("graph: networks of all builders are sound") {
  for (const FloatNetwork& network : {toy_network(1), gated_toy(1), attention_pooled_toy(1), many_outputs()}) {
    const Status status = check_network(network);
    CHECK_MESSAGE(status.ok(), status.message());
  }
}

TEST_CASE("graph: wrong shapes are refused, of every kind of node") {
  check_mistakes({
      {"patch_embed", "shapes of pixels", [](FloatNetwork& n) { shape_of(n, "patch_embed.input").rows = 11; }},
      {"patch_embed", "shapes of pixels", [](FloatNetwork& n) { token_init_of(n).pop_back(); }},
      {"patch_embed", "must write pixels", [](FloatNetwork& n) { n.node(0).outputs.pop_back(); }},
      {"stages.0.norm1", "gain", [](FloatNetwork& n) { norm_of(n, "stages.0.norm1").gamma.pop_back(); }},
      {"stages.0.norm1", "gain", [](FloatNetwork& n) { norm_of(n, "stages.0.norm1").beta.push_back(0); }},
      {"stages.0.norm1", "gain", [](FloatNetwork& n) { node_of(n, "stages.0.norm1").as<LayerNorm>()->first_row = 1; }},
      {"stages.0.attn.qkv", "weights", [](FloatNetwork& n) { linear_of(n, "stages.0.attn.qkv").out = 71; }},
      {"stages.0.attn.proj", "size", [](FloatNetwork& n) { linear_of(n, "stages.0.attn.proj").weight.pop_back(); }},
      {"stages.0.mlp.fc2", "size", [](FloatNetwork& n) { linear_of(n, "stages.0.mlp.fc2").bias.pop_back(); }},
      {"patch_embed", "size", [](FloatNetwork& n) { linear_of(n, "patch_embed").weight.pop_back(); }},
      {"stages.0.mlp.fc1", "weights", [](FloatNetwork& n) { shape_of(n, "stages.0.mlp.fc1.output").columns = 51; }},
      {"stages.0.attn.proj", "weights", [](FloatNetwork& n) { shape_of(n, "stages.0.attn.residual").rows = 12; }},
      {"stages.0.mlp.act", "like its input", [](FloatNetwork& n) { shape_of(n, "stages.0.mlp.fc2.input").rows = 1; }},
      {"stages.1.attn", "query, key", [](FloatNetwork& n) { shape_of(n, "stages.1.attn.key").heads = 4; }},
      {"stages.1.attn", "query, key", [](FloatNetwork& n) { shape_of(n, "stages.1.attn.post_softmax").rows = 13; }},
      {"pool", "out of range", [](FloatNetwork& n) { node_of(n, "pool").as<MeanRows>()->count = 13; }},
      {"pool", "out of range", [](FloatNetwork& n) { node_of(n, "pool").as<MeanRows>()->count = 0; }},
  });
}

TEST_CASE("graph: a multiplication has a gate and a factor that are alike") {
  const char* const act = "stages.0.mlp.act";
  check_mistakes(
      {
          {act, "alike", [](FloatNetwork& n) { shape_of(n, "stages.0.mlp.fc2.input").columns = 51; }},
          {act, "alike", [](FloatNetwork& n) { shape_of(n, "stages.0.mlp.fc2.input").rows = 12; }},
          {act, "alike", [=](FloatNetwork& n) { node_of(n, act).inputs.pop_back(); }},
          {act, "alike",
           [=](FloatNetwork& n) { node_of(n, act).inputs[1] = tensor_of(n, "stages.0.attn.proj.input"); }},
          {act, "alike", [=](FloatNetwork& n) { std::swap(node_of(n, act).inputs[0], node_of(n, act).inputs[1]); }},
          {act, "alike", [=](FloatNetwork& n) { node_of(n, act).inputs[1] = node_of(n, act).inputs[0]; }},
          {act, "alike", [](FloatNetwork& n) { shape_of(n, "stages.0.mlp.fc1.value").role = Role::residual; }},
          {"stages.0.mlp.fc1.gate", "one activation",
           [](FloatNetwork& n) {
             const TensorId gate = tensor_of(n, "stages.0.mlp.fc1.gate");
             n.tensors.push_back({"stray", Role::values, 13, 50});
             const auto stray = static_cast<TensorId>(n.tensors.size() - 1);
             n.nodes.push_back({"stray", {gate}, {stray}, Activate{}});
             n.segments.back().end++;
           }},
      },
      gated_toy(1));
}

TEST_CASE("graph: tensors are written once, before they are read, and have names of their own") {
  check_mistakes({
      {"stages.0.norm1", "nothing has written",
       [](FloatNetwork& n) { node_of(n, "stages.0.norm1").inputs = {tensor_of(n, "stages.0.residual")}; }},
      {"stages.0.norm1", "nothing has written", [](FloatNetwork& n) { node_of(n, "stages.0.norm1").inputs = {999}; }},
      {"stages.0.norm1", "nothing has written", [](FloatNetwork& n) { node_of(n, "stages.0.norm1").inputs = {-1}; }},
      {"stages.0.norm2", "written already",
       [](FloatNetwork& n) { node_of(n, "stages.0.norm2").outputs = {tensor_of(n, "stages.0.attn.qkv.input")}; }},
      {"stray", "nothing writes",
       [](FloatNetwork& n) {
         n.tensors.push_back({"stray", Role::values, 1, 1});
       }},
      {"features", "there twice", [](FloatNetwork& n) { shape_of(n, "widen.input").name = "features"; }},
      {"stages.0.mlp.fc1", "there twice",
       [](FloatNetwork& n) { node_of(n, "stages.1.mlp.fc1").name = "stages.0.mlp.fc1"; }},
  });
}

TEST_CASE("graph: every role is read by what it is for") {
  const auto read_also = [](const char* node, const char* tensor) {
    return [=](FloatNetwork& n) {
      const TensorId id = tensor_of(n, tensor);
      node_of(n, node).inputs[0] = id;
    };
  };
  check_mistakes({
      // The same shape, so that nothing else is wrong.
      {"stages.0.attn.qkv.input", "one linear layer", read_also("stages.0.mlp.fc1", "stages.0.attn.qkv.input")},
      {"stages.0.attn.qkv.input", "one linear layer", read_also("stages.0.norm2", "stages.0.attn.qkv.input")},
      {"head.input", "one linear layer",
       [](FloatNetwork& n) {
         n.nodes.pop_back();
         n.segments.back().end--;
         n.tensors.pop_back();
         n.outputs.pop_back();
       }},
      {"widen", "must read a linear_input", [](FloatNetwork& n) { shape_of(n, "widen.input").role = Role::values; }},
      {"stages.0.attn.query", "one attention",
       [](FloatNetwork& n) { node_of(n, "stages.0.norm2").inputs = {tensor_of(n, "stages.0.attn.query")}; }},
      {"features", "one activation", [](FloatNetwork& n) { shape_of(n, "features").role = Role::activation_input; }},
      // In integers a stream is added to in place.
      {"patch_embed.residual", "once it is added to", read_also("stages.0.norm2", "patch_embed.residual")},
      {"stages.0.attn.residual", "once it is added to",
       [](FloatNetwork& n) { n.outputs[0].tensor = tensor_of(n, "stages.0.attn.residual"); }},
  });
}

TEST_CASE("graph: segments are all nodes in order, and outputs lie within their tensors") {
  check_mistakes({
      {"stages.0", "follow each other", [](FloatNetwork& n) { n.segments[1].begin++; }},
      {"stages.0", "follow each other", [](FloatNetwork& n) { n.segments[1].end = n.segments[1].begin - 1; }},
      {"the last", "in no segment", [](FloatNetwork& n) { n.segments.back().end--; }},
      {"the first", "not sampled", [](FloatNetwork& n) { n.segments[0].sampled = true; }},
      {"the first", "read the picture", [](FloatNetwork& n) { n.segments.clear(); }},
      {"features", "beyond its tensor", [](FloatNetwork& n) { n.outputs[0].rows = 13; }},
      {"features", "beyond its tensor", [](FloatNetwork& n) { n.outputs[0].first_row = -1; }},
      {"features", "beyond its tensor", [](FloatNetwork& n) { n.outputs[0].rows = 0; }},
      {"features", "beyond its tensor", [](FloatNetwork& n) { n.outputs[0].tensor = 999; }},
      {"the last", "without outputs", [](FloatNetwork& n) { n.outputs.clear(); }},
  });
}

TEST_CASE("graph: streams go from what begins them through all that is added") {
  const FloatNetwork toy = toy_network(1);
  std::vector<std::vector<std::string>> streams;
  for (const Stream& stream : streams_of(toy)) streams.push_back(names_of(toy, stream.tensors));
  CHECK(streams ==
        std::vector<std::vector<std::string>>{{"patch_embed.residual", "stages.0.attn.residual", "stages.0.residual"},
                                              {"widen.residual", "stages.1.attn.residual", "stages.1.residual"}});
  const FloatNetwork vit = many_outputs();
  const std::vector<Stream> of_vit = streams_of(vit);
  REQUIRE(of_vit.size() == 2);  // norm_pre begins another one
  CHECK(names_of(vit, of_vit[0].tensors) == std::vector<std::string>{"patch_embed.residual"});
  CHECK(of_vit[1].tensors.size() == 1 + 2 * 3);
}

TEST_CASE("graph: who writes and reads a tensor") {
  const FloatNetwork toy = toy_network(1);
  const auto name = [&](int node) { return toy.node(node).name; };
  CHECK(name(toy.producer(tensor_of(toy, "stages.0.attn.value"))) == "stages.0.attn.qkv");
  CHECK(name(toy.linear_behind(tensor_of(toy, "head.input"))) == "head");
  CHECK(name(toy.attention_behind(tensor_of(toy, "stages.1.attn.key"))) == "stages.1.attn");
  const std::vector<int> readers = toy.readers(tensor_of(toy, "stages.0.residual"));
  REQUIRE(readers.size() == 2);
  CHECK(name(readers[0]) == "stages.0.norm");
  CHECK(name(readers[1]) == "widen.norm");
  CHECK(toy.readers(tensor_of(toy, "logits")).empty());
  CHECK(toy.classes() == 7);
  CHECK(toy.judged_output() == 1);
  CHECK(toy.find("no.such") == -1);
  CHECK(toy.find_node("no.such") == -1);
  const FloatNetwork encoder = random_network(small_vit(), 4, {{"tokens"}, {}});
  CHECK(encoder.classes() == 0);
  CHECK(encoder.judged_output() == 0);
}

TEST_CASE("graph: the state in front of a segment is what somebody still needs") {
  const FloatNetwork toy = toy_network(1);
  REQUIRE(toy.segment_count() == 5);
  CHECK(names_of_state(toy, 0).empty());
  CHECK(names_of_state(toy, 1) == std::vector<std::string>{"patch_embed.residual"});
  CHECK(names_of_state(toy, 2) == std::vector<std::string>{"stages.0.residual", "features"});
  CHECK(names_of_state(toy, 3) == std::vector<std::string>{"features", "widen.residual"});
  CHECK(names_of_state(toy, 4) == std::vector<std::string>{"features", "stages.1.residual"});
  CHECK(names_of_state(toy, 5) == std::vector<std::string>{"features", "logits"});
  const std::vector<StatePart> parts = state_parts(toy, 4);
  CHECK(parts[0].offset == 0);
  CHECK(parts[1].offset == 13 * 24);
}

TEST_CASE("graph: in pieces a network gives the same bits as at once, and twice the same") {
  for (const FloatNetwork& network : {toy_network(2), gated_toy(2), attention_pooled_toy(2), many_outputs()}) {
    CAPTURE(network.architecture);
    const std::vector<std::uint8_t> picture = noise_picture(network, 1), other = noise_picture(network, 2);
    FloatForward forward(network, 1), pieces(network, 2);
    forward.run(picture.data());
    const Outputs at_once = outputs_of(network, forward);
    forward.run(other.data());
    CHECK(outputs_of(network, forward) != at_once);
    Looker whole, parts;
    forward.run(picture.data(), &whole);
    CHECK(outputs_of(network, forward) == at_once);
    const int last = network.segment_count();
    for (int first = 1; first <= last; ++first) {
      CAPTURE(first);
      SegmentState state;
      parts.seen.clear();
      pieces.run_from_picture(first, picture.data(), state, &parts);
      for (int s = first; s < last; ++s) pieces.run_segment(s, state, &parts);
      if (first < last) CHECK(outputs_of(network, pieces) == at_once);
      CHECK(parts.seen == whole.seen);
      // All that is left behind the last segment are the outputs' tensors, whole.
      for (const StatePart& part : state_parts(network, last)) {
        for (std::size_t o = 0; o < network.outputs.size(); ++o) {
          const NetworkOutput& output = network.outputs[o];
          if (output.tensor != part.tensor) continue;
          const auto begin = state.begin() + static_cast<std::ptrdiff_t>(part.offset) +
                             static_cast<std::ptrdiff_t>(output.first_row) * network.at(output.tensor).columns;
          CHECK(std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(at_once[o].size())) == at_once[o]);
        }
      }
      pieces.run_from_picture(first, other.data(), state);
      pieces.run_from_picture(first, picture.data(), state);
      pieces.run_segments(first, last, state);
      CHECK(outputs_of(network, pieces) == at_once);
    }
  }
}

TEST_CASE("graph: the float network equals one in double precision, whatever the architecture") {
  for (const FloatNetwork& network : {toy_network(3), gated_toy(3), attention_pooled_toy(3)}) {
    const std::vector<std::uint8_t> picture = noise_picture(network, 3);
    FloatForward forward(network, 2);
    forward.run(picture.data());
    const float_reference::Reference reference(network, picture.data());
    for (std::size_t o = 0; o < network.outputs.size(); ++o) {
      CAPTURE(network.outputs[o].name);
      const auto values = forward.output(o);
      const float_reference::Row expected = reference.output(o);
      REQUIRE(values.size() == expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) REQUIRE(std::abs(values[i] - expected[i]) < 1e-4);
    }
  }
}
