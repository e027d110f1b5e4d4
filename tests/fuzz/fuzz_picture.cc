// Feeds bytes to the picture decoder: any input must give a picture or an error.
#include <cstddef>
#include <cstdint>

#include "engine/decode/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto picture = intvit::decode_picture({data, size}, "fuzz");
  if (picture.ok() && picture.value().rgb.size() != static_cast<std::size_t>(picture.value().width) *
                                                        static_cast<std::size_t>(picture.value().height) * 3) {
    __builtin_trap();
  }
  return 0;
}
