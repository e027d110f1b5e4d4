// WebP by libwebp.
#include <webp/decode.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "picture/decoder.h"
#include "picture/exif.h"

namespace intvit {
namespace {

// Of the EXIF chunk, if there is one.
int orientation_of(std::span<const std::uint8_t> file) {
  constexpr std::size_t kRiffBytes = 12;
  for (std::size_t at = kRiffBytes; at < file.size() && file.size() - at >= 8;) {
    const std::size_t size = file[at + 4] | std::size_t{file[at + 5]} << 8 | std::size_t{file[at + 6]} << 16 |
                             std::size_t{file[at + 7]} << 24;
    std::span<const std::uint8_t> chunk = file.subspan(at + 8, std::min(size, file.size() - at - 8));
    if (std::memcmp(file.data() + at, "EXIF", 4) == 0) {
      if (chunk.size() > 6 && std::memcmp(chunk.data(), "Exif\0\0", 6) == 0) chunk = chunk.subspan(6);
      return exif_orientation(chunk);
    }
    at += 8 + size + size % 2;
  }
  return 1;
}

}  // namespace

OpenedDecoder open_webp(Input& input, const PictureLimits& limits) {
  const Result<std::span<const std::uint8_t>> bytes = input.all();
  if (!bytes.ok()) return bytes.status();
  const std::span<const std::uint8_t> file = bytes.value();
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(file.data(), file.size(), &features) != VP8_STATUS_OK) {
    return damaged("its header is cut off or wrong");
  }
  if (features.has_animation != 0) return unsupported("an animated WebP, which this version does not read");
  if (Status status = check_size(features.width, features.height, limits); !status.ok()) return status;
  // The picture, and as much again of what libwebp works in.
  const std::int64_t pixels = std::int64_t{features.width} * features.height;
  if (Status status = check_memory(pixels * 8 + input.size(), limits); !status.ok()) return status;
  Picture picture{features.width, features.height, {}};
  picture.rgb.resize(static_cast<std::size_t>(pixels) * 3);
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return unsupported("a WebP, for which the libwebp here does not fit");
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {picture.rgb.data(), features.width * 3, picture.rgb.size()};
  errno = 0;
  const VP8StatusCode code = WebPDecode(file.data(), file.size(), &config);
  const bool no_memory = errno == ENOMEM;  // in some places libwebp takes it for an error of the data
  WebPFreeDecBuffer(&config.output);
  if (code == VP8_STATUS_OUT_OF_MEMORY || (code != VP8_STATUS_OK && no_memory)) return out_of_memory();
  if (code != VP8_STATUS_OK) return damaged("its data is cut off or wrong");
  std::unique_ptr<Decoder> decoder = std::make_unique<WholePicture>(std::move(picture));
  decoder->remarks.orientation = orientation_of(file);
  return decoder;
}

}  // namespace intvit
