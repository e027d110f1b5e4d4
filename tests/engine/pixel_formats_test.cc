// Pictures in every order of samples: what RGB of the same pixels gives. And the best classes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "engine/image/preprocess.h"
#include "intvit/classes.h"
#include "kernels/dispatch/kernel_table.h"

namespace intvit::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr InputGeometry kGeometry{8, 8, 9, 9, Interpolation::bicubic, CropMode::center};

Bytes preprocessed(const PictureView& view) {
  Bytes dst(8 * 8 * 3);
  const Status status = Preprocessor(kGeometry, kernels::kernel_table(Isa::scalar).resize).run(view, dst.data());
  INFO(status.message());
  REQUIRE(status.ok());
  return dst;
}

TEST_CASE("pixel formats: each gives what RGB of the same pixels gives, whatever the stride") {
  std::mt19937 random(3);
  for (const int width : {1, 7, 13}) {
    const int height = 11;
    for (int number = 0; number < kPixelFormatCount; ++number) {
      const auto format = static_cast<PixelFormat>(number);
      const int samples = bytes_per_pixel(format);
      for (const int gap : {0, 5}) {
        const std::ptrdiff_t stride = width * samples + gap;
        Bytes pixels(static_cast<std::size_t>(stride * height)), rgb;
        for (std::uint8_t& sample : pixels) sample = static_cast<std::uint8_t>(random());
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            const std::uint8_t* p = pixels.data() + y * stride + x * samples;
            const bool turned = format == PixelFormat::bgr || format == PixelFormat::bgra;
            if (samples == 1) {
              rgb.insert(rgb.end(), 3, p[0]);
            } else {
              rgb.insert(rgb.end(), {p[turned ? 2 : 0], p[1], p[turned ? 0 : 2]});
            }
          }
        }
        const Bytes expected = preprocessed({rgb.data(), width, height, 3 * width});
        CHECK_MESSAGE(preprocessed({pixels.data(), width, height, stride, format}) == expected, number);
        Bytes flipped;
        for (int y = height - 1; y >= 0; --y) {
          flipped.insert(flipped.end(), rgb.begin() + y * width * 3, rgb.begin() + (y + 1) * width * 3);
        }
        const std::uint8_t* last = pixels.data() + (height - 1) * stride;
        CHECK_MESSAGE(preprocessed({last, width, height, -stride, format}) ==
                          preprocessed({flipped.data(), width, height, 3 * width}),
                      number);
      }
    }
  }
}

TEST_CASE("pixel formats: what cannot be is refused, with the value") {
  const Bytes pixels(4 * 4 * 4);
  Bytes dst(8 * 8 * 3);
  const auto refuses = [&](const PictureView& view, const std::string& part) {
    const Status status = Preprocessor(kGeometry, kernels::kernel_table(Isa::scalar).resize).run(view, dst.data());
    CHECK(status.code() == Code::invalid_argument);
    CHECK_MESSAGE(status.message().find(part) != std::string::npos, status.message());
  };
  refuses({pixels.data(), 4, 4, 16, static_cast<PixelFormat>(5)}, "pixel format 5");
  refuses({pixels.data(), 4, 4, 16, static_cast<PixelFormat>(-1)}, "pixel format -1");
  refuses({nullptr, 4, 4, 16, PixelFormat::rgba}, "null pointer");
  refuses({pixels.data(), 4, 4, 15, PixelFormat::rgba}, "at least 4 * width (16) bytes apart");
  refuses({pixels.data(), 4, 4, -15, PixelFormat::bgra}, "not -15");
  refuses({pixels.data(), 4, 4, 0, PixelFormat::grey}, "at least 1 * width (4) bytes apart");
  const auto most = std::numeric_limits<std::ptrdiff_t>::max(), least = std::numeric_limits<std::ptrdiff_t>::min();
  for (const std::ptrdiff_t stride : {most, most / 4 + 1, -most, least}) {
    refuses({pixels.data(), 4, 4, stride, PixelFormat::rgb}, "not " + std::to_string(stride));
  }
  refuses({pixels.data(), std::numeric_limits<int>::max(), 1, 0, PixelFormat::rgba}, "2147483647 x 1");
}

TEST_CASE("best classes: as sorting all of them, the lower class first") {
  std::mt19937 random(5);
  for (const std::size_t classes : {1, 2, 7, 100}) {
    for (const std::int64_t largest : {1, 5, 1000000}) {
      std::vector<std::int32_t> logits(classes);
      for (std::int32_t& logit : logits)
        logit = static_cast<std::int32_t>(static_cast<std::int64_t>(random()) % (2 * largest + 1) - largest);
      std::vector<int> order(classes);
      for (std::size_t i = 0; i < classes; ++i) order[i] = static_cast<int>(i);
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
        return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
      });
      for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{3}, classes, classes + 2}) {
        std::vector<ClassLogit> best(count + 1, {-7, -7});
        const std::size_t found = best_classes(logits, best.data(), count);
        CHECK(found == std::min(count, classes));
        for (std::size_t i = 0; i < found; ++i) {
          CHECK(best[i].class_index == order[i]);
          CHECK(best[i].logit == logits[static_cast<std::size_t>(order[i])]);
        }
        CHECK(best[found].class_index == -7);
      }
    }
  }
  CHECK(best_classes({}, nullptr, 3) == 0);
  const std::vector<std::int32_t> logits{0, 65536, std::numeric_limits<std::int32_t>::min()};
  const std::vector<double> probabilities = softmax_probabilities(logits, 1 / 65536.0);
  CHECK(probabilities[1] == doctest::Approx(1 / (1 + std::exp(-1.0))));
  CHECK(probabilities[2] < 1e-300);
  CHECK(softmax_probabilities({}, 1).empty());
}

}  // namespace
}  // namespace intvit::test
