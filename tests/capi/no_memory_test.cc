// What becomes of open, create, set_picture and run when memory ends at any of their allocations: out_of_memory, and
// nothing that stays behind.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "intvit/intvit_picture.h"
#include "intvit/picture.h"
#include "intvit/session.h"
#include "tests/capi/tiny_files.h"
#include "tests/engine/count_allocations.h"

namespace intvit::test {
namespace {

const std::string kGoldenPictures = INTVIT_GOLDEN_DIR "/pictures/";

// Fails the allocations of `call` one after the other, each alone and each with all that follow. How many there are.
std::uint64_t fail_each_allocation(const std::string& what, const std::function<Code()>& call) {
  INFO(what);
  REQUIRE(call() == Code::ok);
  constexpr std::uint64_t kAllThatFollow = 1 << 30;
  std::uint64_t count = 0;
  for (const std::uint64_t failures : {std::uint64_t{1}, kAllThatFollow}) {
    for (bool any = true; any; ++count) {
      INFO("allocation " << count << ", failures " << failures);
      const std::int64_t before = live_allocations();
      Code code = Code::ok;
      {
        const FailingAllocations failing(count + 1, failures);
        code = call();
        any = failing.any();
      }
      const std::int64_t left = live_allocations() - before;
      REQUIRE(left == 0);
      // A thread, or an exception, that finds no memory may do without.
      if (failures > 1 || code != Code::ok) REQUIRE(code == (any ? Code::out_of_memory : Code::ok));
    }
    if (failures == 1) count = 0;
  }
  return count - 1;
}

bool skipped() {
  if (can_count_allocations()) return false;
  MESSAGE("SKIPPED: a sanitizer owns malloc");
  return true;
}

struct TinyFile {
  TinyFile() : path(std::filesystem::temp_directory_path() / ("intvit_no_memory_" + std::to_string(getpid()))) {
    const std::vector<std::uint8_t> bytes = four_outputs_file();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  ~TinyFile() { std::filesystem::remove(path); }
  TinyFile(const TinyFile&) = delete;
  TinyFile& operator=(const TinyFile&) = delete;

  const std::string path;
};

TEST_CASE("no memory: a model, a session and its pictures") {
  if (skipped()) return;
  const TinyFile file;
  const std::vector<std::uint8_t> pixels(20 * 15 * 4, 77);
  const PictureView view{pixels.data(), 20, 15, 20 * 4, PixelFormat::rgba};
  for (const Storage storage : {Storage::usual, Storage::copied}) {
    ModelOptions how;
    how.storage = storage;
    how.log = {[](void*, LogLevel, const char*) {}, nullptr};
    for (const int threads : {1, 2}) {
      SessionOptions options;
      options.threads = threads;
      options.batch = 2;
      options.profile = true;
      options.log = how.log;
      options.attention_layers = {0};
      const auto use = [&]() -> Code {
        const auto model = Model::open(file.path, how);
        if (!model.ok()) return model.status().code();
        const auto session = Session::create(model.value(), options);
        if (!session.ok()) return session.status().code();
        if (const Status status = session.value()->set_picture(1, view); !status.ok()) return status.code();
        if (const Status status = session.value()->try_run(2); !status.ok()) return status.code();
        if (const auto tokens = model.value()->attention_tokens(0); !tokens.ok()) return tokens.status().code();
        if (const auto rule = model.value()->logit_rule(); !rule.ok()) return rule.status().code();
        return session.value()->attention(1, 0).status().code();
      };
      MESSAGE(threads << " threads: " << fail_each_allocation("C++", use) << " allocations");
    }
  }
}

TEST_CASE("no memory: a session works on when there was none for a picture") {
  if (skipped()) return;
  const auto model = Model::from_memory(four_outputs_file(), "tiny");
  REQUIRE(model.ok());
  const auto session = Session::create(model.value(), {});
  REQUIRE(session.ok());
  std::vector<std::uint8_t> pixels(40 * 30 * 4);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i);
  const auto logits_of = [&](int width, int height) {
    REQUIRE(session.value()->set_picture(0, {pixels.data(), width, height, 40 * 4, PixelFormat::rgba}).ok());
    session.value()->run();
    return std::vector<std::int32_t>(session.value()->logits(0).begin(), session.value()->logits(0).end());
  };
  const std::vector<std::int32_t> expected = logits_of(20, 15);
  // Each failure is at another allocation of a larger picture's plan.
  for (std::uint64_t first = 1; first < 6; ++first) {
    Code code = Code::ok;
    {
      const FailingAllocations failing(first, 1);
      code = session.value()->set_picture(0, {pixels.data(), 40, 30, 40 * 4, PixelFormat::rgba}).code();
    }
    if (first == 1) CHECK(code == Code::out_of_memory);
    CHECK(logits_of(20, 15) == expected);
  }
}

TEST_CASE("no memory: the C interface") {
  if (skipped()) return;
  const TinyFile file;
  const std::string picture = kGoldenPictures + "baseline_420.jpg";
  const auto use = [&] {
    intvit_model* model = nullptr;
    intvit_session* session = nullptr;
    intvit_status status = intvit_model_open(file.path.c_str(), nullptr, &model);
    if (status == INTVIT_OK) status = intvit_session_create(model, nullptr, &session);
    if (status == INTVIT_OK) status = intvit_session_set_picture_file(session, 0, picture.c_str(), nullptr);
    if (status == INTVIT_OK) status = intvit_session_run(session, 1);
    intvit_session_close(session);
    intvit_model_close(model);
    return static_cast<Code>(status);
  };
  MESSAGE(fail_each_allocation("C", use) << " allocations");
}

TEST_CASE("no memory: pictures of every kind") {
  if (skipped()) return;
  for (const char* name : {"baseline_420.jpg", "progressive_420.jpg", "cmyk_adobe_2.jpg", "exif_6.jpg", "rgb_8.png",
                           "palette_4.png", "grey_16_interlaced.png", "lossy.webp", "palette_4.bmp", "rgb.pnm"}) {
    const std::string path = kGoldenPictures + name;
    PictureOptions options;
    options.exif_rotate = true;
    const Status readable = read_picture(path, options).status();
    if (readable.code() == Code::unsupported) {
      MESSAGE("SKIPPED: " << readable.message());
      continue;
    }
    const auto use = [&] { return read_picture(path, options).status().code(); };
    MESSAGE(std::string(name) << ": " << fail_each_allocation(name, use) << " allocations");
  }
}

}  // namespace
}  // namespace intvit::test
