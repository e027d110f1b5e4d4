// Files of pictures by the C interface: what the C++ one makes of them, and its refusals.
#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "intvit/intvit_picture.h"
#include "intvit/picture.h"
#include "tests/capi/last_error.h"
#include "tests/capi/tiny_files.h"

namespace intvit::test {
namespace {

const std::string kPictures = INTVIT_GOLDEN_DIR "/pictures/";

// A session of one picture, for a test.
struct PictureSession {
  PictureSession() {
    const std::vector<std::uint8_t> file = four_outputs_file();
    REQUIRE(intvit_model_from_memory(file.data(), file.size(), nullptr, nullptr, &model) == INTVIT_OK);
    REQUIRE(intvit_session_create(model, nullptr, &session) == INTVIT_OK);
  }
  ~PictureSession() {
    intvit_session_close(session);
    intvit_model_close(model);
  }
  PictureSession(const PictureSession&) = delete;
  PictureSession& operator=(const PictureSession&) = delete;

  std::vector<std::uint8_t> input() const {
    std::uint8_t* rgb = nullptr;
    std::size_t size = 0;
    REQUIRE(intvit_session_input(session, 0, &rgb, &size) == INTVIT_OK);
    return {rgb, rgb + size};
  }
  void clear() const {
    const std::vector<std::uint8_t> zeros(input().size());
    REQUIRE(intvit_session_set_input(session, 0, zeros.data(), zeros.size()) == INTVIT_OK);
  }

  intvit_model* model = nullptr;
  intvit_session* session = nullptr;
};

std::string some_picture() {
  for (const auto& entry : std::filesystem::directory_iterator(kPictures)) {
    if (entry.path().extension() == ".png" && read_picture(entry.path().string()).ok()) return entry.path().string();
  }
  return {};
}

TEST_CASE("C: a picture's file, its bytes and its pixels are the same input") {
  const PictureSession own;
  const std::string path = some_picture();
  REQUIRE(!path.empty());
  const Picture picture = read_picture(path).take();
  const intvit_pixels pixels{sizeof pixels,  picture.rgb.data(), picture.width,
                             picture.height, 3 * picture.width,  INTVIT_RGB};
  REQUIRE(intvit_session_set_picture(own.session, 0, &pixels) == INTVIT_OK);
  const std::vector<std::uint8_t> expected = own.input();
  own.clear();
  CHECK_MESSAGE(intvit_session_set_picture_file(own.session, 0, path.c_str(), nullptr) == INTVIT_OK,
                intvit_last_error());
  CHECK(own.input() == expected);
  own.clear();
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
  CHECK(intvit_session_set_picture_bytes(own.session, 0, bytes.data(), bytes.size(), nullptr, nullptr) == INTVIT_OK);
  CHECK(own.input() == expected);
  CHECK(std::string(intvit_picture_decoders()) == picture_decoders());
}

TEST_CASE("C: pictures that are refused, and why") {
  const PictureSession own;
  const std::string path = some_picture();
  const auto file = [&](const char* name, const intvit_picture_options* options = nullptr, int index = 0) {
    return intvit_session_set_picture_file(own.session, index, name, options);
  };
  CHECK(file(nullptr) == INTVIT_INVALID_ARGUMENT);
  CHECK(error_says("the picture's path is NULL"));
  CHECK(file("no such.png") == INTVIT_NOT_FOUND);
  CHECK(error_says("no such.png"));
  CHECK(file(path.c_str(), nullptr, 1) == INTVIT_INVALID_ARGUMENT);
  CHECK(error_says("picture 1 does not exist"));
  CHECK(intvit_session_set_picture_file(nullptr, 0, path.c_str(), nullptr) == INTVIT_INVALID_ARGUMENT);
  CHECK(intvit_session_set_picture_bytes(own.session, 0, nullptr, 3, nullptr, nullptr) == INTVIT_INVALID_ARGUMENT);
  CHECK(intvit_session_set_picture_bytes(own.session, 0, "no", 2, "that.jpg", nullptr) == INTVIT_UNSUPPORTED);
  CHECK(error_says("that.jpg"));
  intvit_picture_options options = INTVIT_PICTURE_OPTIONS_INIT;
  CHECK(file(path.c_str(), &options) == INTVIT_OK);
  options.max_pixels = 3;
  CHECK(file(path.c_str(), &options) == INTVIT_UNSUPPORTED);
  CHECK(error_says("the limit 'pixels' is 3"));
  options.max_pixels = -1;
  CHECK(file(path.c_str(), &options) == INTVIT_INVALID_ARGUMENT);
  options = INTVIT_PICTURE_OPTIONS_INIT;
  options.struct_size = 4;
  CHECK(file(path.c_str(), &options) == INTVIT_INVALID_ARGUMENT);
  CHECK(error_says("sizeof(intvit_picture_options)"));
}

}  // namespace
}  // namespace intvit::test
