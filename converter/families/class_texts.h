// Classes that are told by embeddings of texts, for networks that embed pictures and texts alike: zero-shot
// classification.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

struct ClassTexts {
  int classes = 0;
  int columns = 0;                // D
  std::vector<float> embeddings;  // [classes][D], each of length 1
  // What a cosine is multiplied with, exp(logit_scale), and what is added; where given, instead of the checkpoint's.
  std::optional<double> scale;
  std::optional<double> bias;
};

// From a .npy file, float32 [classes][D]; rows may have any length but zero. corrupt_file for a row that has no
// direction, and what read_npy() returns.
Result<ClassTexts> read_class_texts(const std::string& path);

}  // namespace intvit
