// Arrays of what a network in floating point is fed become the pixels that they were.
#include "tools/common/pictures/frame_feed.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tools/common/results/npy.h"

namespace intvit {
namespace {

const Normalisation kImageNet = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};

// 2 x 128 pixels, in which each channel has all values.
constexpr int kHeight = 2, kWidth = 128;

std::uint8_t pixel(int place, int channel) { return static_cast<std::uint8_t>(place * (2 * channel + 1)); }

// As torchvision's ToTensor and Normalize have it, in float32.
std::vector<float> normalised() {
  std::vector<float> values;
  for (int c = 0; c < 3; ++c) {
    const auto i = static_cast<std::size_t>(c);
    for (int place = 0; place < kHeight * kWidth; ++place) {
      const float scaled = static_cast<float>(pixel(place, c)) / 255.0f;
      values.push_back((scaled - static_cast<float>(kImageNet.mean[i])) / static_cast<float>(kImageNet.std[i]));
    }
  }
  return values;
}

std::string file_of(const std::vector<std::vector<float>>& pictures, const std::vector<std::size_t>& shape) {
  NpyMatrix array(shape);
  for (const std::vector<float>& picture : pictures) array.add_row(picture);
  const auto bytes = array.bytes();
  return {bytes.begin(), bytes.end()};
}

std::vector<InputPicture> all(const std::string& file, const std::optional<Normalisation>& normalisation = kImageNet) {
  std::istringstream data(file);
  FrameFeed feed({"-"}, data, FrameFormat{}, kWidth, kHeight, normalisation);
  std::vector<InputPicture> pictures;
  while (std::optional<InputPicture> picture = feed.next()) pictures.push_back(*picture);
  return pictures;
}

TEST_CASE("FrameFeed: normalised arrays give back every pixel, channels last") {
  const auto pictures = all(file_of({normalised(), normalised()}, {3, kHeight, kWidth}));
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[1].path == "-#1");
  for (const InputPicture& picture : pictures) {
    REQUIRE(picture.problem.ok());
    REQUIRE(picture.prepared->bytes == 3 * kHeight * kWidth);
    for (int i = 0; i < 3 * kHeight * kWidth; ++i)
      CHECK(picture.prepared->pixels[static_cast<std::size_t>(i)] == pixel(i / 3, i % 3));
  }
}

TEST_CASE("FrameFeed: normalised arrays round, and may be beyond the ends a little") {
  std::vector<float> values = normalised();
  values[0] = 100, values[1] = -100;
  values[2] = static_cast<float>((7.4 / 255 - kImageNet.mean[0]) / kImageNet.std[0]);
  values[3] = static_cast<float>((7.6 / 255 - kImageNet.mean[0]) / kImageNet.std[0]);
  values[4] = std::numeric_limits<float>::infinity();
  const auto pictures = all(file_of({values}, {3, kHeight, kWidth}));
  REQUIRE(pictures[0].problem.ok());
  const std::uint8_t* pixels = pictures[0].prepared->pixels.get();
  CHECK(pixels[0] == 255);
  CHECK(pixels[3] == 0);
  CHECK(pixels[6] == 7);
  CHECK(pixels[9] == 8);
  CHECK(pixels[12] == 255);
}

TEST_CASE("FrameFeed: normalised arrays that are something else say what") {
  const auto problem = [](const std::vector<InputPicture>& pictures) {
    REQUIRE(pictures.size() == 1);
    CHECK(!pictures[0].problem.ok());
    return pictures[0].problem.message();
  };
  const auto has = [](const std::string& text, const std::string& part) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, text);
  };
  has(problem(all(file_of({normalised()}, {kHeight, kWidth, 3}))),
      "-: its shape is [1, 2, 128, 3], but of <f4 this model takes [3, 2, 128] or a number of these");
  has(problem(all(file_of({normalised()}, {3, kHeight, kWidth}), std::nullopt)), "does not say by which mean and std");
  std::vector<float> values = normalised();
  values[700] = std::numeric_limits<float>::quiet_NaN();
  has(problem(all(file_of({values}, {3, kHeight, kWidth}))), "-#0: it has values that are no numbers");
  for (float& value : values) value = 200;
  has(problem(all(file_of({values}, {3, kHeight, kWidth}))), "-#0: 100 % of its values are no pixels");
  const std::string whole = file_of({normalised()}, {3, kHeight, kWidth});
  has(problem(all(whole.substr(0, whole.size() - 1))), "-#0: it ends after 3071 of 3072 bytes");
}

TEST_CASE("normalisation_of: what vitconvert writes, and nothing else") {
  const auto of = [](const std::string& text) { return normalisation_of({{"preprocessing", text}}); };
  const auto found =
      of("bicubic resize, crop_pct 0.9, center crop to 64x64, mean 0.485 0.456 0.406, std 0.229 0.224 1");
  REQUIRE(found);
  CHECK(found->mean[2] == 0.406);
  CHECK(found->std[0] == 0.229);
  CHECK(found->std[2] == 1);
  CHECK(!normalisation_of({}));
  for (const char* text :
       {"", "resize, mean 0.5 0.5 0.5", "resize, mean 0.5 0.5, std 1 1 1", "r, mean 0 0 0, std 1 1 0",
        "r, mean 0 0 nan, std 1 1 1", "r, mean 0 0 x, std 1 1 1", "r, mean 0 0 0, std 1 1 1e999"}) {
    CHECK_MESSAGE(!of(text), text);
  }
}

}  // namespace
}  // namespace intvit
