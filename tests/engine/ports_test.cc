// Outputs of every type, by what a session gives of them: each what a plain execution leaves in its buffer, whatever
// the instruction set, the threads and the batch.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/format/writer.h"
#include "intvit/session.h"
#include "tests/engine/count_allocations.h"
#include "tests/engine/plain_execution.h"
#include "tests/engine/tiny_model.h"
#include "tests/engine/tiny_ports.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using Numbers = std::vector<std::int32_t>;

// More than one thread's rows, and a residual stream that all blocks change.
TinyOptions options_of_ports() {
  TinyOptions options;
  options.edge = 16;
  options.blocks = 2;
  return options;
}

std::shared_ptr<const Model> load_ports(const TinyProgram& tiny) {
  Result<std::shared_ptr<const Model>> model = Model::from_memory(encode_model(tiny.program, {}), "ports");
  INFO(model.status().message());
  REQUIRE(model.ok());
  return model.take();
}

std::unique_ptr<Session> session_of(const std::shared_ptr<const Model>& model, const SessionOptions& options) {
  Result<std::unique_ptr<Session>> session = Session::create(model, options);
  REQUIRE(session.ok());
  return session.take();
}

void set_pictures(Session& session) {
  for (int i = 0; i < session.batch(); ++i) {
    const std::vector<std::uint8_t> picture = tiny_picture(options_of_ports(), static_cast<std::uint64_t>(i));
    std::memcpy(session.picture(i), picture.data(), picture.size());
  }
}

Numbers numbers_of(const OutputView& output) {
  Numbers numbers;
  for (int r = 0; r < output.rows; ++r) {
    for (int c = 0; c < output.columns; ++c) numbers.push_back(output.at(r, c));
  }
  return numbers;
}

// Of every output of a picture, what a plain execution gives.
std::vector<Numbers> plain_outputs(const Program& program, std::uint64_t picture) {
  const PlainBuffers buffers = execute_plainly(program, tiny_picture(options_of_ports(), picture));
  std::vector<Numbers> outputs;
  for (const ProgramPort& port : program.ports) {
    if (port.kind == PortKind::picture) continue;
    const std::size_t columns = program.buffers[port.buffer].columns;
    const auto begin = buffers[port.buffer].begin() + static_cast<std::ptrdiff_t>(port.first_row * columns);
    outputs.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(port.rows * columns));
  }
  return outputs;
}

TEST_CASE("ports: a model says what its outputs are") {
  const auto model = load_ports(with_four_outputs(options_of_ports()));
  REQUIRE(model->outputs().size() == 4);
  CHECK(model->output("logits") == 0);
  CHECK(model->output("features") == 3);
  CHECK(!model->output("picture"));
  CHECK(!model->output("nothing"));
  const Port &logits = model->outputs()[0], &embedding = model->outputs()[1], &features = model->outputs()[3];
  CHECK(logits.type == DataType::s32);
  CHECK(logits.unit() == std::exp2(-16));
  CHECK(embedding.name == "embedding");
  CHECK(embedding.kind == PortKind::embedding);
  CHECK(embedding.type == DataType::u8);
  CHECK(embedding.rows == 1);
  CHECK(embedding.columns == 16);
  CHECK(embedding.zero == 128);
  CHECK(embedding.unit() == 3 / 64.0);
  CHECK(model->outputs()[2].rows == 17);
  CHECK(features.type == DataType::s16);
  CHECK(features.rows == 16);
  CHECK(features.grid_height == 4);
  CHECK(features.grid_width == 4);
  CHECK(model->classes() == 10);
  CHECK(model->logit_fraction_bits() == 16);
}

TEST_CASE("ports: every output is that of a plain execution, on every instruction set, thread and batch") {
  std::vector<Isa> isas = vector_isas();
  isas.insert(isas.begin(), Isa::scalar);
  for (const TinyProgram& tiny : {with_four_outputs(options_of_ports()), without_logits(options_of_ports())}) {
    const auto model = load_ports(tiny);
    std::vector<std::vector<Numbers>> expected;
    for (std::uint64_t i = 0; i < 4; ++i) expected.push_back(plain_outputs(model->program(), i));
    CHECK(expected[0] != expected[1]);
    for (const Isa isa : isas) {
      for (const int threads : {1, 3}) {
        for (const int batch : {1, 4}) {
          const auto session = session_of(model, {threads, batch, isa, false});
          set_pictures(*session);
          for (int repeat = 0; repeat < 2; ++repeat) {
            session->run(batch);
            for (int i = 0; i < batch; ++i) {
              for (std::size_t port = 0; port < model->outputs().size(); ++port) {
                CHECK_MESSAGE(numbers_of(session->output(i, port)) == expected[static_cast<std::size_t>(i)][port],
                              describe(isa) << ", " << threads << " threads, batch " << batch << ", picture " << i
                                            << ", " << model->outputs()[port].name);
              }
            }
          }
        }
      }
    }
  }
}

TEST_CASE("ports: views have the rows of a buffer, real values are in the unit") {
  const auto model = load_ports(with_four_outputs(options_of_ports()));
  const auto session = session_of(model, {});
  set_pictures(*session);
  session->run();
  const OutputView tokens = session->output(0, 2), features = session->output(0, 3);
  CHECK(features.row<std::int16_t>(0).data() == tokens.row<std::int16_t>(1).data());
  CHECK(features.row<std::int16_t>(15).data() == tokens.row<std::int16_t>(16).data());
  CHECK(tokens.row<std::int16_t>(3).size() == 16);
  CHECK(tokens.row<std::int16_t>(3)[5] == tokens.at(3, 5));
  CHECK(session->output(0, 0).row<std::int32_t>(0).data() == session->logits(0).data());
  CHECK(session->logits(0).size() == 10);

  const Port& port = model->outputs()[1];
  std::vector<float> values(port.count());
  copy_real_values(port, session->output(0, 1), values.data());
  for (int c = 0; c < port.columns; ++c) {
    const int code = session->output(0, 1).row<std::uint8_t>(0)[static_cast<std::size_t>(c)];
    CHECK(values[static_cast<std::size_t>(c)] == static_cast<float>((code - 128) * 3 / 64.0));
  }
}

TEST_CASE("ports: a model without logits") {
  const auto model = load_ports(without_logits(options_of_ports()));
  CHECK(model->classes() == 0);
  CHECK(model->logit_fraction_bits() == 0);
  CHECK(model->outputs().size() == 3);
  const auto session = session_of(model, {});
  session->run();
  CHECK(session->logits(0).empty());
  const TinyProgram tiny = without_logits(options_of_ports());
  const auto labelled = Model::from_memory(encode_model(tiny.program, {{"labels", "a\nb"}}), "labelled");
  REQUIRE(!labelled.ok());
  CHECK(labelled.status().message().find("2 labels for 0 classes") != std::string::npos);
}

TEST_CASE("ports: run() and output() allocate nothing") {
  if (!can_count_allocations()) {
    MESSAGE("SKIPPED: a sanitizer owns malloc");
    return;
  }
  const auto session = session_of(load_ports(with_four_outputs(options_of_ports())), {3, 4, {}, false});
  set_pictures(*session);
  const std::uint64_t before = allocation_count();
  session->run(4);
  for (std::size_t port = 0; port < 4; ++port) static_cast<void>(session->output(3, port));
  CHECK(allocation_count() == before);
}

}  // namespace
}  // namespace intvit::test
