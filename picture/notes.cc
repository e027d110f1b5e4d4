#include "picture/notes.h"

#include <utility>

namespace intvit {

void PictureNotes::add(const std::string& name, const PictureRemarks& remarks, const PictureOptions& options) {
  const bool is_turned = remarks.orientation != 1 && !options.exif_rotate;
  if (!is_turned && !remarks.grey_clipped) return;
  const std::lock_guard lock(mutex_);
  if (is_turned && !std::exchange(told_turned_, true)) {
    waiting_.push_back("note: " + name + " has an EXIF orientation (" + std::to_string(remarks.orientation) +
                       "), which is not applied, as in Pillow's open(); --exif-rotate applies it. Further pictures are "
                       "not mentioned");
  }
  if (remarks.grey_clipped && !std::exchange(told_clipped_, true)) {
    waiting_.push_back("note: " + name +
                       " is grey of 16 bits, which is clipped at 255, as in Pillow's convert(\"RGB\"). Further "
                       "pictures are not mentioned");
  }
}

std::vector<std::string> PictureNotes::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(waiting_, {});
}

}  // namespace intvit
