#include "converter/calibration.h"

#include <random>

#include "engine/format/checksum.h"
#include "engine/image/decode.h"
#include "kernels/kernel_table.h"

namespace intvit {

PictureFiles::PictureFiles(std::vector<LabelledPicture> pictures, const InputGeometry& geometry)
    : pictures_(std::move(pictures)), preprocessor_(geometry, kernels::kernel_table(best_isa()).resize) {}

Status PictureFiles::read(int index, std::uint8_t* pixels) {
  const Result<Picture> picture = read_picture(pictures_[static_cast<std::size_t>(index)].path);
  if (!picture.ok()) return picture.status();
  return preprocessor_.run(picture.value().view(), pixels);
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

Result<Calibration> calibrate(const FloatNetwork& network, PictureSource& pictures, int threads,
                              const Progress& progress) {
  const VitDescription& vit = network.description;
  const auto classes = static_cast<std::size_t>(vit.num_classes);
  Calibration result{CalibrationStatistics(vit.num_heads), {}, 0};
  result.logits.resize(static_cast<std::size_t>(pictures.count()) * classes);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(vit.preprocessing.height) *
                                   static_cast<std::size_t>(vit.preprocessing.width) * 3);
  FloatForward forward(network, threads);
  for (int i = 0; i < pictures.count(); ++i) {
    progress("calibrating", i, pictures.count());
    if (Status status = pictures.read(i, pixels.data()); !status.ok()) return status;
    result.checksum = checksum64(pixels, result.checksum);
    forward.run(pixels.data(), result.logits.data() + static_cast<std::size_t>(i) * classes, &result.statistics);
  }
  progress("calibrating", pictures.count(), pictures.count());
  return result;
}

}  // namespace intvit
