// Results come in the order of the pictures, one for each, the failed ones included, and do not depend on the threads.
#include "tools/common/pictures/classify_in_order.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "engine/format/checksum.h"
#include "engine/format/writer.h"
#include "engine/run/select_isa.h"
#include "tests/engine/tiny_model.h"
#include "tests/engine/tiny_ports.h"
#include "tools/common/pictures/input_pictures.h"

namespace intvit {
namespace {

// A folder with `count` small pictures (binary BMP, 24 bits) that goes away at the end.
class PictureFolder {
 public:
  explicit PictureFolder(int count) : path_(std::filesystem::temp_directory_path() / "intvit_classify_in_order_test") {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
    for (int i = 0; i < count; ++i) write(i);
  }
  ~PictureFolder() { std::filesystem::remove_all(path_); }
  PictureFolder(const PictureFolder&) = delete;
  PictureFolder& operator=(const PictureFolder&) = delete;

  std::string name(int i) const { return path_ / ("picture" + std::to_string(1000 + i) + ".bmp"); }
  std::string path() const { return path_; }

 private:
  void write(int i) const {
    constexpr int kEdge = 8, kHeader = 54;
    std::string file(kHeader + kEdge * kEdge * 3, '\0');
    file[0] = 'B', file[1] = 'M';
    file[2] = static_cast<char>(file.size());
    file[10] = kHeader, file[14] = 40, file[18] = kEdge, file[22] = kEdge, file[26] = 1, file[28] = 24;
    for (std::size_t at = kHeader; at < file.size(); ++at) {
      file[at] = static_cast<char>(static_cast<std::size_t>(i + 1) * 97 * at);
    }
    std::ofstream(name(i), std::ios::binary) << file;
  }

  std::filesystem::path path_;
};

std::vector<ClassifiedPicture> classify(const std::vector<InputPicture>& pictures, int threads) {
  std::vector<ClassifiedPicture> results;
  const auto workers = classify_in_order(test::tiny_model(), select_isa("").value(), threads, pictures,
                                         [&](std::size_t index, const ClassifiedPicture& picture) {
                                           CHECK(index == results.size());
                                           results.push_back(picture);
                                         });
  REQUIRE(workers.ok());
  CHECK(workers.value().threads == threads);
  return results;
}

TEST_CASE("classify_in_order: all in order, whatever the number of threads") {
  const int kCount = 40;
  const PictureFolder folder(kCount);
  std::vector<InputPicture> pictures;
  for (int i = 0; i < kCount; ++i) pictures.push_back({folder.name(i), {}});
  pictures[7].path += ".missing";
  pictures[12].problem = Status(Code::io, "a problem");
  const std::vector<ClassifiedPicture> expected = classify(pictures, 1);
  REQUIRE(expected.size() == pictures.size());
  for (int i = 0; i < kCount; ++i) CHECK(expected[static_cast<std::size_t>(i)].status.ok() == (i != 7 && i != 12));
  CHECK(expected[12].status.message() == "a problem");
  CHECK(expected[0].logits != expected[1].logits);
  for (const int threads : {2, 3, 8, 50}) {
    CAPTURE(threads);
    const std::vector<ClassifiedPicture> results = classify(pictures, threads);
    REQUIRE(results.size() == expected.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      CAPTURE(i);
      CHECK(results[i].status.message() == expected[i].status.message());
      CHECK(results[i].logits == expected[i].logits);
      CHECK(results[i].digest == expected[i].digest);
    }
  }
}

// Digests are compared between machines and releases: XXH64 with seed 0 of the little-endian logits.
TEST_CASE("outputs_digest: of a model that has nothing but logits, their XXH64") {
  const PictureFolder folder(1);
  const std::vector<ClassifiedPicture> results = classify({{folder.name(0), {}}}, 1);
  std::vector<std::uint8_t> bytes;
  for (const std::int32_t logit : results[0].logits) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(logit) >> shift));
    }
  }
  CHECK(results[0].digest == checksum64(bytes));
  CHECK(results[0].outputs.empty());
}

TEST_CASE("outputs: of every one the real values, and a digest of all") {
  const PictureFolder folder(1);
  std::vector<std::uint64_t> digests;
  for (const test::TinyProgram& tiny : {test::with_four_outputs(), test::without_logits()}) {
    const auto model = Model::from_memory(encode_model(tiny.program, {}), "ports");
    REQUIRE(model.ok());
    const std::vector<InputPicture> pictures = {{folder.name(0), {}}};
    const auto consume = [&](std::size_t, const ClassifiedPicture& picture) {
      const std::vector<Port>& ports = model.value()->outputs();
      REQUIRE(picture.outputs.size() == ports.size());
      for (std::size_t i = 0; i < ports.size(); ++i) CHECK(picture.outputs[i].size() == ports[i].count());
      CHECK(picture.logits.size() == static_cast<std::size_t>(model.value()->classes()));
      if (!picture.logits.empty()) CHECK(picture.outputs[0][3] == std::ldexp(picture.logits[3], -16));
      digests.push_back(picture.digest);
    };
    REQUIRE(classify_in_order(model.value(), Isa::scalar, 1, pictures, consume, true).ok());
  }
  REQUIRE(digests.size() == 2);
  CHECK(digests[0] != digests[1]);
}

// Many pictures are for a thread each, few for all threads together.
TEST_CASE("classify_in_order: the instruction set and the threads that were asked for do the work") {
  const PictureFolder folder(3);
  std::vector<InputPicture> pictures;
  for (int i = 0; i < 3; ++i) pictures.push_back({folder.name(i), {}});
  for (const Isa isa : available_isas()) {
    for (const int threads : {1, 2, 3, 5}) {
      const int each = threads < 3 ? 1 : threads;
      const auto workers = classify_in_order(test::tiny_model(), isa, threads, pictures,
                                             [&](std::size_t, const ClassifiedPicture& picture) {
                                               CHECK(picture.isa == isa);
                                               CHECK(picture.threads == each);
                                             });
      REQUIRE(workers.ok());
      CHECK(workers.value().isa == isa);
      CHECK(workers.value().threads == threads);
    }
  }
}

TEST_CASE("classify_in_order: a session that was made already is used where threads share pictures") {
  const PictureFolder folder(3);
  const std::shared_ptr<const Model> model = test::tiny_model();
  const Isa asked = available_isas().back();
  for (const int count : {1, 3}) {
    std::vector<InputPicture> pictures;
    for (int i = 0; i < count; ++i) pictures.push_back({folder.name(i), {}});
    ListFeed feed(pictures);
    // Its instruction set, which is not the one asked for, tells that it was used.
    auto made = Session::create(model, {.threads = 2, .isa = Isa::scalar});
    REQUIRE(made.ok());
    const auto workers = classify_in_order(
        model, asked, 2, feed, [](std::size_t, const ClassifiedPicture& picture) { CHECK(picture.status.ok()); }, {},
        {}, made.take());
    REQUIRE(workers.ok());
    CHECK(workers.value().isa == (count == 1 ? Isa::scalar : asked));
    CHECK(workers.value().threads == 2);
  }
}

TEST_CASE("classify_in_order: no memory for the results is an error, in whichever thread it is noticed") {
  const PictureFolder folder(40);
  std::vector<InputPicture> pictures;
  for (int i = 0; i < 40; ++i) pictures.push_back({folder.name(i), {}});
  for (const int threads : {1, 2, 8}) {
    std::size_t consumed = 0;
    const auto consume = [&](std::size_t, const ClassifiedPicture&) {
      if (++consumed == 3) throw std::bad_alloc();
    };
    const auto workers = classify_in_order(test::tiny_model(), Isa::scalar, threads, pictures, consume);
    REQUIRE(!workers.ok());
    CHECK(workers.status().code() == Code::out_of_memory);
    CHECK(consumed == 3);
  }
}

TEST_CASE("classify_in_order: a session that cannot be made is an error") {
  const auto no_consumer = [](std::size_t, const ClassifiedPicture&) {};
  const auto workers = classify_in_order(test::tiny_model(), Isa::scalar, 0, {}, no_consumer);
  REQUIRE(!workers.ok());
  CHECK(workers.status().code() == Code::invalid_argument);
}

TEST_CASE("expand_inputs: files, folders and names from a stream") {
  const PictureFolder folder(2);
  std::istringstream names(folder.name(1) + "\n\nno such file.png\n" + folder.path() + "\n");
  const std::vector<InputPicture> pictures = expand_inputs({folder.path(), "-", "x.png"}, names).take();
  const std::vector<std::string> expected = {folder.name(0), folder.name(1), folder.name(1), "no such file.png",
                                             folder.name(0), folder.name(1), "x.png"};
  REQUIRE(pictures.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(pictures[i].path == expected[i]);
    CHECK(pictures[i].problem.ok());
  }
}

TEST_CASE("expand_inputs: a folder without pictures is a problem, not nothing") {
  const PictureFolder folder(0);
  std::istringstream none;
  const std::vector<InputPicture> pictures = expand_inputs({folder.path()}, none).take();
  REQUIRE(pictures.size() == 1);
  CHECK(!pictures[0].problem.ok());
}

std::vector<std::string> names_in(const std::string& text, NameEnd end) {
  std::istringstream names(text);
  std::vector<std::string> paths;
  for (const InputPicture& picture : expand_inputs({"-"}, names, end).take()) paths.push_back(picture.path);
  return paths;
}

TEST_CASE("expand_inputs: names end as on any system, or with a NUL byte") {
  using Names = std::vector<std::string>;
  CHECK(names_in("\xEF\xBB\xBF"
                 "a.png\r\n\r\n b \r\n#c",
                 NameEnd::line) == Names{"a.png", " b ", "#c"});
  CHECK(names_in(std::string("a\nb\0\0c\r\0d", 9), NameEnd::null) == Names{"a\nb", "c\r", "d"});
  std::istringstream null_among_lines(std::string("a\0b\n", 4));
  CHECK(expand_inputs({"-"}, null_among_lines).status().code() == Code::invalid_argument);
  std::istringstream broken("a\n");
  broken.setstate(std::ios::badbit);
  CHECK(expand_inputs({"-"}, broken).status().code() == Code::io);
}

TEST_CASE("expand_inputs: a name that no file has is not kept whole") {
  std::istringstream names(std::string(100'000, 'x') + "\nnext\n");
  const std::vector<InputPicture> pictures = expand_inputs({"-"}, names).take();
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[0].path.size() < 1000);
  CHECK(pictures[0].problem.message().size() < 1000);
  CHECK(pictures[1].path == "next");
}

// Gives one picture, and the next only when the first has been answered.
class PatientFeed : public PictureFeed {
 public:
  PatientFeed(const std::string& name, const std::atomic<int>& answered) : name_(name), answered_(answered) {}
  std::optional<InputPicture> next() override {
    for (; answered_ < given_; answered_.wait(given_ - 1)) {
    }
    if (given_ == 3) return std::nullopt;
    ++given_;
    return InputPicture{name_, {}};
  }
  std::optional<std::size_t> count() const override { return std::nullopt; }

 private:
  std::string name_;
  const std::atomic<int>& answered_;
  int given_ = 0;
};

TEST_CASE("classify_in_order: a source that waits for the answer gets it") {
  const PictureFolder folder(1);
  for (const int threads : {1, 2}) {
    std::atomic<int> answered = 0;
    PatientFeed source(folder.name(0), answered);
    const auto consume = [&](std::size_t, const ClassifiedPicture& picture) {
      CHECK(picture.name == folder.name(0));
      ++answered;
      answered.notify_all();
    };
    REQUIRE(classify_in_order(test::tiny_model(), Isa::scalar, threads, source, consume).ok());
    CHECK(answered == 3);
  }
}

}  // namespace
}  // namespace intvit
