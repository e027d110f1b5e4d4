#include "picture/decoder.h"

namespace intvit {
namespace {

constexpr std::int64_t kMaxEdge = 65535;  // engine/image resizes no more

std::string text(std::int64_t number) { return std::to_string(number); }

}  // namespace

Status damaged(const std::string& what) { return {Code::corrupt_file, "the picture is damaged: " + what}; }

Status unsupported(const std::string& what) { return {Code::unsupported, what}; }

Status out_of_memory() { return {Code::out_of_memory, "out of memory while reading the picture"}; }

Status check_size(std::int64_t width, std::int64_t height, const PictureLimits& limits) {
  if (width < 1 || height < 1) return damaged("a picture of " + text(width) + " x " + text(height) + " pixels");
  if (width > kMaxEdge || height > kMaxEdge) {
    return unsupported("a picture of " + text(width) + " x " + text(height) + " pixels; edges are 1.." +
                       text(kMaxEdge));
  }
  if (width * height <= limits.pixels) return {};
  return unsupported("a picture of " + text(width) + " x " + text(height) +
                     " pixels is too large; the limit 'pixels' is " + text(limits.pixels));
}

Status check_memory(std::int64_t bytes, const PictureLimits& limits) {
  if (bytes <= limits.memory_bytes) return {};
  return unsupported("the picture needs " + text(bytes) + " bytes of memory; the limit 'memory' is " +
                     text(limits.memory_bytes));
}

Status check_scans(std::int64_t scans, const PictureLimits& limits) {
  if (scans <= limits.scans) return {};
  return unsupported("the JPEG has more scans than the limit 'scans' allows, " + text(limits.scans));
}

Status check_plausible(std::int64_t least_bits, std::int64_t file_bytes, std::int64_t width, std::int64_t height) {
  if (least_bits <= 8 * file_bytes) return {};
  return damaged("a file of " + text(file_bytes) + " bytes cannot hold " + text(width) + " x " + text(height) +
                 " pixels");
}

Result<const std::uint8_t*> WholePicture::next_row() {
  return picture_.rgb.data() + static_cast<std::ptrdiff_t>(row_++) * picture_.width * 3;
}

Result<Picture> read_all(PictureRows& decoder) {
  Picture picture{decoder.width(), decoder.height(), {}};
  const std::size_t row_bytes = static_cast<std::size_t>(picture.width) * 3;
  picture.rgb.reserve(row_bytes * static_cast<std::size_t>(picture.height));
  for (int y = 0; y < picture.height; ++y) {
    const Result<const std::uint8_t*> row = decoder.next_row();
    if (!row.ok()) return row.status();
    picture.rgb.insert(picture.rgb.end(), row.value(), row.value() + row_bytes);
  }
  if (Status status = decoder.finish(); !status.ok()) return status;
  return picture;
}

}  // namespace intvit
