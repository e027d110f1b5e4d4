#include "converter/families/vit/rotary_angles.h"

#include <cmath>
#include <numbers>

namespace intvit {
namespace {

// EVA-02 was trained first on so many patches.
constexpr double kReferenceGrid = 16;

// Where patch `index` of `count` lies along an axis, in radians of the fastest pair.
double place(Rotary kind, int index, int count) {
  if (kind == Rotary::grid) return index * kReferenceGrid / count;
  return 2 * std::numbers::pi * (2 * (index + 0.5) / count - 1);
}

}  // namespace

Rotate rotary_angles(const VitDescription& vit) {
  Rotate rotate;
  rotate.first_row = vit.prefix_tokens();
  const int bands = vit.head_dim() / 4;
  const double slowest = vit.rotary == Rotary::grid ? 10000 : 100;
  for (int y = 0; y < vit.grid_height(); ++y) {
    for (int x = 0; x < vit.grid_width(); ++x) {
      for (const double at : {place(vit.rotary, y, vit.grid_height()), place(vit.rotary, x, vit.grid_width())}) {
        for (int band = 0; band < bands; ++band) {
          const double angle = at / std::pow(slowest, static_cast<double>(band) / bands);
          rotate.cosines.push_back(static_cast<float>(std::cos(angle)));
          rotate.sines.push_back(static_cast<float>(std::sin(angle)));
        }
      }
    }
  }
  return rotate;
}

}  // namespace intvit
