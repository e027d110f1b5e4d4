// Feeds bytes to the picture decoders: any input must give a picture or an error.
#include <cstddef>
#include <cstdint>

#include "intvit/picture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  intvit::PictureOptions options;
  options.limits.pixels = std::int64_t{1} << 20;  // larger ones only take longer
  options.exif_rotate = size % 2 != 0;
  const auto picture = intvit::decode_picture({data, size}, "fuzz", options);
  if (picture.ok() && picture.value().rgb.size() != static_cast<std::size_t>(picture.value().width) *
                                                        static_cast<std::size_t>(picture.value().height) * 3) {
    __builtin_trap();
  }
  return 0;
}
