// PNG by stb_image.
//
// stb_image inflates whatever comes, and looks up colours beyond a palette's end. So its inflation gets a buffer of the
// size that the header promises, and what it then decodes has no palette: indices go through it as grey.
#include <cstring>
#include <utility>

#include "picture/decoder.h"
#include "picture/png_chunks.h"
#include "picture/stb.h"

namespace intvit {
namespace {

using Samples = std::vector<std::uint8_t>;

Result<Picture> decode(const PngChunks& chunks, std::span<const std::uint8_t> inflated) {
  const auto pixels = static_cast<std::size_t>(std::int64_t{chunks.width} * chunks.height);
  Picture picture{static_cast<int>(chunks.width), static_cast<int>(chunks.height), {}};
  PngChunks as = chunks;
  as.data.clear();
  if (chunks.color == PngColor::palette) {
    as.color = PngColor::grey;
    const Result<Samples> scaled = stb_samples(make_png(as, inflated), as.width, as.height, 1);
    if (!scaled.ok()) return scaled.status();
    const int scale = 255 / ((1 << chunks.bits) - 1);
    picture.rgb.resize(pixels * 3);
    for (std::size_t i = 0; i < pixels; ++i) {
      const std::size_t index = static_cast<std::size_t>(scaled.value()[i] / scale);
      if (3 * index >= chunks.palette.size()) return damaged("a pixel has a colour that its palette does not have");
      std::memcpy(picture.rgb.data() + 3 * i, chunks.palette.data() + 3 * index, 3);
    }
    return picture;
  }
  if (chunks.color == PngColor::grey && chunks.bits == 16) {
    // Two bytes a pixel, as grey with alpha of 8 bits has them. Pillow clips such grey.
    as.color = PngColor::grey_alpha;
    as.bits = 8;
    const Result<Samples> halves = stb_samples(make_png(as, inflated), as.width, as.height, 2);
    if (!halves.ok()) return halves.status();
    picture.rgb.resize(pixels * 3);
    for (std::size_t i = 0; i < pixels; ++i) {
      const std::uint8_t grey = halves.value()[2 * i] != 0 ? 255 : halves.value()[2 * i + 1];
      std::memset(picture.rgb.data() + 3 * i, grey, 3);
    }
    return picture;
  }
  Result<Samples> rgb = stb_samples(make_png(as, inflated), as.width, as.height, 3);
  if (!rgb.ok()) return rgb.status();
  picture.rgb = rgb.take();
  return picture;
}

}  // namespace

OpenedDecoder open_png(Input& input, const PictureLimits& limits) {
  const Result<std::span<const std::uint8_t>> bytes = input.all();
  if (!bytes.ok()) return bytes.status();
  Result<PngChunks> read = read_png_chunks(bytes.value(), limits);
  if (!read.ok()) return read.status();
  const PngChunks& chunks = read.value();
  const std::int64_t inflated_bytes = chunks.inflated_bytes();
  constexpr std::int64_t kMostInflation = 1032;  // of a byte, by deflate
  const Status plausible =
      check_plausible(inflated_bytes / kMostInflation * 8, input.size(), chunks.width, chunks.height);
  if (!plausible.ok()) return plausible;
  const std::int64_t pixels = std::int64_t{chunks.width} * chunks.height;
  const std::int64_t memory = 2 * input.size() + 4 * inflated_bytes + 6 * pixels;
  if (Status status = check_memory(memory, limits); !status.ok()) return status;
  Samples inflated(static_cast<std::size_t>(inflated_bytes));
  const std::int64_t got = stb_inflate(chunks.data, inflated);
  if (got < 0) return damaged("its data cannot be inflated, or has more rows than the header says");
  if (got < inflated_bytes) return damaged("its data has less rows than the header says");
  Result<Picture> picture = decode(chunks, inflated);
  if (!picture.ok()) return picture.status();
  std::unique_ptr<Decoder> decoder = std::make_unique<WholePicture>(picture.take());
  decoder->remarks.orientation = chunks.orientation;
  decoder->remarks.grey_clipped = chunks.color == PngColor::grey && chunks.bits == 16;
  return decoder;
}

}  // namespace intvit
