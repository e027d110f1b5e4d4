#include "converter/families/vit/check_description.h"

#include <cmath>
#include <string>

#include "converter/families/relative_bias.h"
#include "converter/read/config_kinds.h"
#include "converter/read/message.h"

namespace intvit {
namespace {

// Of all tokens, so that no config alone takes more than some GiB.
constexpr std::int64_t kMostStreamNumbers = std::int64_t{1} << 29;

std::string grid_text(int height, int width) { return std::to_string(height) + "x" + std::to_string(width); }

// What is out of range; empty when nothing is.
std::string check_ranges(const VitDescription& vit) {
  struct Range {
    const char* name;
    int value;
    int least;
    int most;
  };
  for (const Range& range :
       {Range{"patch_size", vit.patch_size, 1, kLargestPatch}, Range{"embed_dim", vit.embed_dim, 1, kLargestWidth},
        Range{"depth", vit.depth, 1, kMostBlocks}, Range{"mlp_dim", vit.mlp_dim, 1, kLargestWidth},
        Range{"num_classes", vit.num_classes, 0, kMostClasses},
        Range{"reg_tokens", vit.register_tokens, 0, kMostRegisters},
        Range{"num_heads", vit.num_heads, 1, vit.embed_dim},
        Range{"input height", vit.preprocessing.height, 1, kLargestImage},
        Range{"input width", vit.preprocessing.width, 1, kLargestImage}}) {
    if (range.value >= range.least && range.value <= range.most) continue;
    return std::string(range.name) + " is " + std::to_string(range.value) + "; " + std::to_string(range.least) +
           " to " + std::to_string(range.most) + " are supported";
  }
  return {};
}

std::string check_divisions(const VitDescription& vit) {
  if (vit.embed_dim % vit.num_heads != 0) {
    return "num_heads " + std::to_string(vit.num_heads) + " does not divide embed_dim " +
           std::to_string(vit.embed_dim) + "; give num_heads in config.json";
  }
  if (vit.rotary != Rotary::none && vit.head_dim() % 4 != 0) {
    return "heads of " + std::to_string(vit.head_dim()) + " channels are no multiple of 4, which rotary positions need";
  }
  const Preprocessing& input = vit.preprocessing;
  if (input.height % vit.patch_size != 0 || input.width % vit.patch_size != 0) {
    return "patch_size " + std::to_string(vit.patch_size) + " does not divide the input size " +
           grid_text(input.height, input.width) + "; such a size is not supported";
  }
  const std::int64_t tokens = vit.tokens();
  if (tokens * vit.num_heads > INT32_MAX || tokens * vit.embed_dim > kMostStreamNumbers) {
    return "its pictures are so large that they make " + std::to_string(tokens) + " tokens of " +
           std::to_string(vit.embed_dim) + " channels";
  }
  if (vit.relative_positions && tokens > kMostBiases / tokens / vit.num_heads / vit.depth) {
    return "its pictures are so large that the biases of relative positions need more than 2 GiB";
  }
  return {};
}

}  // namespace

Status check_description(const VitDescription& vit, const TensorTable& tensors) {
  std::string problem = check_ranges(vit);
  if (problem.empty()) problem = check_divisions(vit);
  if (problem.empty()) return {};
  return {Code::unsupported, "checkpoint " + in_quotes(tensors.checkpoint().path()) + ": " + problem};
}

int square_root(int n) {
  if (n <= 0) return 0;
  const int root = static_cast<int>(std::lround(std::sqrt(static_cast<double>(n))));
  return root * root == n ? root : 0;
}

}  // namespace intvit
