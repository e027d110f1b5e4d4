#include <algorithm>
#include <new>

#include "converter/float/layers.h"
#include "converter/float/node_run.h"

namespace intvit {

void forward(const PatchEmbed& embed, const NodeRun& run) {
  const Preprocessing& picture = run.network.preprocessing;
  const int line_bytes = embed.patch * 3;
  float* out = run.output(0);
  for (int patch_y = 0; patch_y < picture.height / embed.patch; ++patch_y) {
    for (int patch_x = 0; patch_x < picture.width / embed.patch; ++patch_x) {
      for (int y = 0; y < embed.patch; ++y) {
        const std::uint8_t* line =
            run.picture + (area(patch_y * embed.patch + y, picture.width) + area(patch_x, embed.patch)) * 3;
        for (int i = 0; i < line_bytes; ++i) *out++ = run.pixel_values[static_cast<std::size_t>(i % 3)][line[i]];
      }
    }
  }
  run.observe(0);

  std::copy(embed.token_init.begin(), embed.token_init.end(), run.output(1));
  if (!linear(embed.linear, 0, embed.linear.out, run.output(0), run.out(0).rows, true,
              run.output(1) + area(embed.prefix, embed.linear.out), run.threads)) {
    throw std::bad_alloc();
  }
  run.observe(1);
}

}  // namespace intvit
