// What attention layers look at: the softmax of a plain execution, however the work is split, of the layers that were
// asked for and of no other.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/format/writer.h"
#include "engine/ops/attention.h"
#include "engine/ops/conv.h"
#include "engine/ops/gather.h"
#include "engine/program/attention_layers.h"
#include "engine/run/attention_memory.h"
#include "engine/run/session_memory.h"
#include "intvit/session.h"
#include "tests/engine/count_allocations.h"
#include "tests/engine/plain_execution.h"
#include "tests/engine/refusals.h"
#include "tests/engine/tiny_model.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

std::unique_ptr<Session> asking_session(const std::shared_ptr<const Model>& model, const SessionOptions& options) {
  Result<std::unique_ptr<Session>> session = Session::create(model, options);
  REQUIRE_MESSAGE(session.ok(), session.status().message());
  return session.take();
}

void set_tiny_picture(Session& session, int index, const TinyOptions& options, std::uint64_t seed) {
  const std::vector<std::uint8_t> picture = tiny_picture(options, seed);
  std::memcpy(session.picture(index), picture.data(), picture.size());
}

AttentionView weights_of(const Session& session, int index, std::size_t layer) {
  const Result<AttentionView> view = session.attention(index, layer);
  REQUIRE_MESSAGE(view.ok(), view.status().message());
  return view.value();
}

// How many numbers differ from the plain ones, those that there must not be included.
int different(const AttentionView& view, const std::vector<PlainAttentionRow>& rows) {
  std::size_t count = static_cast<std::size_t>(view.windows) * static_cast<std::size_t>(view.heads);
  count *= static_cast<std::size_t>(view.queries);
  std::vector<std::uint32_t> divisors(count);
  std::vector<std::uint16_t> weights(count * static_cast<std::size_t>(view.keys));
  for (const PlainAttentionRow& row : rows) {
    const std::size_t at =
        (row.set * static_cast<std::size_t>(view.heads) + row.head) * static_cast<std::size_t>(view.queries) +
        row.query;
    divisors.at(at) = row.divisor;
    REQUIRE(row.values.size() <= static_cast<std::size_t>(view.keys));
    for (std::size_t j = 0; j < row.values.size(); ++j) {
      weights[at * static_cast<std::size_t>(view.keys) + j] = static_cast<std::uint16_t>(row.values[j]);
    }
  }
  int wrong = 0;
  for (std::size_t i = 0; i < divisors.size(); ++i) wrong += divisors[i] != view.divisors[i];
  for (std::size_t i = 0; i < weights.size(); ++i) wrong += weights[i] != view.weights[i];
  return wrong;
}

std::vector<int> layers_of(const Model& model) {
  std::vector<int> layers;
  for (std::size_t i = 0; i < model.attention_layers().size(); ++i) layers.push_back(static_cast<int>(i));
  return layers;
}

// Every encoding of a softmax, sets with pads, local sets, queries by themselves, in two blocks.
std::vector<TinyVariant> two_blocks() {
  std::vector<TinyVariant> variants = all_variants();
  for (TinyVariant& variant : variants) variant.options.blocks = std::max(variant.options.blocks, 2u);
  return variants;
}

TEST_CASE("attention weights: the same however the work is split, those of a plain execution") {
  std::vector<Isa> isas = vector_isas();
  isas.insert(isas.begin(), Isa::scalar);
  for (const auto& [name, options] : two_blocks()) {
    const auto model = tiny_model(options);
    std::vector<std::vector<std::vector<PlainAttentionRow>>> plain(2);
    std::vector<std::vector<std::int32_t>> logits;
    for (std::size_t i = 0; i < plain.size(); ++i) {
      const auto buffers = execute_plainly(model->program(), tiny_picture(options, i), &plain[i]);
      logits.push_back(buffers[model->program().buffer_of(PortKind::logits)]);
    }
    REQUIRE(plain[0].size() == model->attention_layers().size());
    for (const Isa isa : isas) {
      SessionOptions asked{isa == Isa::scalar ? 1 : 2, 3,
                           isa};  // of two threads each has a picture, the third is shared
      asked.attention_layers = layers_of(*model);
      const auto session = asking_session(model, asked);
      for (int i = 0; i < 3; ++i) set_tiny_picture(*session, i, options, static_cast<std::uint64_t>(i % 2));
      session->run(3);
      for (int i = 0; i < 3; ++i) {
        const auto index = static_cast<std::size_t>(i % 2);
        for (std::size_t layer = 0; layer < plain[index].size(); ++layer) {
          const int wrong = different(weights_of(*session, i, layer), plain[index][layer]);
          CHECK_MESSAGE(wrong == 0,
                        name << ", " << describe(isa) << ", picture " << i << ", layer " << layer << ": " << wrong);
        }
        CHECK(std::equal(logits[index].begin(), logits[index].end(), session->logits(i).begin()));
      }
    }
  }
}

TEST_CASE("attention weights: rows sum to their divisors, where these are no constants") {
  for (const auto& [name, options] : encoded_variants()) {
    const auto model = tiny_model(options);
    SessionOptions asked;
    asked.attention_layers = layers_of(*model);
    const auto session = asking_session(model, asked);
    set_tiny_picture(*session, 0, options, 1);
    session->run();
    const AttentionView view = weights_of(*session, 0, 0);
    std::vector<float> all(model->attention_layers()[0].count());
    copy_attention(view, all.data());
    std::size_t at = 0;
    int wrong = 0, sums = 0;
    for (int w = 0; w < view.windows; ++w) {
      for (int h = 0; h < view.heads; ++h) {
        for (int q = 0; q < view.queries; ++q) {
          std::uint32_t sum = 0;
          for (int k = 0; k < view.keys; ++k) {
            sum += view.row(w, h, q)[static_cast<std::size_t>(k)];
            wrong += all[at++] != static_cast<float>(view.probability(w, h, q, k));
          }
          sums += sum != view.divisor(w, h, q);
        }
      }
    }
    CHECK_MESSAGE(wrong == 0, name);
    CHECK_MESSAGE((sums == 0 || options.softmax.kind == SoftmaxKind::absolute), name << ": " << sums);
  }
}

TEST_CASE("attention weights: of the layers that were asked for, and of no other") {
  const TinyOptions options{.blocks = 3};
  const auto model = tiny_model(options);
  REQUIRE(model->attention_layers().size() == 3);
  CHECK(model->attention_layers()[2].name == "blocks.2.attn");
  std::vector<std::vector<PlainAttentionRow>> plain;
  execute_plainly(model->program(), tiny_picture(options, 4), &plain);
  SessionOptions asked;
  asked.threads = 2;
  const std::uint64_t without = Session::memory_bytes(*model, asked).value();
  asked.attention_layers = {2, 0, 2};
  const AttentionLayer& layer = model->attention_layers()[0];
  const std::uint64_t more = Session::memory_bytes(*model, asked).value() - without;
  CHECK(more >= 2 * (layer.count() * 2 + layer.rows() * 4));
  CHECK(more < 2 * (layer.count() * 2 + layer.rows() * 4 + 128));
  const auto session = asking_session(model, asked);
  CHECK(weights_of(*session, 0, 0).probability(0, 0, 0, 0) == 0);  // before the first run
  set_tiny_picture(*session, 0, options, 4);
  const std::uint64_t before = allocation_count();
  session->run();
  if (can_count_allocations()) CHECK(allocation_count() == before);
  CHECK(different(weights_of(*session, 0, 0), plain[0]) == 0);
  CHECK(different(weights_of(*session, 0, 2), plain[2]) == 0);
  CHECK(different(weights_of(*session, 0, 0), plain[1]) > 0);

  const auto says = [](const Status& status, const std::string& part) {
    CHECK(status.code() == Code::invalid_argument);
    CHECK_MESSAGE(status.message().find(part) != std::string::npos, status.message());
  };
  says(session->attention(0, 1).status(), "not asked for attention layer 1 ('blocks.1.attn', of 3)");
  says(session->attention(0, 3).status(), "attention layer 3 does not exist; the model has 3");
  says(session->attention(1, 0).status(), "picture 1 does not exist");
  says(model->attention_tokens(3).status(), "attention layer 3 does not exist");
  for (const int wrong : {-1, 3}) {
    asked.attention_layers = {0, wrong};
    says(Session::create(model, asked).status(), "attention layer " + std::to_string(wrong) + " does not exist");
    says(Session::memory_bytes(*model, asked).status(), "the model has 3");
  }
}

// What a file may claim: no product overflows, and a batch of such pictures is refused as too large.
TEST_CASE("attention weights: more memory than anybody has") {
  AttentionLayer layer;
  layer.windows = INT32_MAX, layer.heads = 4096, layer.queries = layer.keys = 32768;
  CHECK(AttentionMemory::bytes({layer}, {0}) == AttentionMemory::kTooMany);
  layer.windows = 1;
  layer.heads = 256;
  CHECK(AttentionMemory::bytes({layer, layer}, {0}) < AttentionMemory::kTooMany);
  CHECK(AttentionMemory::bytes({layer, layer}, {0, 1}) == AttentionMemory::kTooMany);
  const auto model = tiny_model();
  CHECK(SessionSizes(model->program(), 1, 1, AttentionMemory::kTooMany).too_large());
  CHECK(!SessionSizes(model->program(), 1, 1, 0).too_large());
}

TEST_CASE("attention tokens: the class token, then the grid; of sets their rows and pads") {
  const auto plain = tiny_model({.edge = 12});
  const AttentionLayer& layer = plain->attention_layers()[0];
  CHECK(layer.windows == 1);
  CHECK(layer.queries == 10);
  CHECK(layer.keys == 10);
  CHECK(layer.grid_height == 3);
  CHECK(layer.grid_width == 3);
  const std::vector<AttentionToken> tokens = plain->attention_tokens(0).value();
  REQUIRE(tokens.size() == 10);
  for (int t = 0; t < 10; ++t) {
    const AttentionToken& token = tokens[static_cast<std::size_t>(t)];
    CHECK(token.token == t);
    CHECK(token.x == (t == 0 ? -1 : (t - 1) % 3));
    CHECK(token.y == (t == 0 ? -1 : (t - 1) / 3));
  }

  TinyOptions in_sets{.edge = 12};
  in_sets.sets = true;
  TinyProgram tiny = make_tiny_program(in_sets);
  const auto model = tiny_model(in_sets);
  const AttentionLayer& windows = model->attention_layers()[0];
  const std::vector<AttentionToken> of_sets = model->attention_tokens(0).value();
  const Constant& constant = tiny.program.constants[op<AttentionOp>(tiny, kAttn).sets];
  const auto* numbers = constant.as<std::int32_t>();
  REQUIRE(windows.windows == numbers[0]);
  REQUIRE(of_sets.size() == static_cast<std::size_t>(windows.windows * windows.keys));
  const std::int32_t* row = numbers + 1 + 4 * numbers[0];
  int pads = 0;
  for (int s = 0; s < windows.windows; ++s) {
    for (int i = 0; i < windows.keys; ++i) {
      const AttentionToken& token = of_sets[static_cast<std::size_t>(s * windows.keys + i)];
      const std::int32_t expected = i < numbers[1 + 4 * s + 1] ? *row++ : -1;
      CHECK(token.token == expected);
      CHECK(token.y == (expected < 1 ? -1 : (expected - 1) / 3));
      pads += expected < 0;
    }
  }
  CHECK(pads > 0);
}

// Rows are moved, and four are merged, as Swin does: places follow them.
TEST_CASE("attention tokens: rows that were moved and merged keep their places") {
  TinyProgram tiny = make_tiny_program({.edge = 12});  // 3 x 3 places behind the class token
  Program& p = tiny.program;
  const auto conv =
      std::find_if(p.steps.begin(), p.steps.end(), [](const Step& s) { return s.op.as<ConvOp>() != nullptr; });
  const BufferId stream = conv->op.as<ConvOp>()->dst;
  const auto buffer_of_rows = [&](std::uint32_t rows, std::uint32_t join) {
    Buffer buffer = p.buffers[stream];
    buffer.rows = rows, buffer.columns *= join, buffer.stride = buffer.columns;
    p.buffers.push_back(buffer);
    return static_cast<BufferId>(p.buffers.size() - 1);
  };
  GatherOp move, merge;
  move.src = stream;
  move.dst = buffer_of_rows(9, 1);
  move.map = tiny.add("move", DataType::s32, std::vector<std::int32_t>{9, 8, 7, 6, 5, 4, 3, 2, 1});
  merge.src = move.dst;
  merge.dst = buffer_of_rows(4, 4);
  merge.join = 4;
  // Places (0, 0), (1, 0), (0, 1) and (1, 1) in halves, the last first.
  merge.map = tiny.add("merge", DataType::s32,
                       std::vector<std::int32_t>{0, -1, -1, -1, -1, 2, -1, 1, 6, 3, -1, -1, 8, 7, 5, 4});
  AttentionOp attention = op<AttentionOp>(tiny, kAttn);
  attention.src = merge.dst;
  attention.dst = buffer_of_rows(4, 1);
  p.steps = {*conv, {"move", move}, {"merge", merge}, {"attn", attention}};
  const std::vector<AttentionLayer> layers = attention_layers(p);
  REQUIRE(layers.size() == 1);
  CHECK(layers[0].grid_height == 2);
  CHECK(layers[0].grid_width == 2);
  const std::vector<AttentionToken> tokens = attention_tokens(p, layers, 0).value();
  REQUIRE(tokens.size() == 4);
  for (int i = 0; i < 4; ++i) {
    const AttentionToken& token = tokens[static_cast<std::size_t>(i)];
    CHECK(token.token == 3 - i);
    CHECK(token.x == (3 - i) % 2);
    CHECK(token.y == (3 - i) / 2);
  }
}

}  // namespace
}  // namespace intvit::test
