// The model file: what is written can be read, and no damaged or hostile file gets past the reader into the kernels.
// Run it under the address and undefined-behaviour sanitizers too (preset asan-ubsan): several tests only ask that
// nothing leaves its memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/format/checksum.h"
#include "engine/format/layout.h"
#include "engine/format/program_codec.h"
#include "engine/format/writer.h"
#include "engine/ops/attention.h"
#include "engine/ops/conv.h"
#include "engine/ops/encode.h"
#include "engine/ops/gather.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/mean_rows.h"
#include "engine/ops/multiply.h"
#include "engine/ops/registry.h"
#include "engine/ops/rotate.h"
#include "intvit/model.h"
#include "tests/engine/encode_op_set_2.h"
#include "tests/engine/fates.h"
#include "tests/engine/refusals.h"
#include "tests/engine/repair_checksums.h"
#include "tests/engine/tiny_program.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint64_t checksum_of(const std::string& text, std::uint64_t seed = 0) {
  return checksum64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, seed);
}

Result<std::shared_ptr<const Model>> load(const Bytes& bytes) { return Model::from_memory(bytes, "test"); }

// Small enough to be loaded some ten thousand times each. The smallest of all has a test of its own (damage_test.cc).
std::vector<TinyVariant> damaged_variants() {
  const TinyOptions two = {.weight_bits = 4, .head = TinyHead::two_tokens};
  const TinyOptions newer = {.gated = true, .rotated = true, .conv = true, .normed_heads = true};
  std::vector<TinyVariant> variants = {{"two tokens", two}, {"newer", newer}};
  for (TinyVariant variant : encoded_variants()) {
    // The last one has dynamic tokens, channel groups, tables and coarse steps.
    if (variant.name != "tokens" && variant.name != "relative" && variant.name != "everything") continue;
    TinyOptions& o = variant.options;
    o.edge = 8, o.blocks = 1, o.channels = 34, o.heads = 2, o.hidden = 34;
    variants.push_back(variant);
  }
  return variants;
}

// In the encoding of today, and one in that of op set 2.
std::vector<std::pair<std::string, Bytes>> damaged_files() {
  std::vector<std::pair<std::string, Bytes>> files;
  for (const auto& [name, options] : damaged_variants()) files.emplace_back(name, tiny_model_bytes(options));
  const TinyOptions last = damaged_variants().back().options;
  files.emplace_back("op set 2", encode_op_set_2(make_tiny_program(last).program, tiny_metadata(last)));
  return files;
}

TEST_CASE("checksum64 is XXH64") {
  CHECK(checksum_of("") == 0xEF46DB3751D8E999ull);
  CHECK(checksum_of("a") == 0xD24EC4F1A98C6E5Bull);
  CHECK(checksum_of("abc") == 0x44BC2CF5AD770999ull);
  // From xxHash's own documentation; more than 32 bytes, so that the four lanes are used.
  CHECK(checksum_of("Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1ull);
  CHECK(checksum_of("abc", 1) != checksum_of("abc"));
}

TEST_CASE("format: a model survives the round trip to the byte") {
  for (const auto& [name, options] : all_variants()) {
    const Bytes bytes = tiny_model_bytes(options);
    const auto model = load(bytes);
    INFO(model.status().message());
    REQUIRE(model.ok());
    const Program& program = model.value()->program();
    CHECK(encode_model(program, model.value()->metadata()) == bytes);
    const TinyProgram original = make_tiny_program(options);
    CHECK(program.steps.size() == original.program.steps.size());
    CHECK(program.buffers.size() == original.program.buffers.size());
    CHECK(program.constants.size() == original.program.constants.size());
    for (std::size_t i = 0; i < program.constants.size(); ++i) {
      CHECK(program.constants[i].name == original.program.constants[i].name);
      CHECK(reinterpret_cast<std::uintptr_t>(program.constants[i].bytes.data()) % 4 == 0);
    }
    CHECK(model.value()->labels().size() == options.classes);
    CHECK(model.value()->classes() == static_cast<int>(options.classes));
    CHECK(model.value()->file_bytes() == bytes.size());
    CHECK(tiny_model_bytes(options) == bytes);  // the same input, the same bytes
  }
}

struct FieldsOf final : FieldVisitor {
  std::vector<std::uint32_t> values;
  void word(std::uint32_t& field) override { values.push_back(field); }
};

struct NumberFields final : FieldVisitor {
  std::uint32_t next = 1000;
  void word(std::uint32_t& field) override { field = next++; }
};

// A field behind all of an operation's.
template <typename T>
struct Behind {
  [[no_unique_address]] T op;
  std::uint32_t field;
};

// Fields are words, and the operation has nothing else but a pointer to its virtual functions.
template <typename T>
std::size_t words_of() {
  const Behind<T> both{};
  const auto bytes = reinterpret_cast<const char*>(&both.field) - reinterpret_cast<const char*>(&both.op);
  return (static_cast<std::size_t>(bytes) - sizeof(void*)) / sizeof(std::uint32_t);
}

// Sets every field of every operation to a number of its own, and expects to find it after decoding.
TEST_CASE("format: every field of every operation survives the round trip") {
  Program program;
  NumberFields number;
  for (const std::uint32_t kind : operation_kinds()) {
    Op op(make_operation(kind));
    op->for_each_field(number);
    program.steps.push_back({"step " + std::to_string(kind), op});
  }
  Result<Program> decoded = decode_program(encode_program(program, {}), {});
  REQUIRE(decoded.ok());
  REQUIRE(decoded.value().steps.size() == program.steps.size());
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    FieldsOf written, read;
    program.steps[i].op->for_each_field(written);
    REQUIRE(decoded.value().steps[i].op->op_kind() == program.steps[i].op->op_kind());
    decoded.value().steps[i].op->for_each_field(read);
    CHECK(read.values == written.values);
    CHECK(!read.values.empty());
  }
}

template <typename... Types>
void check_visits_all() {
  const auto check_visits = [](auto op) {
    FieldsOf fields;
    op.for_each_field(fields);
    CHECK_MESSAGE(fields.values.size() == words_of<decltype(op)>(), op.name());
  };
  (check_visits(Types()), ...);
}

TEST_CASE("operations: none forgets a field when it is stored") {
  check_visits_all<ConvOp, LayerNormOp, LinearOp, AttentionOp, MeanRowsOp, EncodeOp>();
  check_visits_all<MultiplyOp, GatherOp, RotateOp>();
}

TEST_CASE("operations: each has a kind and a name of its own") {
  const std::vector<std::uint32_t> kinds = operation_kinds();
  CHECK(kinds.size() >= 6);
  CHECK(std::set<std::uint32_t>(kinds.begin(), kinds.end()).size() == kinds.size());
  std::set<std::string> names;
  for (const std::uint32_t kind : kinds) {
    const auto operation = make_operation(kind);
    REQUIRE(operation != nullptr);
    CHECK(operation->op_kind() == kind);
    names.emplace(operation->name());
  }
  CHECK(names.size() == kinds.size());
  CHECK(make_operation(0) == nullptr);
  CHECK(make_operation(kNone) == nullptr);
}

TEST_CASE("format: any flipped byte of the header") {
  const Bytes bytes = tiny_model_bytes();
  const std::vector<std::int32_t> expected = logits_of_model(load(bytes).value(), Isa::scalar);
  for (std::size_t i = 0; i < sizeof(FileHeader); ++i) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      Bytes damaged = bytes;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ flip);
      const auto model = load(damaged);
      // Reserved bytes and the minor version may be anything.
      const bool ignored = (i >= offsetof(FileHeader, container_minor) && i < offsetof(FileHeader, op_set)) ||
                           (i >= offsetof(FileHeader, reserved0) && i < offsetof(FileHeader, section_table_checksum)) ||
                           i >= offsetof(FileHeader, reserved);
      CHECK_MESSAGE(model.ok() == ignored, "header byte " << i);
      if (model.ok()) CHECK(logits_of_model(model.value(), Isa::scalar) == expected);
    }
  }
}

TEST_CASE("format: any flipped byte of a section or of the table is noticed") {
  Bytes bytes = tiny_model_bytes();
  const auto check = [&](std::size_t at) {
    bytes[at] ^= 0x10;
    CHECK_MESSAGE(!load(bytes).ok(), "byte " << at);
    bytes[at] ^= 0x10;
  };
  const std::size_t table_end = sizeof(FileHeader) + kSectionCount * sizeof(SectionRecord);
  for (std::size_t i = sizeof(FileHeader); i < table_end; ++i) check(i);
  for (const SectionId id : {SectionId::metadata, SectionId::program, SectionId::data}) {
    const std::span<std::uint8_t> section = section_of(bytes, id);
    REQUIRE(!section.empty());
    const auto begin = static_cast<std::size_t>(section.data() - bytes.data());
    for (std::size_t i = 0; i < section.size(); i += 7) check(begin + i);
    check(begin + section.size() - 1);
  }
}

SectionRecord& section_record(Bytes& bytes, std::size_t i) {
  return reinterpret_cast<SectionRecord*>(bytes.data() + sizeof(FileHeader))[i];
}

// The program section, which the writer puts first, once more at the end and in the last place of the table.
Bytes with_program_last(const Bytes& original) {
  Bytes bytes = original;
  const std::span<std::uint8_t> program = section_of(bytes, SectionId::program);
  const Bytes copy(program.begin(), program.end());
  bytes.resize((bytes.size() + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment);
  section_record(bytes, 0).offset = bytes.size();
  std::rotate(&section_record(bytes, 0), &section_record(bytes, 1), &section_record(bytes, 2) + 1);
  bytes.insert(bytes.end(), copy.begin(), copy.end());
  return bytes;
}

std::string complaint_about(Bytes bytes) {
  repair_checksums(bytes);
  return load(bytes).status().message();
}

TEST_CASE("format: sections that share bytes, or begin within the table, are refused") {
  const Bytes bytes = with_program_last(tiny_model_bytes());
  CHECK(complaint_about(bytes).empty());
  Bytes shared = bytes;  // constants lie where they were, so nothing else is wrong
  SectionRecord& data = section_record(shared, 0);
  data.size = shared.size() - data.offset;
  CHECK(complaint_about(shared).find("section 1 lies outside the file or over another one") != std::string::npos);
  data.size = section_record(shared, 1).offset + 1 - data.offset;  // one byte
  CHECK(complaint_about(shared).find("over another one") != std::string::npos);
  data.size -= 1;
  CHECK(complaint_about(shared).empty());
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{64}, std::uint64_t{128}}) {
    Bytes early = bytes;
    section_record(early, 0).offset = offset;
    CHECK(complaint_about(early).find("section 3 lies outside the file or over another one") != std::string::npos);
  }
}

TEST_CASE("format: any flipped byte with repaired checksums is refused or runs") {
  for (auto& file : damaged_files()) {
    Bytes& bytes = file.second;
    Fates fates;
    REQUIRE(load(bytes).ok());
    const auto flip_all = [&](SectionId id, std::size_t step) {
      const std::size_t size = section_of(bytes, id).size();
      for (std::size_t i = 0; i < size; i += step) {
        for (const int flip : {0x01, 0x40, 0x80, 0xff}) {
          // Two for one byte and the other two for the next.
          if ((flip == 0x01 || flip == 0x80) != (i / step % 2 == 0)) continue;
          Bytes damaged = bytes;
          section_of(damaged, id)[i] ^= static_cast<std::uint8_t>(flip);
          repair_checksums(damaged);
          fates.judge(damaged);
        }
      }
    };
    flip_all(SectionId::program, kOneOf);
    flip_all(SectionId::metadata, kOneOf);
    flip_all(SectionId::data, 97 * kOneOf);
    // The section table itself.
    for (std::size_t i = sizeof(FileHeader); i < sizeof(FileHeader) + kSectionCount * sizeof(SectionRecord); ++i) {
      Bytes damaged = bytes;
      damaged[i] ^= 0xff;
      repair_checksums(damaged);
      fates.judge(damaged);
    }
    MESSAGE(fates.refused << " damaged files refused, " << fates.ran << " ran, " << fates.too_large
                          << " too large to run");
    CHECK(fates.refused > 1000 / kOneOf);
    CHECK(fates.ran > 100 / kOneOf);  // names, flipped weights, ...
  }
}

// Extreme 32-bit values in every word of the program section.
TEST_CASE("format: any word of the program replaced by an extreme one is refused or runs") {
  for (auto& file : damaged_files()) {
    Bytes& bytes = file.second;
    Fates fates;
    const std::size_t size = section_of(bytes, SectionId::program).size();
    for (std::size_t i = 0; i + 4 <= size; i += 4 * kOneOf) {
      // Half of them for one word and the others for the next.
      const std::uint32_t even[] = {0u, 64u, 65535u, 0x80000000u, 0xffffffffu}, odd[] = {1u, 63u, 65536u, 0x7fffffffu};
      for (const std::uint32_t value : i / 4 % 2 == 0 ? std::span<const std::uint32_t>(even) : odd) {
        Bytes damaged = bytes;
        std::memcpy(section_of(damaged, SectionId::program).data() + i, &value, sizeof value);
        repair_checksums(damaged);
        fates.judge(damaged);
      }
    }
    MESSAGE(fates.refused << " damaged files refused, " << fates.ran << " ran, " << fates.too_large
                          << " too large to run");
  }
}

TEST_CASE("format: constants outside the data section are refused") {
  // The place of a constant is in the file, not in the program: edit its record, which follows its name.
  const std::string name = "pos_embed";
  for (const std::uint64_t offset : {std::uint64_t{1} << 40 | 1u << 30, ~std::uint64_t{63}, std::uint64_t{1}}) {
    for (const bool edit_size : {false, true}) {
      Bytes bytes = tiny_model_bytes();
      const std::span<std::uint8_t> section = section_of(bytes, SectionId::program);
      auto at = std::search(section.begin(), section.end(), name.begin(), name.end());
      REQUIRE(at != section.end());
      std::uint8_t* record = &*at + 12;  // the name padded to a multiple of 4; then type, offset, size
      // A size has one word, since the high ones of all constants are zero.
      std::memcpy(record + 4 + (edit_size ? 8 : 0), &offset, edit_size ? 4 : 8);
      repair_checksums(bytes);
      const auto model = load(bytes);
      REQUIRE(!model.ok());
      CHECK(model.status().message().find("does not lie in the data section") != std::string::npos);
    }
  }
}

TEST_CASE("format: the message names the file, the layer and what is wrong") {
  TinyProgram tiny = make_tiny_program();
  op<AttentionOp>(tiny, kAttn).heads = 5;
  const auto model = Model::from_memory(encode_model(tiny.program, {}), "some.bin");
  REQUIRE(!model.ok());
  for (const char* part : {"some.bin", "attention", "blocks.0.attn"}) {
    CHECK(model.status().message().find(part) != std::string::npos);
  }
}

TEST_CASE("format: labels must be as many as classes") {
  const TinyProgram tiny = make_tiny_program();
  CHECK(load(encode_model(tiny.program, {})).ok());
  CHECK(!load(encode_model(tiny.program, {{"labels", "one\ntwo"}})).ok());
}

}  // namespace
}  // namespace intvit::test
