#include "tools/vitconvert/commands.h"

namespace intvit {

Result<std::vector<LabelledPicture>> calibration_pictures(const std::string& list, int count) {
  Result<std::vector<LabelledPicture>> pictures = read_picture_list(list);
  if (!pictures.ok() || count == 0) return pictures;
  const auto wanted = static_cast<std::size_t>(count);
  if (pictures.value().size() < wanted) {
    return Status(Code::invalid_argument, "--calib-count " + std::to_string(wanted) + ", but '" + list +
                                              "' names only " + std::to_string(pictures.value().size()) + " pictures");
  }
  pictures.value().resize(wanted);
  return pictures;
}

Result<std::vector<LabelledPicture>> evaluation_pictures(const std::string& list, int classes) {
  Result<std::vector<LabelledPicture>> pictures = read_picture_list(list, classes - 1);
  if (!pictures.ok()) return pictures;
  for (const LabelledPicture& picture : pictures.value()) {
    if (picture.label < 0) {
      return Status(Code::invalid_argument, "'" + list + "' gives no label for '" + picture.path + "'");
    }
  }
  return pictures;
}

}  // namespace intvit
