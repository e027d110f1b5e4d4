// Picture files to 8-bit RGB, in a library of its own, intvit-picture: libintvit reads no files of pictures.
//
// JPEG, PNG, BMP, PNM (P5, P6) and, where the build found libwebp, WebP. JPEG by libjpeg-turbo and PNG by libpng give
// the pixels that Pillow's convert("RGB") gives: grey becomes three equal samples, a palette its colours, alpha is
// dropped, 16 bits lose their lower byte, and grey of 16 bits is clipped at 255. A build with INTVIT_PICTURES=stb reads
// JPEG and PNG by stb_image: its JPEG differs by a grey level or so, and it refuses what stb_image gets wrong.
//
// A picture that is damaged is refused, not guessed. Colour profiles are ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "intvit/export.h"
#include "intvit/picture_rows.h"
#include "intvit/picture_view.h"
#include "intvit/status.h"
#include "intvit/view.h"

namespace intvit {

// What a picture may take. A refusal names the limit.
struct PictureLimits {
  std::int64_t pixels = 178'956'970;  // where Pillow refuses a decompression bomb
  std::int64_t file_bytes = std::int64_t{1} << 30;
  std::int64_t scans = 100;                           // of a JPEG; programs write about ten
  std::int64_t memory_bytes = std::int64_t{2} << 30;  // that the decoder needs, roughly
};

struct PictureOptions {
  PictureLimits limits;
  bool exif_rotate = false;  // turn the picture as its EXIF orientation says. Pillow's open() does not
};

// What whoever sees the picture may want to know of it.
struct PictureRemarks {
  int orientation = 1;        // of EXIF, 1..8. Values above 1 have been applied only if the options say so
  bool grey_clipped = false;  // grey of 16 bits, of which everything above 255 became 255
};

// A picture that owns its pixels.
struct Picture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;  // height * width * 3, no padding

  PictureView view() const { return {rgb.data(), width, height, static_cast<std::ptrdiff_t>(width) * 3}; }
};

// A picture whose rows are decoded as they are asked for. Only JPEG of one scan and PNG that is not interlaced come so;
// of others the whole picture is decoded first.
class INTVIT_API PictureReader : public PictureRows {
 public:
  // Errors begin with the path, or with `name`. not_found, io (also: not a regular file), corrupt_file, unsupported
  // (also: beyond a limit), out_of_memory.
  static Result<std::unique_ptr<PictureReader>> open(const std::string& path, const PictureOptions& options = {});
  // `bytes` must outlive the reader.
  static Result<std::unique_ptr<PictureReader>> from_memory(View<const std::uint8_t> bytes, std::string_view name,
                                                            const PictureOptions& options = {});

  virtual const PictureRemarks& remarks() const = 0;
};

INTVIT_API Result<Picture> decode_picture(View<const std::uint8_t> bytes, std::string_view name,
                                          const PictureOptions& options = {});
INTVIT_API Result<Picture> read_picture(const std::string& path, const PictureOptions& options = {});

// What decodes in this build, such as "libjpeg-turbo, libpng, libwebp, stb_image".
INTVIT_API std::string picture_decoders();

}  // namespace intvit
