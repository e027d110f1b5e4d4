// Where pictures come from, already preprocessed: files, or noise for models with random weights.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "intvit/input_geometry.h"
#include "intvit/picture.h"
#include "intvit/status.h"
#include "picture/notes.h"

namespace intvit {

// Gives the network's input for picture `index`: u8 [H][W][3]. Several threads may read at the same time.
class PictureSource {
 public:
  virtual ~PictureSource() = default;
  virtual int count() const = 0;
  virtual Status read(int index, std::uint8_t* pixels) = 0;
};

// Picture files, decoded and preprocessed by the engine's own integer code, so that calibration sees what the runtime
// sees.
class PictureFiles : public PictureSource {
 public:
  PictureFiles(std::vector<std::string> paths, const InputGeometry& geometry, const PictureOptions& options = {})
      : paths_(std::move(paths)), geometry_(geometry), options_(options) {}
  int count() const override { return static_cast<int>(paths_.size()); }
  Status read(int index, std::uint8_t* pixels) override;

  // Of the pictures read so far.
  PictureNotes& notes() { return notes_; }

 private:
  std::vector<std::string> paths_;
  InputGeometry geometry_;
  PictureOptions options_;
  PictureNotes notes_;
};

// Seeded noise with the spectrum of pictures (a few random gradients and patterns): for models with random weights.
class SyntheticPictures : public PictureSource {
 public:
  SyntheticPictures(int count, int height, int width, std::uint64_t seed)
      : count_(count), height_(height), width_(width), seed_(seed) {}
  int count() const override { return count_; }
  Status read(int index, std::uint8_t* pixels) override;

 private:
  int count_, height_, width_;
  std::uint64_t seed_;
};

}  // namespace intvit
