#include "converter/families/swin/position_mlp.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace intvit {
namespace {

// 8 at the far end of the window becomes log2(9) / log2(8).
double offset(int distance, int window, int trained) {
  const int furthest = std::max(1, (trained > 0 ? trained : window) - 1);
  const double scaled = 8.0 * distance / furthest;
  return std::copysign(std::log2(std::fabs(scaled) + 1.0) / 3.0, scaled);
}

}  // namespace

std::vector<float> position_table(const PositionMlp& mlp, int height, int width, int trained) {
  std::vector<float> table;
  std::vector<double> hidden(static_cast<std::size_t>(mlp.first.out));
  for (int y = 1 - height; y < height; ++y) {
    for (int x = 1 - width; x < width; ++x) {
      const double down = offset(y, height, trained), across = offset(x, width, trained);
      for (std::size_t i = 0; i < hidden.size(); ++i) {
        const float* weight = mlp.first.weight.data() + 2 * i;
        hidden[i] = std::max(0.0, weight[0] * down + weight[1] * across + static_cast<double>(mlp.first.bias[i]));
      }
      for (int head = 0; head < mlp.second.out; ++head) {
        const float* weight = mlp.second.weight.data() + static_cast<std::size_t>(head) * hidden.size();
        double sum = 0;
        for (std::size_t i = 0; i < hidden.size(); ++i) sum += weight[i] * hidden[i];
        table.push_back(static_cast<float>(16.0 / (1.0 + std::exp(-sum))));
      }
    }
  }
  return table;
}

}  // namespace intvit
