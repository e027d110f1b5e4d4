// A decoder of one kind of file. Messages of decoders do not name the picture; PictureReader puts its name before them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "intvit/picture.h"
#include "picture/input.h"

namespace intvit {

class Decoder : public PictureRows {
 public:
  PictureRemarks remarks;
};

using OpenedDecoder = Result<std::unique_ptr<Decoder>>;

// Each begins at the first byte of `input`, which must outlive the decoder.
OpenedDecoder open_jpeg(Input& input, const PictureLimits& limits);
OpenedDecoder open_png(Input& input, const PictureLimits& limits);
OpenedDecoder open_webp(Input& input, const PictureLimits& limits);
OpenedDecoder open_bmp(Input& input, const PictureLimits& limits);
OpenedDecoder open_pnm(Input& input, const PictureLimits& limits);

// The names of the libraries that decode JPEG, PNG and WebP in this build.
std::string decoding_libraries();

// What refusals have in common.
Status damaged(const std::string& what);
Status unsupported(const std::string& what);
Status out_of_memory();
Status check_size(std::int64_t width, std::int64_t height, const PictureLimits& limits);
Status check_memory(std::int64_t bytes, const PictureLimits& limits);
Status check_scans(std::int64_t scans, const PictureLimits& limits);
// Whether so few bytes may hold so many pixels at all: `least_bits` is what a compressed picture of this size takes.
Status check_plausible(std::int64_t least_bits, std::int64_t file_bytes, std::int64_t width, std::int64_t height);

// The rows of a picture that is decoded already.
class WholePicture : public Decoder {
 public:
  explicit WholePicture(Picture picture) : picture_(std::move(picture)) {}

  int width() const override { return picture_.width; }
  int height() const override { return picture_.height; }
  Result<const std::uint8_t*> next_row() override;
  Status finish() override { return {}; }

 private:
  Picture picture_;
  int row_ = 0;
};

// All rows of `decoder`, and its finish().
Result<Picture> read_all(PictureRows& decoder);

}  // namespace intvit
