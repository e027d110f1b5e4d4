// JPEG by stb_image.
#include <utility>

#include "picture/decoder.h"
#include "picture/jpeg_markers.h"
#include "picture/stb.h"

namespace intvit {
namespace {

// stb_image takes components named RGB for RGB, whatever the markers say; libjpeg asks the markers first.
bool are_colors_misread(const JpegMarkers& markers) {
  const auto& parts = markers.components;
  const bool named_rgb = markers.count == 3 && parts[0].id == 'R' && parts[1].id == 'G' && parts[2].id == 'B';
  return named_rgb && (markers.has_jfif || markers.adobe_transform > 0);
}

}  // namespace

OpenedDecoder open_jpeg(Input& input, const PictureLimits& limits) {
  const Result<std::span<const std::uint8_t>> bytes = input.all();
  if (!bytes.ok()) return bytes.status();
  const std::span<const std::uint8_t> file = bytes.value();
  const Result<JpegMarkers> read = read_jpeg_markers(file, limits);
  if (!read.ok()) return read.status();
  const JpegMarkers& markers = read.value();
  if (Status status = check_plausible(markers.blocks, input.size(), markers.width, markers.height); !status.ok()) {
    return status;
  }
  // Planes, of a progressive one coefficients of 16 bits too, and the picture twice.
  const std::int64_t planes = markers.blocks * 64 * (markers.is_progressive ? 3 : 1);
  const std::int64_t memory = planes + markers.width * markers.height * 6 + input.size();
  if (Status status = check_memory(memory, limits); !status.ok()) return status;
  if (are_colors_misread(markers)) return unsupported("a JPEG whose components are named RGB but are YCbCr");
  Result<Picture> picture = stb_decode(file, markers.width, markers.height);
  if (!picture.ok()) return picture.status();
  std::unique_ptr<Decoder> decoder = std::make_unique<WholePicture>(picture.take());
  decoder->remarks.orientation = markers.orientation;
  return decoder;
}

}  // namespace intvit
