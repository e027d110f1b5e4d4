// A model that is opened while a picture is read is the one that Model::open() gives, and whatever is wrong with it is
// said in the same words.
#include "engine/model/model_opening.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "engine/format/layout.h"
#include "engine/format/writer.h"
#include "intvit/session.h"
#include "tests/engine/tiny_program.h"

namespace intvit::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A file that goes away at the end.
class ModelFile {
 public:
  explicit ModelFile(const Bytes& bytes)
      : path_(std::filesystem::temp_directory_path() / ("intvit_model_opening_" + std::to_string(::getpid()))) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  ~ModelFile() { std::filesystem::remove(path_); }
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;

  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void check_same_as_open(const std::string& path) {
  const Result<std::shared_ptr<const Model>> expected = Model::open(path);
  ModelOpening opening(path);
  const Result<std::shared_ptr<const Model>> found = opening.finish();
  REQUIRE(found.ok() == expected.ok());
  CHECK(found.status().code() == expected.status().code());
  CHECK(found.status().message() == expected.status().message());
}

std::vector<std::int32_t> logits_of(const std::shared_ptr<const Model>& model) {
  SessionOptions options;
  options.isa = Isa::scalar;
  const Result<std::unique_ptr<Session>> session = Session::create(model, options);
  REQUIRE(session.ok());
  const std::vector<std::uint8_t> picture = tiny_picture({}, 1);
  std::memcpy(session.value()->picture(0), picture.data(), picture.size());
  session.value()->run();
  return {session.value()->logits(0).begin(), session.value()->logits(0).end()};
}

SectionRecord data_of(const Bytes& bytes) {
  for (std::size_t at = sizeof(FileHeader);; at += sizeof(SectionRecord)) {
    SectionRecord record;
    std::memcpy(&record, bytes.data() + at, sizeof record);
    if (record.id == static_cast<std::uint32_t>(SectionId::data)) return record;
  }
}

TEST_CASE("model opening: the model of Model::open()") {
  const ModelFile file(tiny_model_bytes());
  const auto expected = Model::open(file.path());
  REQUIRE(expected.ok());
  ModelOpening opening(file.path());
  REQUIRE(opening.geometry() != nullptr);
  CHECK(static_cast<int>(opening.geometry()->width) == expected.value()->input_width());
  CHECK(static_cast<int>(opening.geometry()->height) == expected.value()->input_height());
  const auto model = opening.finish();
  REQUIRE(model.ok());
  CHECK(opening.geometry() == nullptr);
  CHECK(model.value()->digest() == expected.value()->digest());
  CHECK(logits_of(model.value()) == logits_of(expected.value()));
}

TEST_CASE("model opening: no model of data whose checksum is wrong, however late that is found") {
  Bytes bytes = tiny_model_bytes();
  const SectionRecord data = data_of(bytes);
  // The last byte is padding or a weight, of which nothing but the checksum knows.
  bytes[data.offset + data.size - 1] ^= 1;
  const ModelFile file(bytes);
  ModelOpening opening(file.path());
  CHECK(opening.geometry() != nullptr);
  const auto model = opening.finish();
  REQUIRE(!model.ok());
  CHECK(model.status().code() == Code::corrupt_file);
  CHECK(model.status().message().find("section 3 is damaged") != std::string::npos);
}

TEST_CASE("model opening: the words of Model::open() for whatever is wrong") {
  const Bytes bytes = tiny_model_bytes();
  const SectionRecord data = data_of(bytes);
  int without_geometry = 0;
  // Bytes before the data, and some of those; some of the damaged data would not pass the checks of the program.
  for (std::size_t at = 0; at < bytes.size(); at += at < data.offset ? 7 : 97) {
    Bytes damaged = bytes;
    damaged[at] ^= 0xff;
    const ModelFile file(damaged);
    check_same_as_open(file.path());
    if (at >= data.offset) without_geometry += ModelOpening(file.path()).geometry() == nullptr ? 1 : 0;
  }
  CHECK(without_geometry > 0);
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{100}, bytes.size() - 1}) {
    const ModelFile file({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
    check_same_as_open(file.path());
  }
  check_same_as_open(std::filesystem::temp_directory_path() / "intvit_no_such_model");
  check_same_as_open(std::filesystem::temp_directory_path());
}

TEST_CASE("model opening: no model of a program that cannot run, though every checksum is right") {
  TinyProgram tiny = make_tiny_program();
  tiny.program.input.height = 0;
  const ModelFile file(encode_model(tiny.program, tiny_metadata()));
  CHECK(ModelOpening(file.path()).geometry() == nullptr);
  CHECK(!ModelOpening(file.path()).finish().ok());
  check_same_as_open(file.path());
}

TEST_CASE("model opening: what follows gets the model that is right, once, before finish() returns") {
  const ModelFile file(tiny_model_bytes());
  std::vector<std::shared_ptr<const Model>> given;
  ModelOpening opening(file.path(), [&](const std::shared_ptr<const Model>& model) { given.push_back(model); });
  const auto model = opening.finish();
  REQUIRE(model.ok());
  REQUIRE(given.size() == 1);
  CHECK(given[0] == model.value());

  Bytes bytes = tiny_model_bytes();
  const SectionRecord data = data_of(bytes);
  for (const std::size_t at : {std::size_t{0}, std::size_t{data.offset + data.size - 1}}) {
    Bytes damaged = bytes;
    damaged[at] ^= 1;
    const ModelFile wrong(damaged);
    ModelOpening with_wrong(wrong.path(), [&](const std::shared_ptr<const Model>& right) { given.push_back(right); });
    CHECK(!with_wrong.finish().ok());
    CHECK(given.size() == 1);
  }
}

TEST_CASE("model opening: the model is there though what follows had no memory") {
  const ModelFile file(tiny_model_bytes());
  ModelOpening opening(file.path(), [](const std::shared_ptr<const Model>&) { throw std::bad_alloc(); });
  CHECK(opening.finish().ok());
}

TEST_CASE("model opening: nobody has to wait for the end of it") {
  const ModelFile file(tiny_model_bytes());
  for (int i = 0; i < 20; ++i) ModelOpening opening(file.path());
}

}  // namespace
}  // namespace intvit::test
