// Where libwebp was not found when this was built.
#include "picture/decoder.h"

namespace intvit {

OpenedDecoder open_webp(Input&, const PictureLimits&) {
  return unsupported("a WebP picture, which this build does not read: libwebp was not there");
}

}  // namespace intvit
