// PNM: P5 (grey) and P6 (RGB) of 8 bits. Their samples are in the file as they are.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "picture/decoder.h"

namespace intvit {
namespace {

using Bytes = std::span<const std::uint8_t>;

bool is_blank(std::uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class HeaderReader {
 public:
  explicit HeaderReader(Bytes file) : file_(file) {}

  // Blanks and comments, which reach to the end of the line, may stand before a number. -1: there is none.
  std::int64_t number() {
    bool in_comment = false;
    for (; at_ < file_.size(); ++at_) {
      const std::uint8_t c = file_[at_];
      in_comment = in_comment ? c != '\n' && c != '\r' : c == '#';
      if (!in_comment && !is_blank(c)) break;
    }
    constexpr std::int64_t kLargest = 1'000'000'000;
    std::int64_t value = -1;
    for (; at_ < file_.size() && file_[at_] >= '0' && file_[at_] <= '9'; ++at_) {
      value = std::min((value < 0 ? 0 : value * 10) + (file_[at_] - '0'), kLargest);
    }
    return value;
  }

  bool has_ended() const { return at_ == file_.size(); }

  // One blank ends the header.
  Bytes rest() const { return at_ < file_.size() && is_blank(file_[at_]) ? file_.subspan(at_ + 1) : Bytes(); }

 private:
  Bytes file_;
  std::size_t at_ = 2;  // behind the magic number
};

}  // namespace

OpenedDecoder open_pnm(Input& input, const PictureLimits& limits) {
  const Result<Bytes> bytes = input.all();
  if (!bytes.ok()) return bytes.status();
  const std::uint8_t kind = bytes.value()[1];
  if (kind != '5' && kind != '6') {
    return unsupported(std::string("a PNM picture of kind P") + static_cast<char>(kind) + "; P5 and P6 are read");
  }
  HeaderReader header(bytes.value());
  const std::int64_t width = header.number();
  const std::int64_t height = header.number();
  const std::int64_t largest = header.number();
  // Where a number is missing, those behind it are missing, too.
  if (largest < 0 || header.has_ended()) return damaged("its header is cut off or wrong");
  if (Status status = check_size(width, height, limits); !status.ok()) return status;
  if (largest != 255) {
    return unsupported("a PNM picture whose samples reach to " + std::to_string(largest) + "; only 255 is read");
  }
  const std::int64_t channels = kind == '6' ? 3 : 1;
  const std::int64_t samples = width * height * channels;
  if (Status status = check_memory(width * height * 3 + input.size(), limits); !status.ok()) return status;
  const Bytes pixels = header.rest();
  if (static_cast<std::int64_t>(pixels.size()) < samples) return damaged("it ends before its last row");
  Picture picture{static_cast<int>(width), static_cast<int>(height), {}};
  if (channels == 3) {
    picture.rgb.assign(pixels.begin(), pixels.begin() + samples);
  } else {
    picture.rgb.resize(static_cast<std::size_t>(samples) * 3);
    for (std::size_t i = 0; i < static_cast<std::size_t>(samples); ++i) {
      std::memset(picture.rgb.data() + 3 * i, pixels[i], 3);
    }
  }
  return std::unique_ptr<Decoder>(std::make_unique<WholePicture>(std::move(picture)));
}

}  // namespace intvit
