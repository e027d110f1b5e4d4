#include "converter/observe/picture_source.h"

#include <algorithm>
#include <random>

#include "engine/image/preprocess.h"
#include "intvit/picture.h"
#include "kernels/dispatch/kernel_table.h"

namespace intvit {

Status PictureFiles::read(int index, std::uint8_t* pixels) {
  const std::string& path = paths_[static_cast<std::size_t>(index)];
  const Result<std::unique_ptr<PictureReader>> picture = PictureReader::open(path, options_);
  if (!picture.ok()) return picture.status();
  notes_.add(path, picture.value()->remarks(), options_);
  Preprocessor preprocessor(geometry_, kernels::kernel_table(best_isa()).resize);
  return preprocessor.run(*picture.value(), pixels);
}

Status SyntheticPictures::read(int index, std::uint8_t* pixels) {
  std::mt19937_64 random(seed_ * 1000003 + static_cast<std::uint64_t>(index));
  const auto next = [&](int limit) { return static_cast<int>(random() % static_cast<std::uint64_t>(limit)); };
  for (int channel = 0; channel < 3; ++channel) {
    const int dx = next(7) - 3, dy = next(7) - 3, base = next(256), period = 4 + next(60), noise = 1 + next(64);
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < width_; ++x) {
        const int stripes = ((x * dx + y * dy) / period) % 2 != 0 ? 60 : 0;
        const int value = base + (x * dy - y * dx) / 4 + stripes + next(noise);
        pixels[(y * width_ + x) * 3 + channel] = static_cast<std::uint8_t>(std::clamp(value, 0, 255));
      }
    }
  }
  return {};
}

}  // namespace intvit
