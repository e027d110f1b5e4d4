// Files that are newer or older than this build: what they leave out has its default, what they have more is refused as
// made by a newer intvit, and files of op set 2 are read as they always were.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/format/byte_stream.h"
#include "engine/format/layout.h"
#include "engine/format/program_codec.h"
#include "engine/format/program_codec_2.h"
#include "engine/format/writer.h"
#include "engine/ops/linear.h"
#include "intvit/session.h"
#include "tests/engine/encode_op_set_2.h"
#include "tests/engine/refusals.h"
#include "tests/engine/repair_checksums.h"
#include "tests/engine/toy_op.h"

namespace intvit::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A program section as it is written, with places that tests can damage.
class Section {
 public:
  explicit Section(Bytes bytes) : bytes_(std::move(bytes)) {}

  // Where a string ends, with its zeros.
  std::size_t behind(const std::string& name) const {
    ByteWriter text;
    text.string(name);
    const Bytes wanted = text.take();
    const auto found = std::search(bytes_.begin(), bytes_.end(), wanted.begin(), wanted.end());
    REQUIRE(found != bytes_.end());
    return static_cast<std::size_t>(found - bytes_.begin()) + wanted.size();
  }
  std::uint32_t word(std::size_t at) const {
    std::uint32_t value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }
  void set(std::size_t at, std::uint32_t value) { std::memcpy(bytes_.data() + at, &value, sizeof value); }
  void insert(std::size_t at, std::uint32_t value) {
    bytes_.insert(bytes_.begin() + static_cast<std::ptrdiff_t>(at), 4, 0);
    set(at, value);
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

Section section_of_tiny_program() {
  Program program = make_tiny_program().program;
  program.constants.clear();  // what is decoded here needs none
  return Section(encode_program(program, {}));
}

// Expects the message about a section to contain all of `parts`; to be decoded if there are none.
void check_section(const Section& section, Code code, const std::vector<std::string>& parts) {
  const auto program = decode_program(section.bytes(), {});
  CHECK(program.ok() == parts.empty());
  if (!program.ok()) CHECK(program.status().code() == code);
  for (const std::string& part : parts) {
    CHECK_MESSAGE(program.status().message().find(part) != std::string::npos, program.status().message());
  }
}

const std::string kNewer = "made by a newer intvit; use that version, or convert the checkpoint again";

// Behind a step's name: operation, bytes, number of fields, fields.
TEST_CASE("format growth: a field that is not known") {
  Section section = section_of_tiny_program();
  const std::size_t at = section.behind(kNorm);
  const std::uint32_t fields = section.word(at + 8);
  CHECK(fields == 7);  // epsilon_high and those behind it are defaults
  for (std::uint32_t more = 0; fields + more < 12; ++more) section.insert(at + 12 + 4 * (fields + more), 1);
  section.set(at + 4, 48), section.set(at + 8, 12);
  check_section(section, Code::ok, {});
  section.insert(at + 12 + 48, 0);  // even if it is zero
  section.set(at + 4, 52), section.set(at + 8, 13);
  check_section(section, Code::unsupported,
                {"step 1 ('" + kNorm + "') has 13 fields, layer_norm in this version 12", kNewer});
}

TEST_CASE("format growth: an operation that this build does not have is of a newer one") {
  TinyProgram tiny = make_tiny_program();
  negate_codes(tiny, kNorm, kQkv, 1);
  const auto model = Model::from_memory(encode_model(tiny.program, {}), "test");
  REQUIRE(!model.ok());
  CHECK(model.status().code() == Code::unsupported);
  for (const char* part : {"model 'test': step 2 ('blocks.0.norm1.negate') has operation 1000", "a newer intvit"}) {
    CHECK(model.status().message().find(part) != std::string::npos);
  }
}

TEST_CASE("format growth: a length that is not that of the fields") {
  const Section good = section_of_tiny_program();
  const std::size_t at = good.behind(kNorm);
  for (const auto& [bytes, fields] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{
           {24, 7}, {32, 7}, {27, 7}, {28, 6}, {28, 8}, {28, 0x40000007}, {0xffffffff, 7}}) {
    Section section = good;
    section.set(at + 4, bytes), section.set(at + 8, fields);
    check_section(section, Code::corrupt_file,
                  {"step 1 ('" + kNorm + "') has " + std::to_string(fields) + " fields in " + std::to_string(bytes)});
  }
  Section section = good;
  section.set(at + 4, 0xfffffffc), section.set(at + 8, 0x3fffffff);
  check_section(section, Code::unsupported, {"has 1073741823 fields", kNewer});
}

TEST_CASE("format growth: fields that are left out have their defaults") {
  Program program;
  LinearOp linear;  // whose last fields are defaults
  linear.src = 3;
  linear.linear.bits = 4;
  program.steps.push_back({"some", linear});
  const Section section(encode_program(program, {}));
  const std::size_t at = section.behind("some");
  CHECK(section.word(at + 8) == 6);  // src, dst, kind, n, k, bits
  CHECK(section.bytes().size() == at + 12 + 6 * 4);
  const auto decoded = decode_program(section.bytes(), {});
  REQUIRE(decoded.ok());
  const auto* read = decoded.value().steps[0].op.as<LinearOp>();
  REQUIRE(read != nullptr);
  CHECK(read->src == 3);
  CHECK(read->linear.bits == 4);
  CHECK(read->linear.tiles == kNone);
  CHECK(read->activation == kNone);
  CHECK(read->planes == 1);
  CHECK(read->max_code == 255);
  CHECK(!read->coarse_steps.any());

  Section none = section;  // all of them
  none.set(at + 4, 0), none.set(at + 8, 0);
  const Section shorter(Bytes(none.bytes().begin(), none.bytes().end() - 6 * 4));
  const auto fresh = decode_program(shorter.bytes(), {});
  REQUIRE(fresh.ok());
  CHECK(fresh.value().steps[0].op.as<LinearOp>()->src == kNone);
  CHECK(fresh.value().steps[0].op.as<LinearOp>()->linear.bits == 8);
}

TEST_CASE("format growth: ports leave out what none of them has") {
  Program program;
  program.buffers.push_back({DataType::u8, 4, 3, 3});
  program.add_port("picture", PortKind::picture, 0);
  program.add_port("features", PortKind::features, 0).grid_height = 2;
  const auto decoded = decode_program(encode_program(program, {}), {});
  REQUIRE(decoded.ok());
  REQUIRE(decoded.value().ports.size() == 2);
  CHECK(decoded.value().ports[0].grid_height == 0);
  CHECK(decoded.value().ports[0].mantissa == 1);
  CHECK(decoded.value().ports[1].grid_height == 2);
  CHECK(decoded.value().ports[1].grid_width == 0);
}

// The tables: number of records and of fields, then the records. The head has no number of records.
TEST_CASE("format growth: records of more fields than are known") {
  Program program;
  program.buffers.push_back({DataType::u8, 4, 3, 3});
  program.add_port("picture", PortKind::picture, 0).exponent = -7;
  const Section good(encode_program(program, {}));
  check_section(good, Code::ok, {});
  const std::size_t constants = 8, head = good.behind("main");
  const std::size_t buffers = head + 4 + 4 * good.word(head) + 4;
  const std::size_t ports = buffers + 4 + 4 * good.word(buffers) + 4;
  CHECK(good.word(constants) == 0);
  CHECK(good.word(buffers) == 4);
  CHECK(good.word(ports) == 6);  // zero and grid are defaults
  for (const auto& [at, known, what] : std::vector<std::tuple<std::size_t, std::uint32_t, std::string>>{
           {constants, 5, "constants"}, {head, 6, "a head"}, {buffers, 4, "buffers"}, {ports, 9, "ports"}}) {
    Section section = good;
    section.set(at, known + 1);
    check_section(
        section, Code::unsupported,
        {what + " of " + std::to_string(known + 1) + " fields, this version knows " + std::to_string(known), kNewer});
  }
  Section section = good;
  section.set(section.behind("picture"), 5);
  check_section(section, Code::unsupported, {"port 'picture' is of kind 5", kNewer});
  section = good;
  section.set(0, 2);
  check_section(section, Code::unsupported, {"2 functions, this version runs one", kNewer});
  section.set(0, 0);
  check_section(section, Code::corrupt_file, {"no function"});
}

TEST_CASE("format growth: a refusal is one line, whatever names the file has") {
  TinyProgram tiny = make_tiny_program();
  tiny.program.ports.back().name = "a\nport\x1b[2J";
  tiny.program.ports.back().kind = static_cast<PortKind>(9);
  const auto model = Model::from_memory(encode_model(tiny.program, {}), "some.bin");
  REQUIRE(!model.ok());
  CHECK_MESSAGE(model.status().message().find("port 'a?port?[2J' is of kind 9") != std::string::npos,
                model.status().message());
}

TEST_CASE("format growth: other op sets are refused by their number") {
  for (const auto& [op_set, reason] :
       std::vector<std::pair<std::uint32_t, std::string>>{{5, kNewer}, {99, kNewer}, {1, "convert"}, {0, "convert"}}) {
    Bytes bytes = tiny_model_bytes();
    reinterpret_cast<FileHeader*>(bytes.data())->op_set = op_set;
    const auto model = Model::from_memory(bytes, "some.bin");
    REQUIRE(!model.ok());
    CHECK(model.status().code() == Code::unsupported);
    const std::string& message = model.status().message();
    for (const std::string& part : {"model 'some.bin': op set " + std::to_string(op_set), reason}) {
      CHECK_MESSAGE(message.find(part) != std::string::npos, message);
    }
    CHECK((message.find("newer") != std::string::npos) == (op_set > 4));
  }
}

std::vector<std::int32_t> logits_of(const Model& model, const std::shared_ptr<const Model>& shared) {
  const auto session = Session::create(shared, {});
  REQUIRE(session.ok());
  for (std::size_t i = 0; i < static_cast<std::size_t>(model.input_height() * model.input_width() * 3); ++i) {
    session.value()->picture(0)[i] = static_cast<std::uint8_t>(i * 91);
  }
  session.value()->run();
  const auto logits = session.value()->logits(0);
  return {logits.begin(), logits.end()};
}

TEST_CASE("op set 2: files give the program and the logits that they would in op set 3") {
  for (const auto& [name, options] : op_set_2_variants()) {
    const TinyProgram tiny = make_tiny_program(options);
    const auto old = Model::from_memory(encode_op_set_2(tiny.program, tiny_metadata(options)), "old");
    const auto now = Model::from_memory(encode_model(tiny.program, tiny_metadata(options)), "now");
    REQUIRE_MESSAGE(old.ok(), name << ": " << old.status().message());
    REQUIRE(now.ok());
    CHECK(old.value()->op_set() == 2);
    CHECK(now.value()->op_set() == 3);
    CHECK(old.value()->logit_fraction_bits() == 16);
    CHECK(old.value()->outputs()[0].name == "logits");
    const Metadata& metadata = now.value()->metadata();
    CHECK(encode_model(old.value()->program(), metadata) == encode_model(now.value()->program(), metadata));
    CHECK_MESSAGE(logits_of(*old.value(), old.value()) == logits_of(*now.value(), now.value()), name);
  }
}

TEST_CASE("op set 2: the unit of logits, and operations that it does not have") {
  TinyProgram tiny = make_tiny_program();
  for (const int bits : {0, 31}) {
    tiny.program.ports[1].exponent = -bits;
    const auto model = Model::from_memory(encode_op_set_2(tiny.program, {}), "old");
    REQUIRE(model.ok());
    CHECK(model.value()->logit_fraction_bits() == bits);
  }
  for (const int bits : {32, INT32_MIN}) {
    tiny.program.ports[1].exponent = bits == 32 ? -32 : bits;
    const auto model = Model::from_memory(encode_op_set_2(tiny.program, {}), "old");
    REQUIRE(!model.ok());
    CHECK(model.status().message().find("must be") != std::string::npos);
  }
  tiny = make_tiny_program();
  negate_codes(tiny, kNorm, kQkv, 1);
  const auto model = Model::from_memory(encode_op_set_2(tiny.program, {}), "old");
  REQUIRE(!model.ok());
  CHECK(model.status().code() == Code::corrupt_file);
  CHECK(model.status().message().find("has unknown operation 1000") != std::string::npos);
}

TEST_CASE("op set 2: its places in an arena are not looked at") {
  const TinyProgram tiny = make_tiny_program();
  Bytes bytes = encode_op_set_2(tiny.program, {});
  const std::span<std::uint8_t> section = section_of(bytes, SectionId::program);
  const std::uint64_t huge = std::uint64_t{8} << 30, none = ~std::uint64_t{0};
  std::memcpy(section.data() + 9 * 4, &huge, sizeof huge);           // the arena
  std::memcpy(section.data() + 12 * 4 + 4 * 4, &none, sizeof none);  // of the first buffer
  repair_checksums(bytes);
  const auto model = Model::from_memory(bytes, "old");
  REQUIRE(model.ok());
  CHECK(model.value()->program().arena_bytes + model.value()->program().kept_bytes < 1 << 16);
}

TEST_CASE("format: constants that share bytes are refused") {
  const Bytes data(256);
  Program program;
  program.constants.push_back({"a", DataType::u8, {data.data(), 128}});
  program.constants.push_back({"empty", DataType::u8, {}});
  program.constants.push_back({"b", DataType::u8, {data.data(), 64}});
  const auto complaint = [&](const std::vector<std::uint64_t>& offsets) {
    const std::string now = decode_program(encode_program(program, offsets), data).status().message();
    CHECK(now == decode_program_2(encode_program_op_set_2(program, offsets), data).status().message());
    return now;
  };
  CHECK(complaint({0, 0, 128}).empty());
  CHECK(complaint({64, 64, 0}).empty());
  CHECK(complaint({0, 64, 64}).find("constants 'a' and 'b' share bytes") != std::string::npos);
  CHECK(complaint({64, 0, 128}).find("constants 'a' and 'b' share bytes") != std::string::npos);
  CHECK(complaint({0, 0, 0}).find("share bytes") != std::string::npos);
}

}  // namespace
}  // namespace intvit::test
