// Weights of 3 and 2 bits in files: op set 4, and what of them is refused. That they compute the same everywhere, and
// what a plain loop does, is in session_test.cc and format_test.cc, whose variants have them.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/format/layout.h"
#include "engine/format/writer.h"
#include "engine/ops/linear.h"
#include "intvit/model.h"
#include "kernels/gemm/tiles.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

LinearConstants& qkv(TinyProgram& tiny) { return op<LinearOp>(tiny, kQkv).linear; }

TEST_CASE("few bits: a file asks for op set 4 where it has such weights, and only there") {
  for (const auto& [bits, op_set] : {std::pair{8u, 3}, {4u, 3}, {3u, 4}, {2u, 4}}) {
    CAPTURE(bits);
    const TinyOptions options{.weight_bits = bits};
    std::vector<std::uint8_t> bytes = tiny_model_bytes(options);
    const auto model = Model::from_memory(bytes, "now");
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    CHECK(model.value()->op_set() == op_set);
    set_metadata({{"a key", "a value"}}, bytes);
    const auto with_metadata = Model::from_memory(bytes, "now");
    REQUIRE(with_metadata.ok());
    CHECK(with_metadata.value()->op_set() == op_set);
  }
}

TEST_CASE("few bits: op set 3 has none") {
  for (const std::uint32_t bits : {2u, 3u}) {
    std::vector<std::uint8_t> bytes = tiny_model_bytes({.weight_bits = bits});
    FileHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    header.op_set = 3;
    std::memcpy(bytes.data(), &header, sizeof header);
    const auto model = Model::from_memory(bytes, "some.bin");
    REQUIRE(!model.ok());
    CHECK(model.status().code() == Code::corrupt_file);
    CHECK_MESSAGE(model.status().message().find("op set 3 has neither weights of 3 and 2 bits") != std::string::npos,
                  model.status().message());
  }
}

// The other thing that op set 4 brought.
TEST_CASE("few bits: a file asks for op set 4 where codes are uniform, too") {
  for (const EncodeKind kind : {EncodeKind::rows, EncodeKind::uniform}) {
    TinyOptions options;
    options.normed = {kind, 1, 15, 5, 6};
    const auto model = Model::from_memory(tiny_model_bytes(options), "some.bin");
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    CHECK(model.value()->op_set() == (kind == EncodeKind::uniform ? 4 : 3));
  }
}

TEST_CASE("few bits: tiles have the size of their bits") {
  constexpr std::size_t kNumbers = 48 * 64;  // of qkv, 48 outputs
  for (const std::uint32_t bits : {4u, 3u, 2u}) {
    CAPTURE(bits);
    const TinyOptions options{.weight_bits = bits};
    TinyProgram tiny = make_tiny_program(options);
    CHECK(tiny.program.constants[qkv(tiny).tiles].bytes.size() == kNumbers * bits / 8);
    for (const int more : {-1, 1, static_cast<int>(kNumbers / 8)}) {
      refuses(
          "weights", [&](TinyProgram& t) { qkv(t).tiles = with_count<std::uint8_t>(t, qkv(t).tiles, more); }, options);
    }
  }
}

TEST_CASE("few bits: zero points are numbers of as many bits") {
  for (const std::uint32_t bits : {4u, 3u, 2u}) {
    CAPTURE(bits);
    const TinyOptions options{.weight_bits = bits};
    const auto largest = static_cast<std::uint8_t>((1 << bits) - 1);
    const auto set = [&](std::uint8_t value) {
      return [=](TinyProgram& t) {
        LinearConstants& l = qkv(t);
        l.zero_points = with_entry<std::uint8_t>(t, l.zero_points, 5, value);
        // Padding weighs nothing.
        const Constant original = t.program.constants[l.tiles];
        std::vector<std::uint8_t> tiles(original.bytes.begin(), original.bytes.end());
        for (int k = 16; k < 64; ++k) {
          kernels::store_number(tiles.data(), static_cast<int>(l.bits), 5, k, 64, value);
        }
        l.tiles = t.add(original.name, original.type, tiles);
      };
    };
    accepts(set(largest), options);
    refuses("zero points", set(static_cast<std::uint8_t>(largest + 1)), options);
    refuses("zero points", set(255), options);
  }
}

TEST_CASE("few bits: no other numbers of bits") {
  for (const std::uint32_t bits : {0u, 1u, 5u, 6u, 7u, 9u, 0xffffffffu}) {
    refuses(std::to_string(bits) + "-bit weights, must be 8, 4, 3 or 2", [&](TinyProgram& t) { qkv(t).bits = bits; });
  }
}

}  // namespace
}  // namespace intvit::test
