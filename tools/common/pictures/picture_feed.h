// Where tools take the pictures from that they run: a list, names that a stream tells one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "intvit/picture_view.h"
#include "intvit/status.h"
#include "tools/common/pictures/prepared_picture.h"

namespace intvit {

// Pixels, row after row.
struct Frame {
  std::unique_ptr<const std::uint8_t[]> pixels;
  int width = 0;
  int height = 0;
  PixelFormat format = PixelFormat::rgb;

  PictureView view() const { return {pixels.get(), width, height, bytes_per_pixel(format) * width, format}; }
};

struct InputPicture {
  std::string path;
  Status problem;                                             // why there is no picture, of a folder for example
  std::shared_ptr<const PreparedPicture> prepared = nullptr;  // if it has been read already
  std::shared_ptr<const Frame> frame = nullptr;               // if it is in no file of its own
};

class PictureFeed {
 public:
  virtual ~PictureFeed() = default;
  // Nothing after the last one. May wait. Callers serialise.
  virtual std::optional<InputPicture> next() = 0;
  // How many there are in all, where that is known before they have come.
  virtual std::optional<std::size_t> count() const = 0;
  // Why there were no more.
  virtual Status status() const { return {}; }
};

// `pictures` must outlive it.
class ListFeed : public PictureFeed {
 public:
  explicit ListFeed(std::span<const InputPicture> pictures) : pictures_(pictures) {}

  std::optional<InputPicture> next() override {
    if (next_ == pictures_.size()) return std::nullopt;
    return pictures_[next_++];
  }
  std::optional<std::size_t> count() const override { return pictures_.size(); }

 private:
  std::span<const InputPicture> pictures_;
  std::size_t next_ = 0;
};

}  // namespace intvit
