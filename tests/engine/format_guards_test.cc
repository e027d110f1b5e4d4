// Every guard of the reader by itself: one thing in a file is wrong, and the message says which (engine/model/model.cc,
// engine/format/). Random damage, which reaches many guards by luck: format_test.cc.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/format/byte_stream.h"
#include "engine/format/layout.h"
#include "engine/format/metadata.h"
#include "engine/format/program_codec.h"
#include "engine/format/program_codec_2.h"
#include "engine/format/writer.h"
#include "engine/ops/mean_rows.h"
#include "intvit/model.h"
#include "tests/engine/repair_checksums.h"
#include "tests/engine/tiny_ports.h"
#include "tests/engine/tiny_program.h"

namespace intvit::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

FileHeader& header_of(Bytes& bytes) { return *reinterpret_cast<FileHeader*>(bytes.data()); }

// Expects the message about a file to contain `reason`, or the file to be read if that is empty.
void check_file(Bytes bytes, const std::string& reason) {
  repair_checksums(bytes);
  const auto model = Model::from_memory(bytes, "test");
  CAPTURE(reason);
  CHECK(model.ok() == reason.empty());
  CHECK_MESSAGE(model.status().message().find(reason) != std::string::npos, model.status().message());
}

void align(Bytes& bytes) {
  bytes.resize((bytes.size() + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment);
}

// One section more, of which the table has just place for the record.
Bytes with_section(std::uint32_t id) {
  Bytes bytes = tiny_model_bytes();
  REQUIRE(record_of(bytes, 0).offset >= sizeof(FileHeader) + 4 * sizeof(SectionRecord));
  align(bytes);
  header_of(bytes).section_count = 4;
  record_of(bytes, 3) = {id, 0, bytes.size(), 8, 0};
  bytes.resize(bytes.size() + 8);
  return bytes;
}

// The program section, which the writer puts first, at the end.
Bytes with_program_last(std::size_t gap) {
  Bytes bytes = tiny_model_bytes();
  const std::span<std::uint8_t> program = section_of(bytes, SectionId::program);
  const Bytes copy(program.begin(), program.end());
  align(bytes);
  bytes.resize(bytes.size() + gap);
  record_of(bytes, 0).offset = bytes.size();
  std::rotate(&record_of(bytes, 0), &record_of(bytes, 1), &record_of(bytes, 2) + 1);
  bytes.insert(bytes.end(), copy.begin(), copy.end());
  return bytes;
}

TEST_CASE("format guards: a file that ends within its header") {
  Bytes bytes = tiny_model_bytes();
  bytes.resize(20);
  check_file(bytes, "truncated: 20 bytes");
}

TEST_CASE("format guards: the number of sections") {
  for (const std::uint32_t count : {0u, kMaxSections + 1, 0xffffffffu}) {
    Bytes bytes = tiny_model_bytes();
    header_of(bytes).section_count = count;
    check_file(bytes, std::to_string(count) + " sections");
  }
  Bytes bytes = tiny_model_bytes();
  bytes.resize(sizeof(FileHeader) + 4 * sizeof(SectionRecord));
  header_of(bytes).section_count = 5;
  check_file(bytes, "5 sections");
}

TEST_CASE("format guards: sections that are unknown, missing or there twice") {
  for (const std::uint32_t unknown : {0u, 4u, 0xffffffffu}) check_file(with_section(unknown), "");
  for (std::uint32_t id = 1; id <= kSectionCount; ++id) {
    check_file(with_section(id), "section " + std::to_string(id) + " appears twice");
  }
  for (std::size_t i = 0; i < kSectionCount; ++i) {
    Bytes bytes = tiny_model_bytes();
    const std::uint32_t id = std::exchange(record_of(bytes, i).id, 9);
    check_file(bytes, "section " + std::to_string(id) + " is missing");
  }
}

TEST_CASE("format guards: a section behind the end of the file") {
  Bytes bytes = with_program_last(0);
  record_of(bytes, 2) = {record_of(bytes, 2).id, 0, (bytes.size() / 64 + 2) * 64, 0, 0};
  check_file(bytes, "section 2 lies outside the file");
}

TEST_CASE("format guards: strings end within what is read, and none is longer than it may be") {
  for (const std::uint32_t size : {8u, 9u, 12u, 0xffffffffu}) {
    ByteWriter writer;
    writer.u32(size);
    writer.u64(0);
    const Bytes bytes = writer.take();
    ByteReader reader(bytes);
    CHECK(reader.string(12).size() == (size == 8 ? 8 : 0));
    CHECK(reader.failed() == (size > 8));
    ByteReader strict(bytes);
    CHECK(strict.string(7).empty());
    CHECK(strict.failed());
  }
}

TEST_CASE("format guards: the place and the size of sections") {
  check_file(with_program_last(64), "");
  for (const std::size_t gap : {std::size_t{4}, std::size_t{32}}) check_file(with_program_last(gap), "section 2 lies");
  Bytes bytes = with_program_last(0);
  record_of(bytes, 2).size = kMaxProgramBytes + 4;
  bytes.resize(record_of(bytes, 2).offset + kMaxProgramBytes + 4);
  check_file(bytes, "program section is too large");
  const TinyProgram tiny = make_tiny_program();
  check_file(encode_model(tiny.program, {{"x", std::string(kMaxMetadataBytes - 64, 'x')}}), "");
  check_file(encode_model(tiny.program, {{"x", std::string(kMaxMetadataBytes, 'x')}}), "program section is too large");
}

TEST_CASE("format guards: a model's digest is that of its section table") {
  Bytes bytes = tiny_model_bytes();
  const auto digest = [](const Bytes& file) { return Model::from_memory(file, "test").value()->digest(); };
  CHECK(digest(bytes) == header_of(bytes).section_table_checksum);
  CHECK(digest(bytes) != digest(tiny_model_bytes({.seed = 2})));
}

// Expects the message about a program section to contain `reason`, or it to be decoded if that is empty.
void check_program(const Bytes& bytes, const Bytes& data, const std::string& reason) {
  const auto program = decode_program(bytes, data);
  CAPTURE(reason);
  CHECK(program.ok() == reason.empty());
  CHECK_MESSAGE(program.status().message().find(reason) != std::string::npos, program.status().message());
}

TEST_CASE("format guards: how many buffers, constants and steps a program has") {
  const auto check = [](const auto& list_of, const auto& entry, std::uint32_t most, const std::string& what) {
    Program program;
    list_of(program).assign(most, entry);
    std::vector<std::uint64_t> offsets(program.constants.size() + 1);
    check_program(encode_program(program, offsets), {}, "");
    list_of(program).push_back(entry);
    check_program(encode_program(program, offsets), {}, std::to_string(most + 1) + what);
  };
  check(
      [](Program & p) -> auto& { return p.buffers; }, Buffer{}, kMaxBuffers, " buffers");
  check(
      [](Program & p) -> auto& { return p.constants; }, Constant{}, kMaxConstants, " constants");
  check(
      [](Program & p) -> auto& { return p.steps; }, Step{"", MeanRowsOp()}, kMaxSteps, " steps");
}

TEST_CASE("format guards: the type and the place of a constant") {
  const Bytes data(192);
  const auto check = [&](std::uint32_t type, std::uint64_t offset, std::size_t size, const std::string& reason) {
    Program program;
    const Bytes contents(size);
    program.constants.push_back({"x", static_cast<DataType>(type), contents});
    check_program(encode_program(program, std::vector<std::uint64_t>{offset}), data, reason);
  };
  const auto s32 = static_cast<std::uint32_t>(DataType::s32);
  const std::string misplaced = "does not lie in the data section of 192 bytes";
  check(s32, 128, 64, "");
  check(s32, 192, 0, "");
  check(s32 + 1, 128, 64, "unknown type");
  check(s32, 128, 68, misplaced);
  check(s32, 256, 0, misplaced);
  check(s32, ~std::uint64_t{63}, 64, misplaced);
  check(s32, 4, 64, misplaced);
  check(s32, 64, 6, misplaced);
  check(static_cast<std::uint32_t>(DataType::s16), 64, 3, misplaced);
}

TEST_CASE("format guards: where a program section ends, and what its steps are") {
  Program program;
  program.steps.push_back({std::string(kMaxNameBytes, 'x'), MeanRowsOp()});
  Bytes bytes = encode_program(program, {});
  check_program(bytes, {}, "");
  check_program({bytes.begin(), bytes.end() - 4}, {}, "ends too early");
  Bytes longer = bytes;
  longer.resize(bytes.size() + 4);
  check_program(longer, {}, "bytes after its end");
  bytes[bytes.size() - 12] = 99;  // before the length and the number of its fields, all of which are defaults
  check_program(bytes, {}, "operation 99");
  program.steps[0].layer += 'x';
  check_program(encode_program(program, {}), {}, "ends too early");
}

// What follows the head, the arena and the numbers of picture and logits.
std::string complaint_about_op_set_2(const std::vector<std::uint32_t>& words) {
  constexpr int kHeadWords = 11;
  ByteWriter writer;
  for (int i = 0; i < kHeadWords; ++i) writer.u32(0);
  for (const std::uint32_t word : words) writer.u32(word);
  return decode_program_2(writer.take(), {}).status().message();
}

TEST_CASE("format guards: op set 2, how much a program has and where its section ends") {
  const auto says = [](const std::vector<std::uint32_t>& words, const std::string& reason) {
    const std::string complaint = complaint_about_op_set_2(words);
    CHECK_MESSAGE(complaint.find(reason) != std::string::npos, complaint);
  };
  CHECK(complaint_about_op_set_2({0, 0, 0}).empty());
  says({0, 0, 0, 0}, "bytes after its end");
  says({0, 0}, "ends too early");
  says({0, 1}, "ends too early");  // before a constant
  says({0, 1, 0, 0, 1, 0, 0, 0}, "does not lie in the data section");
  says({kMaxBuffers}, "ends too early");
  says({kMaxBuffers + 1}, std::to_string(kMaxBuffers + 1) + " buffers");
  says({0, kMaxConstants}, "ends too early");
  says({0, kMaxConstants + 1}, std::to_string(kMaxConstants + 1) + " constants");
  says({0, 0, kMaxSteps}, "ends too early");
  says({0, 0, kMaxSteps + 1}, std::to_string(kMaxSteps + 1) + " steps");
  says({0, 0, 1, 0, 99}, "unknown operation 99");
}

TEST_CASE("format guards: what metadata say of logits") {
  const auto complaint = [](const TinyProgram& tiny, const std::string& kind) {
    const auto model = Model::from_memory(encode_model(tiny.program, {{"zero_shot", kind}}), "test");
    REQUIRE(model.ok());
    return model.value()->logit_rule().status().message();
  };
  for (const char* kind : {"softmax", "sigmoid"}) {
    CHECK(complaint(with_four_outputs(), kind).empty());
    CHECK(complaint(make_tiny_program(), kind).find("beside an output 'embedding'") != std::string::npos);
  }
  CHECK(complaint(with_four_outputs(), "other").find("must be softmax or sigmoid") != std::string::npos);
}

// The message about a metadata section; empty if it is decoded.
std::string complaint_about_metadata(const Bytes& bytes) { return decode_metadata(bytes).status().message(); }

TEST_CASE("format guards: metadata") {
  Bytes bytes = encode_metadata({{std::string(kMaxNameBytes, 'k'), std::string(1000, 'v')}, {"a", "b"}});
  CHECK(complaint_about_metadata(bytes).empty());
  CHECK(complaint_about_metadata({bytes.begin(), bytes.end() - 4}).find("is damaged") != std::string::npos);
  bytes.resize(bytes.size() + 4);
  CHECK(complaint_about_metadata(bytes).find("is damaged") != std::string::npos);
  bytes = encode_metadata({{std::string(kMaxNameBytes + 1, 'k'), "v"}});
  CHECK(complaint_about_metadata(bytes).find("is damaged") != std::string::npos);
  bytes = encode_metadata({{"a", "b"}});
  bytes[0] = 2;  // one more than there are, so that nothing is left and something is missing
  CHECK(complaint_about_metadata(bytes).find("is damaged") != std::string::npos);
  ByteWriter twice;
  twice.u32(2);
  for (const char* text : {"a", "1", "a", "2"}) twice.string(text);
  CHECK(complaint_about_metadata(twice.take()).find("names a key twice") != std::string::npos);
}

}  // namespace
}  // namespace intvit::test
