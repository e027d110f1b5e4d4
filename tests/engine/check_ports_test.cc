// What a port must not be (engine/program/check_ports.cc): each test breaks one rule.
#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "engine/format/writer.h"
#include "intvit/model.h"
#include "tests/engine/tiny_ports.h"

namespace intvit::test {
namespace {

enum : std::size_t { kPicturePort, kLogitsPort, kEmbeddingPort, kTokensPort, kFeaturesPort };

std::string complaint(const std::function<void(TinyProgram&)>& change, const TinyOptions& options = {}) {
  TinyProgram tiny = with_four_outputs(options);
  change(tiny);
  const auto model = Model::from_memory(encode_model(tiny.program, {}), "test");
  if (!model.ok()) CHECK(model.status().code() == Code::corrupt_file);
  return model.status().message();
}

// A change of one port. Empty: it is allowed.
void check_port(const std::string& reason, std::size_t port, const std::function<void(ProgramPort&)>& change) {
  const std::string message = complaint([&](TinyProgram& t) { change(t.program.ports[port]); });
  CAPTURE(reason);
  CHECK(message.empty() == reason.empty());
  CHECK_MESSAGE(message.find(reason) != std::string::npos, message);
}

TEST_CASE("check_ports: names") {
  for (const char* name : {"", "../tokens", "a/b", "3tokens", ".tokens", "to kens", "to\xc3\xb6", "-x"}) {
    check_port("a port has no name", kTokensPort, [&](ProgramPort& p) { p.name = name; });
  }
  check_port("a port has no name", kTokensPort, [](ProgramPort& p) { p.name = std::string(65, 'x'); });
  check_port("", kTokensPort, [](ProgramPort& p) { p.name = std::string(64, 'x'); });
  check_port("", kTokensPort, [](ProgramPort& p) { p.name = "Tokens_of-2.3"; });
  check_port("two ports are called 'embedding'", kTokensPort, [](ProgramPort& p) { p.name = "embedding"; });
}

TEST_CASE("check_ports: one picture, at least one output, logits once") {
  const auto erase = [](std::size_t first, std::size_t last) {
    return [=](TinyProgram& t) {
      const auto begin = t.program.ports.begin();
      t.program.ports.erase(begin + static_cast<std::ptrdiff_t>(first), begin + static_cast<std::ptrdiff_t>(last));
    };
  };
  CHECK(complaint(erase(0, 1)).find("0 pictures, must be 1") != std::string::npos);
  CHECK(complaint(erase(1, 5)).find("no output") != std::string::npos);
  CHECK(complaint(erase(2, 5)).empty());
  CHECK(complaint(erase(1, 4)).empty());
  check_port("2 pictures, must be 1", kTokensPort, [](ProgramPort& p) { p.kind = PortKind::picture; });
  check_port("logits twice", kEmbeddingPort, [](ProgramPort& p) { p.kind = PortKind::logits; });
}

TEST_CASE("check_ports: rows, grid and unit") {
  check_port("port 'tokens': is buffer 99 of", kTokensPort, [](ProgramPort& p) { p.buffer = 99; });
  check_port("port 'tokens': rows 0 to 0 of 5", kTokensPort, [](ProgramPort& p) { p.rows = 0; });
  check_port("port 'tokens': rows 1 to 6 of 5", kTokensPort, [](ProgramPort& p) { p.first_row = 1; });
  check_port("port 'tokens': rows 0 to 6 of 5", kTokensPort, [](ProgramPort& p) { p.rows = 6; });
  check_port("rows 4294967295 to 4294967300 of 5", kTokensPort, [](ProgramPort& p) { p.first_row = 0xffffffff; });
  check_port("", kTokensPort, [](ProgramPort& p) { p.first_row = 4, p.rows = 1; });
  check_port("a grid of 2 x 3 for 4 rows", kFeaturesPort, [](ProgramPort& p) { p.grid_width = 3; });
  check_port("a grid of 0 x 2 for 4 rows", kFeaturesPort, [](ProgramPort& p) { p.grid_height = 0; });
  check_port("a grid of 2147483648 x 2", kFeaturesPort, [](ProgramPort& p) { p.grid_height = 1u << 31; });
  check_port("", kFeaturesPort, [](ProgramPort& p) { p.grid_height = 1, p.grid_width = 4; });
  check_port("features must have a grid", kFeaturesPort, [](ProgramPort& p) { p.grid_height = p.grid_width = 0; });
  for (const std::size_t port : {kPicturePort, kEmbeddingPort}) {
    check_port("its unit is 0", port, [](ProgramPort& p) { p.mantissa = 0; });
    check_port("exponent -127", port, [](ProgramPort& p) { p.exponent = -127; });
    check_port("exponent 128", port, [](ProgramPort& p) { p.exponent = 128; });
    check_port("", port, [](ProgramPort& p) { p.exponent = -126, p.mantissa = 0xffffffff, p.zero = INT32_MIN; });
    check_port("", port, [](ProgramPort& p) { p.exponent = 127; });
  }
}

TEST_CASE("check_ports: the picture is all of its buffer, as high and as wide as the input") {
  const std::string reason = "the picture's buffer does not match the input geometry";
  check_port(reason, kPicturePort, [](ProgramPort& p) { p.rows -= 1; });
  const auto refused = [&](const std::function<void(Program&)>& change) {
    const std::string message = complaint([&](TinyProgram& t) { change(t.program); });
    CHECK_MESSAGE(message.find(reason) != std::string::npos, message);
  };
  refused([](Program& p) { ++p.input.height; });
  refused([](Program& p) { ++p.input.width; });
  refused([](Program& p) { p.buffers[p.ports[kPicturePort].buffer].stride += 1; });
}

TEST_CASE("check_ports: what kinds ask of their buffers") {
  check_port("logits must be one row of s32", kLogitsPort, [](ProgramPort& p) { p.buffer = 1, p.rows = 1; });
  check_port("the unit of logits", kLogitsPort, [](ProgramPort& p) { p.exponent = 1; });
  check_port("the unit of logits", kLogitsPort, [](ProgramPort& p) { p.mantissa = 3; });
  check_port("the unit of logits", kLogitsPort, [](ProgramPort& p) { p.zero = 1; });
  check_port("an embedding must be one row", kTokensPort, [](ProgramPort& p) { p.kind = PortKind::embedding; });
  check_port("output 'tokens' shows the picture", kTokensPort, [](ProgramPort& p) { p.buffer = 0; });
  const auto fresh = [](DataType type) {
    return [=](TinyProgram& t) {
      t.program.buffers.push_back({type, 5, 16, 64});
      t.program.ports[kTokensPort].buffer = static_cast<BufferId>(t.program.buffers.size() - 1);
    };
  };
  CHECK(complaint(fresh(DataType::s8)).find("outputs are u8, s16 or s32") != std::string::npos);
  CHECK(complaint(fresh(DataType::s16)).find("port 'tokens': nothing writes its buffer") != std::string::npos);
}

TEST_CASE("check_ports: numbers in two planes are no output") {
  const TinyOptions planes{.normed = TinyEncoding{EncodeKind::table, 2, 15}};
  const TinyOptions plain{.normed = TinyEncoding{EncodeKind::table, 1, 15}};
  const auto nothing = [](TinyProgram&) {};
  CHECK(complaint(nothing, planes).find("port 'embedding': its numbers are in two planes") != std::string::npos);
  CHECK(complaint(nothing, plain).empty());
}

}  // namespace
}  // namespace intvit::test
