#include "converter/observe/calibrate.h"

#include "converter/float/forward.h"
#include "engine/format/checksum.h"

namespace intvit {

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
