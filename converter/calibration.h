// Calibration: the float network sees some pictures, and what its activations look like is remembered. One picture is
// in memory at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "converter/float/network.h"
#include "converter/observe/statistics.h"
#include "engine/image/preprocess.h"
#include "engine/status.h"
#include "engine/tools/picture_list.h"

namespace intvit {

// Gives the network's input for picture `index`: u8 [H][W][3].
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
  PictureFiles(std::vector<LabelledPicture> pictures, const InputGeometry& geometry);
  int count() const override { return static_cast<int>(pictures_.size()); }
  Status read(int index, std::uint8_t* pixels) override;

 private:
  std::vector<LabelledPicture> pictures_;
  Preprocessor preprocessor_;
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

using Progress = std::function<void(const std::string& stage, int done, int total)>;

struct Calibration {
  CalibrationStatistics statistics;
  std::vector<float> logits;   // [pictures][classes] of the float network
  std::uint64_t checksum = 0;  // of all pixels, in order
};

Result<Calibration> calibrate(const FloatNetwork& network, PictureSource& pictures, int threads,
                              const Progress& progress);

}  // namespace intvit
