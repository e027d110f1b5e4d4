#include "converter/families/vit/check_description.h"

#include <cmath>
#include <string>

#include "converter/families/limits.h"
#include "converter/families/relative_bias.h"
#include "converter/read/config_kinds.h"
#include "converter/read/message.h"

namespace intvit {
namespace {

std::string check_ranges(const VitDescription& vit) {
  return range_problem({{"patch_size", vit.patch_size, 1, kLargestPatch},
                        {"embed_dim", vit.embed_dim, 1, kLargestWidth},
                        {"depth", vit.depth, 1, kMostBlocks},
                        {"mlp_dim", vit.mlp_dim, 1, kLargestWidth},
                        {"num_classes", vit.num_classes, 0, kMostClasses},
                        {"reg_tokens", vit.register_tokens, 0, kMostRegisters},
                        {"num_heads", vit.num_heads, 1, vit.embed_dim},
                        {"input height", vit.preprocessing.height, 1, kLargestImage},
                        {"input width", vit.preprocessing.width, 1, kLargestImage}});
}

std::string check_divisions(const VitDescription& vit) {
  if (vit.embed_dim % vit.num_heads != 0) {
    return "num_heads " + std::to_string(vit.num_heads) + " does not divide embed_dim " +
           std::to_string(vit.embed_dim) + "; give num_heads in config.json";
  }
  if (vit.rotary != Rotary::none && vit.head_dim() % 4 != 0) {
    return "heads of " + std::to_string(vit.head_dim()) + " channels are no multiple of 4, which rotary positions need";
  }
  std::string problem = problem_of_patches(vit.preprocessing, vit.patch_size);
  const std::int64_t tokens = vit.tokens();
  if (problem.empty()) problem = problem_of_tokens(tokens, vit.num_heads, vit.embed_dim);
  if (!problem.empty()) return problem;
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
