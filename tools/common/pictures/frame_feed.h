// Pictures without a file format, one after the other in files or on stdin: frames of a camera or of ffmpeg, and arrays
// of NumPy with the pixels that a network sees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "intvit/picture_view.h"
#include "intvit/status.h"
#include "tools/common/pictures/normalisation.h"
#include "tools/common/pictures/picture_feed.h"

namespace intvit {

struct FrameFormat {
  std::optional<PixelFormat> pixels;  // none: NumPy's arrays
  int width = 0;
  int height = 0;
};

// rgb24, bgr24, rgba, bgra, gray and npy. nullopt: none of these.
std::optional<FrameFormat> frame_format(const std::string& name);
// "640x480"; edges of 1..65535.
Status parse_frame_size(const std::string& text, FrameFormat& format);

// Frames of raw formats are resized and cropped as other pictures are. An array is u8 [n, H, W, 3] or [H, W, 3], in C's
// order, of the model's input size, as --dump-input writes it: the network sees its pixels as they are. Or it is
// float32 [n, 3, H, W] or [3, H, W], as a network in floating point is fed, of which pixels are made again. Frames are
// named FILE#0, FILE#1, ...; a file that cannot be read, an array of another kind and a frame that is cut off are
// pictures that fail.
class FrameFeed : public PictureFeed {
 public:
  // `-` among the inputs is `data`, which must outlive it. Sizes and normalisation are the model's.
  FrameFeed(std::vector<std::string> inputs, std::istream& data, const FrameFormat& format, int input_width,
            int input_height, const std::optional<Normalisation>& normalisation);

  std::optional<InputPicture> next() override;
  std::optional<std::size_t> count() const override { return std::nullopt; }

 private:
  InputPicture failure(const std::string& problem);
  bool open(std::string& problem);
  bool open_array(std::string& problem);
  std::optional<InputPicture> next_frame();
  InputPicture prepared(const std::string& name, std::unique_ptr<std::uint8_t[]> samples) const;

  std::vector<std::string> inputs_;
  std::istream& data_;
  FrameFormat format_;
  std::size_t input_bytes_;
  std::vector<std::size_t> input_shape_;  // height, width
  std::optional<Normalisation> normalisation_;
  std::size_t next_input_ = 0;
  std::ifstream file_;
  std::istream* open_ = nullptr;  // file_ or data_
  std::string name_;
  std::size_t next_frame_ = 0;
  std::optional<std::size_t> frames_;  // of an array
  bool normalised_ = false;            // it is float32
};

}  // namespace intvit
