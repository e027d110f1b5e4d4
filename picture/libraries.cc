#include "picture/decoder.h"

namespace intvit {

std::string decoding_libraries() {
#if defined(INTVIT_PICTURES_STB)
  return "stb_image";
#elif defined(INTVIT_PICTURES_WEBP)
  return "libjpeg-turbo, libpng, libwebp, stb_image";
#else
  return "libjpeg-turbo, libpng, stb_image";
#endif
}

}  // namespace intvit
