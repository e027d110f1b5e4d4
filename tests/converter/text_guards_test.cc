// Texts, indices of shards and headers of safetensors, each wrong in one place, and what says so.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>

#include "converter/read/checkpoint.h"
#include "converter/read/safetensors.h"
#include "converter/read/text_file.h"
#include "tests/converter/checkpoints.h"

namespace intvit {
namespace {

using checkpoints::contains;
using checkpoints::TempFolder;

void check_says(const Status& status, Code code, const std::string& part) {
  CAPTURE(part);
  CAPTURE(status.message());
  CHECK(status.code() == code);
  CHECK(contains(status.message(), part));
}

TEST_CASE("JSON files that are wrong are refused, each for its reason") {
  const TempFolder folder;
  const auto read = [&folder](const std::string& text) {
    folder.write("x.json", text);
    return read_json_file(folder.file("x.json")).status();
  };
  const auto nested = [](int depth) {
    const std::string begin(static_cast<std::size_t>(depth), '[');
    return "{\"a\": " + begin + std::string(begin.size(), ']') + "}";
  };
  CHECK(read(nested(31)).ok());
  CHECK(read(R"({"a]]": "[[", "b\"[": ["\\", "["], "c": NaN, "d": "NaN \" Infinity", "e": -Infinity})").ok());
  check_says(read(nested(32)), Code::corrupt_file, "nested more than 32 deep");
  std::string braces;
  for (int i = 0; i < 33; ++i) braces += "{\"a\":";
  check_says(read(braces), Code::corrupt_file, "nested more than 32 deep");
  std::string shallow = "{\"a\": [";
  for (int i = 0; i < 100; ++i) shallow += i == 0 ? "[]" : ",{}";
  CHECK(read(shallow + "]}").ok());
  std::string zeros = "{\"a\": [0";
  for (int i = 0; i < 1'000'000; ++i) zeros += ",0";
  check_says(read(zeros + "]}"), Code::corrupt_file, "more than 1000000 values");
  check_says(read("{"), Code::corrupt_file, "is not valid JSON");
  check_says(read("]]"), Code::corrupt_file, "is not valid JSON");
  check_says(read("[]"), Code::corrupt_file, "is not a JSON object");
  check_says(read(R"({"a": 1, "a": 2})"), Code::corrupt_file, "the key 'a' twice");
  CHECK(read(R"({"a": {"b": 1}, "b": {"b": 2}})").ok());
}

TEST_CASE("text files that cannot be read say why") {
  const TempFolder folder;
  check_says(read_text_file(folder.file("none")).status(), Code::not_found, "not found");
  check_says(read_text_file(folder.path()).status(), Code::invalid_argument, "not a regular file");
  check_says(read_json_file(folder.file("none")).status(), Code::not_found, "not found");
  folder.write("large", "");
  std::filesystem::resize_file(folder.file("large"), (std::size_t{16} << 20) + 1);
  check_says(read_text_file(folder.file("large")).status(), Code::corrupt_file, "larger than the 16 MiB");
  std::filesystem::resize_file(folder.file("large"), std::size_t{16} << 20);
  CHECK(read_text_file(folder.file("large")).value().size() == std::size_t{16} << 20);
  // A regular file, of which the first page cannot be read.
  check_says(read_text_file("/proc/self/mem").status(), Code::io, "Input/output error");
}

TEST_CASE("indices of shards that are wrong are refused, each for its reason") {
  const TempFolder folder;
  const checkpoints::StoredTensor one{{1}, {1.0f}};
  folder.write("s.safetensors", checkpoints::safetensors({{"a", one}}));
  folder.write("t.safetensors", checkpoints::safetensors({{"b", one}}));
  const auto open = [&folder](const std::string& index) {
    folder.write("model.safetensors.index.json", index);
    return Checkpoint::open(folder.path()).status();
  };
  CHECK(open(R"({"weight_map": {"a": "s.safetensors", "b": "t.safetensors"}})").ok());
  check_says(open("{"), Code::corrupt_file, "is not valid JSON");
  for (const char* none : {"{}", R"({"weight_map": 1})", R"({"weight_map": {}})", R"({"weight_map": []})"}) {
    check_says(open(none), Code::corrupt_file, "has no weight_map");
  }
  check_says(open(R"({"weight_map": {"a": 1}})"), Code::corrupt_file, "no file name for 'a'");
  check_says(open(R"({"weight_map": {"a": "t.safetensors", "b": "s.safetensors"}})"), Code::corrupt_file,
             "puts 'a' into 't.safetensors', which lacks it");
  std::string many = R"({"weight_map": {"a": "s.safetensors")";
  for (int i = 0; i < 1024; ++i) many += ", \"" + std::to_string(i) + "\": \"" + std::to_string(i) + "\"";
  check_says(open(many + "}}"), Code::corrupt_file, "more than 1024 files");
}

TEST_CASE("checkpoints that are not there or of another kind say so") {
  const TempFolder folder;
  check_says(Checkpoint::open(folder.path()).status(), Code::not_found, folder.path());
  folder.write("tf_model.h5", "");
  check_says(Checkpoint::open(folder.path()).status(), Code::unsupported, "tf_model.h5");
  check_says(Checkpoint::open(folder.file("tf_model.h5")).status(), Code::unsupported, "tf_model.h5");
  folder.write("x.safetensors", checkpoints::safetensors({{"a", {{1}, {1.0f}}}}));
  const auto file = Checkpoint::open(folder.file("x.safetensors"));
  REQUIRE(file.ok());
  check_says(file.value().read("b").status(), Code::not_found, "no tensor 'b'");
}

TEST_CASE("safetensors: headers beyond their limits are refused, each for its reason") {
  const auto open = [](const std::string& bytes) {
    return SafetensorsFile::open_memory(std::as_bytes(std::span(bytes)), "x.st").status();
  };
  const auto of_a = [&open](const std::string& tensor) {
    return open(checkpoints::with_header("{\"a\":" + tensor + "}", "1234"));
  };
  const auto ones = [](int count) {
    std::string shape = "1";
    for (int i = 1; i < count; ++i) shape += ",1";
    return R"({"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[0,4]})";
  };
  CHECK(of_a(ones(16)).ok());
  check_says(of_a(ones(17)), Code::corrupt_file, "more than 16 dimensions");
  check_says(of_a(R"({"shape":[1],"data_offsets":[0,4]})"), Code::corrupt_file, "'a' lacks dtype");
  check_says(of_a(R"({"dtype":"F32","data_offsets":[0,4]})"), Code::corrupt_file, "'a' lacks dtype, shape");
  check_says(of_a(R"({"dtype":{}})"), Code::corrupt_file, "'a' has an object");
  CHECK(of_a(R"({"dtype":"UNHEARD_OF","shape":[7],"data_offsets":[0,4]})").ok());
  const std::string name(1024, 'n'), empty = R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
  CHECK(open(checkpoints::with_header("{\"" + name + empty + "}", "")).ok());
  check_says(open(checkpoints::with_header("{\"" + name + "n" + empty + "}", "")), Code::corrupt_file,
             "longer than 1024 bytes");
  check_says(open("1234567"), Code::corrupt_file, "7 bytes");
}

}  // namespace
}  // namespace intvit
