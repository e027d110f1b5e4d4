// Where a model's bytes are, what a session takes, and what the library says of both.
#include <doctest/doctest.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "intvit/session.h"
#include "tests/engine/count_allocations.h"
#include "tests/engine/tiny_model.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

namespace fs = std::filesystem;

using Bytes = std::vector<std::uint8_t>;

std::vector<std::int32_t> stored_logits(const std::shared_ptr<const Model>& model, Isa isa = Isa::scalar) {
  SessionOptions options;
  options.isa = isa;
  const auto session = Session::create(model, options);
  REQUIRE(session.ok());
  const Bytes picture = tiny_picture({}, 1);
  std::memcpy(session.value()->picture(0), picture.data(), picture.size());
  session.value()->run();
  return {session.value()->logits(0).begin(), session.value()->logits(0).end()};
}

// A file that ends with the scope.
class StoredFile {
 public:
  explicit StoredFile(const Bytes& bytes)
      : path_(fs::temp_directory_path() / ("intvit_storage_" + std::to_string(getpid()) + ".bin")) {
    write(bytes);
  }
  ~StoredFile() { fs::remove(path_); }
  StoredFile(const StoredFile&) = delete;
  StoredFile& operator=(const StoredFile&) = delete;

  void write(const Bytes& bytes) const {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

ModelOptions stored(Storage storage) {
  ModelOptions options;
  options.storage = storage;
  return options;
}

TEST_CASE("storage: a model that copied its file survives what becomes of the file") {
  const Bytes bytes = tiny_model_bytes();
  const StoredFile file(bytes);
  const std::vector<std::int32_t> expected = stored_logits(tiny_model());
  const auto model = Model::open(file.path(), stored(Storage::copied));
  REQUIRE(model.ok());
  CHECK(model.value()->file_bytes() == bytes.size());
  file.write(Bytes(10, 7));  // a mapped file would now end behind its tenth byte
  CHECK(stored_logits(model.value()) == expected);
  CHECK(Model::open(file.path(), stored(Storage::copied)).status().code() == Code::corrupt_file);
  const std::string missing = file.path() + ".missing";
  for (const Storage storage : {Storage::usual, Storage::in_place, Storage::copied}) {
    const Status status = Model::open(missing, stored(storage)).status();
    CHECK(status.code() == Code::not_found);
    CHECK(status.message().find(missing) != std::string::npos);
    CHECK(Model::open("/", stored(storage)).status().code() == Code::io);
  }
}

TEST_CASE("storage: memory in place is read where it is, at any multiple of 8") {
  const Bytes bytes = tiny_model_bytes();
  const std::vector<std::int32_t> expected = stored_logits(tiny_model());
  std::vector<Isa> isas = vector_isas();
  isas.insert(isas.begin(), Isa::scalar);
  std::vector<std::uint64_t> room(bytes.size() / 8 + 16);
  for (std::size_t words = 0; words < 8; ++words) {
    auto* place = reinterpret_cast<std::uint8_t*>(room.data() + words);
    std::memcpy(place, bytes.data(), bytes.size());
    const auto model = Model::from_memory({place, bytes.size()}, "borrowed", stored(Storage::in_place));
    REQUIRE(model.ok());
    for (const Isa isa : isas)
      CHECK_MESSAGE(stored_logits(model.value(), isa) == expected, words << ", " << describe(isa));
    for (const Constant& constant : model.value()->program().constants) {
      const auto* data = constant.bytes.data();
      if (!constant.bytes.empty()) CHECK((data >= place && data < place + bytes.size()));
    }
  }
  auto* odd = reinterpret_cast<std::uint8_t*>(room.data()) + 4;
  std::memcpy(odd, bytes.data(), bytes.size());
  const Status refused = Model::from_memory({odd, bytes.size()}, "odd", stored(Storage::in_place)).status();
  CHECK(refused.code() == Code::invalid_argument);
  CHECK(refused.message().find("multiple of 8") != std::string::npos);
  CHECK(Model::from_memory({odd, bytes.size()}, "odd").ok());
}

TEST_CASE("storage: impossible options and no bytes are errors") {
  for (const int storage : {-1, 3, 1 << 30}) {
    const ModelOptions options = stored(static_cast<Storage>(storage));
    CHECK(Model::open("x", options).status().code() == Code::invalid_argument);
    CHECK(Model::from_memory({}, "x", options).status().code() == Code::invalid_argument);
  }
  CHECK(Model::from_memory({static_cast<const std::uint8_t*>(nullptr), 10}, "x").status().code() ==
        Code::invalid_argument);
  for (const Storage storage : {Storage::usual, Storage::in_place, Storage::copied}) {
    CHECK(Model::from_memory({}, "x", stored(storage)).status().code() == Code::corrupt_file);
  }
}

#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ >= 233
std::uint64_t heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST_CASE("session: its memory is known before it is made") {
  if (!can_count_allocations()) {
    MESSAGE("SKIPPED: a sanitizer owns malloc");
    return;
  }
  for (const auto& [name, options] : all_variants()) {
    const auto model = tiny_model(options);
    for (const SessionOptions& asked : {SessionOptions{}, SessionOptions{2, 64, Isa::scalar, false, false, {}, {}},
                                        SessionOptions{3, 16, Isa::scalar, true, true, {}, {}}}) {
      const Result<std::uint64_t> expected = Session::memory_bytes(*model, asked);
      REQUIRE(expected.ok());
      const std::uint64_t before = heap_bytes();
      const auto session = Session::create(model, asked);
      const std::uint64_t taken = heap_bytes() - before;
      CHECK_MESSAGE(taken >= expected.value(), name);
      CHECK_MESSAGE(taken <= expected.value() + expected.value() / 100 + 64 * 1024, name << ": " << taken);
    }
  }
}
#endif

TEST_CASE("session: the memory of impossible options is an error") {
  const auto model = tiny_model();
  SessionOptions options;
  options.threads = 0;
  CHECK(Session::memory_bytes(*model, options).status().code() == Code::invalid_argument);
  options = {};
  options.batch = kMaxBatch + 1;
  CHECK(Session::memory_bytes(*model, options).status().code() == Code::invalid_argument);
}

TEST_CASE("log: what was opened and made, and a warning of too many threads") {
  struct Lines {
    std::vector<std::string> info, warnings;
  } lines;
  const LogSink log{[](void* context, LogLevel level, const char* message) {
                      auto& seen = *static_cast<Lines*>(context);
                      (level == LogLevel::info ? seen.info : seen.warnings).emplace_back(message);
                    },
                    &lines};
  const Bytes bytes = tiny_model_bytes();
  ModelOptions options;
  options.log = log;
  const auto model = Model::from_memory(bytes, "some.bin", options);
  REQUIRE(model.ok());
  REQUIRE(lines.info.size() == 1);
  CHECK(lines.info[0] == "model 'some.bin': " + std::to_string(bytes.size()) + " bytes copied, op set 3, 1 output");
  SessionOptions asked;
  asked.isa = Isa::scalar;
  asked.log = log;
  const std::uint64_t memory = Session::memory_bytes(*model.value(), asked).value();
  REQUIRE(Session::create(model.value(), asked).ok());
  REQUIRE(lines.info.size() == 2);
  CHECK(lines.info[1] == "session: scalar, 1 threads, batch 1, " + std::to_string(memory) + " bytes");
  CHECK(lines.warnings.empty());
  asked.threads = kMaxThreads / 8;
  asked.batch = 1;
  REQUIRE(Session::create(model.value(), asked).ok());
  if (sysconf(_SC_NPROCESSORS_ONLN) < asked.threads) {
    REQUIRE(lines.warnings.size() == 1);
    CHECK(lines.warnings[0].find("128 threads on ") != std::string::npos);
  }
}

}  // namespace
}  // namespace intvit::test
