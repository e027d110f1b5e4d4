#include "converter/families/limits.h"

namespace intvit {
namespace {

// Of all tokens of a stream.
constexpr std::int64_t kMostStreamNumbers = std::int64_t{1} << 29;

}  // namespace

std::string range_problem(const std::vector<ValueRange>& ranges) {
  for (const ValueRange& range : ranges) {
    if (range.value >= range.least && range.value <= range.most) continue;
    return range.name + " is " + std::to_string(range.value) + "; " + std::to_string(range.least) + " to " +
           std::to_string(range.most) + " are supported";
  }
  return {};
}

std::string problem_of_patches(const Preprocessing& input, int patch_size) {
  if (input.height % patch_size == 0 && input.width % patch_size == 0) return {};
  return "patch_size " + std::to_string(patch_size) + " does not divide the input size " +
         std::to_string(input.height) + "x" + std::to_string(input.width) + "; such a size is not supported";
}

std::string problem_of_tokens(std::int64_t tokens, int heads, int channels) {
  if (tokens * heads <= INT32_MAX && tokens * channels <= kMostStreamNumbers) return {};
  return "its pictures are so large that they make " + std::to_string(tokens) + " tokens of " +
         std::to_string(channels) + " channels";
}

std::vector<std::string> fitting_labels(const ModelConfig& config, int classes, std::vector<std::string>& notes) {
  if (config.labels.empty() || config.labels.size() == static_cast<std::size_t>(classes)) return config.labels;
  notes.push_back("there are " + std::to_string(config.labels.size()) + " labels for " + std::to_string(classes) +
                  " classes; they are left out");
  return {};
}

}  // namespace intvit
