// Safetensors files: types, and that a damaged or hostile file gives one clear message.
#include "converter/read/safetensors.h"

#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/converter/checkpoints.h"

using namespace intvit;
using namespace intvit::checkpoints;

namespace {

// The file is refused with `code`, in one line that has `part`.
void check_refused(const std::string& bytes, Code code, const std::string& part) {
  const Result<SafetensorsFile> file = SafetensorsFile::open_memory(std::as_bytes(std::span(bytes)), "hostile.st");
  REQUIRE_FALSE(file.ok());
  CAPTURE(file.status().message());
  CHECK(file.status().code() == code);
  CHECK(contains(file.status().message(), "hostile.st"));
  CHECK(contains(file.status().message(), part));
  CHECK_FALSE(contains(file.status().message(), "\n"));
}

// One tensor 'a' with 8 bytes of data.
void check_tensor_refused(const std::string& tensor, const std::string& part) {
  check_refused(with_header("{\"a\":" + tensor + "}", "12345678"), Code::corrupt_file, part);
}

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

std::vector<std::uint32_t> read_16_bit(const std::string& dtype, std::vector<std::uint16_t> words) {
  const std::string data(reinterpret_cast<const char*>(words.data()), words.size() * 2);
  // A header of odd length, so that the data are not aligned.
  std::string header = "{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + std::to_string(words.size()) +
                       "],\"data_offsets\":[0," + std::to_string(data.size()) + "]}}";
  if (header.size() % 2 == 0) header += ' ';
  const std::string bytes = with_header(header, data);
  const auto file = SafetensorsFile::open_memory(std::as_bytes(std::span(bytes)), "memory");
  REQUIRE(file.ok());
  const auto values = file.value().read("a");
  REQUIRE(values.ok());
  return bits_of(values.value());
}

}  // namespace

TEST_CASE("safetensors: f16, bf16 and f32 are converted exactly") {
  // 0, -0, smallest and largest subnormal, smallest normal, 1, -2, largest.
  CHECK(read_16_bit("F16", {0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x3c00, 0xc000, 0x7bff}) ==
        bits_of({0.0f, -0.0f, 0x1p-24f, -0x3ffp-24f, 0x1p-14f, 1.0f, -2.0f, 65504.0f}));
  CHECK(read_16_bit("BF16", {0x0000, 0x8000, 0x0001, 0x3f80, 0xc049, 0x7f7f}) ==
        std::vector<std::uint32_t>{0, 0x80000000u, 0x10000u, 0x3f800000u, 0xc0490000u, 0x7f7f0000u});

  const StoredTensor tensor = {{3}, {std::bit_cast<float>(1u), -0.0f, 0.1f}};
  const TempFolder folder;
  folder.write("x.safetensors", safetensors({{"a", tensor}}, R"({"format":"pt"})"));
  const auto file = SafetensorsFile::open(folder.file("x.safetensors"));
  REQUIRE(file.ok());
  CHECK(file.value().metadata().at("format") == "pt");
  const auto values = file.value().read("a");
  REQUIRE(values.ok());
  CHECK(bits_of(values.value()) == bits_of(tensor.values));
  CHECK(file.value().read("b").status().code() == Code::not_found);
}

TEST_CASE("safetensors: other types are listed but not read as weights") {
  const std::string bytes = with_header(R"({"index":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", "12345678");
  const auto file = SafetensorsFile::open_memory(std::as_bytes(std::span(bytes)), "memory");
  REQUIRE(file.ok());
  REQUIRE(file.value().tensors().size() == 1);
  const auto values = file.value().read("index");
  CHECK(values.status().code() == Code::unsupported);
  CHECK(contains(values.status().message(), "'index'"));
  CHECK(contains(values.status().message(), "I64"));
}

TEST_CASE("safetensors: hostile headers") {
  check_refused("", Code::corrupt_file, "0 bytes");
  check_refused(std::string(8, '\0'), Code::corrupt_file, "claims 0 bytes");
  check_refused(std::string(8, '\xff') + "{}", Code::corrupt_file, "claims 18446744073709551615 bytes");
  check_refused(with_header("{}", "").substr(0, 9), Code::corrupt_file, "claims 2 bytes");
  check_refused(with_header("not JSON", ""), Code::corrupt_file, "not JSON");
  check_refused(with_header("{\"\xff\xfe\":1}", ""), Code::corrupt_file, "not JSON");
  check_refused(with_header("{} {}", ""), Code::corrupt_file, "not JSON");
  check_refused(with_header("[1]", ""), Code::corrupt_file, "array");
  check_refused(with_header("1e999", ""), Code::corrupt_file, "JSON");
  check_refused(with_header(std::string(100000, '['), ""), Code::corrupt_file, "array");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  check_refused(with_header(objects, ""), Code::corrupt_file, "'a' has the unknown key");
  check_refused(with_header(R"({"__metadata__":{"a":1}})", ""), Code::corrupt_file, "'__metadata__'");
  check_refused(with_header(R"({"__metadata__":{},"__metadata__":{}})", ""), Code::corrupt_file, "twice");
  check_refused(with_header(R"({"a\nb":1})", ""), Code::corrupt_file, "'a?b'");
}

TEST_CASE("safetensors: hostile tensors are named") {
  check_tensor_refused(R"({"dtype":"F32","shape":[2]})", "'a' lacks");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,16]})", "'a' has data_offsets [0, 16]");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", "'a' has data_offsets [8, 0]");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]})", "'a' has the number");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,1e3]})", "'a' has the number '1e3'");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})", "'a' has more than two");
  check_tensor_refused(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", "'a' has the negative -2");
  check_tensor_refused(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})", "'a' has the number '2.5'");
  check_tensor_refused(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", "'a' has shape [3]");
  check_tensor_refused(R"({"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]})", "too large");
  check_tensor_refused(R"({"dtype":"F32","shape":[[2]],"data_offsets":[0,8]})", "'a' has an array");
  check_tensor_refused(R"({"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})", "'a' has shape twice");
  const std::string at0 = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  const std::string at2 = R"({"dtype":"F32","shape":[1],"data_offsets":[2,6]})";
  const std::string at4 = R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})";
  check_refused(with_header("{\"a\":" + at0 + ",\"b\":" + at2 + "}", "12345678"), Code::corrupt_file,
                "'b' overlaps 'a'");
  check_refused(with_header("{\"a\":" + at0 + ",\"a\":" + at4 + "}", "12345678"), Code::corrupt_file,
                "'a' is there twice");
  check_refused(with_header("{\"a\":" + at0 + ",\"a\":" + at0 + "}", "12345678"), Code::corrupt_file,
                "'a' is there twice");
  check_refused(with_header(R"({"__metadata__":null,"__metadata__":null})", ""), Code::corrupt_file, "twice");
  const std::string none = with_header("{\"__metadata__\":null,\"a\":" + at0 + "}", "1234");
  CHECK(SafetensorsFile::open_memory(std::as_bytes(std::span(none)), "null").ok());
}

TEST_CASE("safetensors: every truncation of a file is refused") {
  const std::string bytes = safetensors({{"a", numbered({2, 3}, 1)}, {"b", numbered({4}, 2)}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string part = bytes.substr(0, size);
    CAPTURE(size);
    const auto file = SafetensorsFile::open_memory(std::as_bytes(std::span(part)), "cut");
    REQUIRE_FALSE(file.ok());
    CHECK(file.status().code() == Code::corrupt_file);
  }
}
