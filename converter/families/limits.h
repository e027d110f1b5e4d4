// What descriptions of all families must keep to, and what they take from a config alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "converter/read/config.h"
#include "models/preprocessing.h"

namespace intvit {

struct ValueRange {
  std::string name;
  int value;
  int least;
  int most;
};

// What is out of range; empty when nothing is.
std::string range_problem(const std::vector<ValueRange>& ranges);

// Patches do not divide the picture, or there are so many that one config alone would take more than some GiB.
std::string problem_of_patches(const Preprocessing& input, int patch_size);
std::string problem_of_tokens(std::int64_t tokens, int heads, int channels);

// The config's labels if they are as many as the classes, else none, with a note.
std::vector<std::string> fitting_labels(const ModelConfig& config, int classes, std::vector<std::string>& notes);

}  // namespace intvit
