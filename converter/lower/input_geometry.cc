#include "converter/lower/input_geometry.h"

#include <map>

#include "engine/image/preprocess.h"

namespace intvit {

Result<InputGeometry> input_geometry(const Preprocessing& p) {
  static const std::map<std::string, Interpolation> kInterpolations = {{"nearest", Interpolation::nearest},
                                                                       {"bilinear", Interpolation::bilinear},
                                                                       {"bicubic", Interpolation::bicubic},
                                                                       {"lanczos", Interpolation::lanczos}};
  static const std::map<std::string, CropMode> kCrops = {
      {"center", CropMode::center}, {"squash", CropMode::squash}, {"center_floor", CropMode::center_floor}};
  const auto interpolation = kInterpolations.find(p.interpolation);
  const auto crop = kCrops.find(p.crop_mode);
  if (interpolation == kInterpolations.end() || crop == kCrops.end()) {
    return Status(Code::unsupported,
                  "interpolation '" + p.interpolation + "' with crop mode '" + p.crop_mode +
                      "'; known are nearest, bilinear, bicubic, lanczos and center, squash, center_floor");
  }
  InputGeometry in;
  in.height = static_cast<std::uint32_t>(p.height);
  in.width = static_cast<std::uint32_t>(p.width);
  in.resize_height = static_cast<std::uint32_t>(p.height / p.crop_pct);  // torchvision and timm truncate
  in.resize_width = static_cast<std::uint32_t>(p.width / p.crop_pct);
  in.interpolation = interpolation->second;
  in.crop_mode = crop->second;
  // timm's centre crop of an input that is not square always resizes bilinearly (timm.data.transforms_factory).
  if (in.height != in.width && in.crop_mode == CropMode::center) in.interpolation = Interpolation::bilinear;
  if (Status status = check_geometry(in); !status.ok()) return status;
  return in;
}

}  // namespace intvit
