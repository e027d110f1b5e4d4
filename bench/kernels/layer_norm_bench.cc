// LayerNorm to codes, and to 16-bit values for an encode operation.
#include "bench/kernels/benches.h"
#include "bench/kernels/buffer.h"
#include "bench/kernels/shapes.h"

namespace intvit::bench {
namespace {

using namespace kernels;

class LayerNormCase {
 public:
  LayerNormCase(int channels, bool values) {
    test::Random random(5);
    const auto c = static_cast<std::size_t>(channels);
    src_ = Buffer<std::int16_t>(kTokens * c, -3000, 3000, random);
    affine_ = Buffer<std::int16_t>(2 * c, -2000, 2000, random);
    dst_ = Buffer<std::int16_t>(kTokens * c);
    args_ = {src_.data(), channels, dst_.data(), channels, kTokens, channels, affine_.data(), 20, 14, 1, 255, values};
  }
  LayerNormCase(const LayerNormCase&) = delete;
  LayerNormCase& operator=(const LayerNormCase&) = delete;

  const LayerNormArgs& args() const { return args_; }

 private:
  Buffer<std::int16_t> src_, affine_, dst_;
  LayerNormArgs args_{};
};

}  // namespace

void add_layer_norm(Suite& suite, const KernelTable& kernels) {
  suite.add_table({"layer_norm",
                   "LayerNorm (tokens x channels)",
                   Unit::ns_per_element,
                   Show::rates,
                   {},
                   {"codes", "16-bit values"}});
  for (const Model& model : kModels) {
    for (const bool values : {false, true}) {
      const int channels = model.channels;
      suite.add(std::to_string(kTokens) + "x" + std::to_string(channels), values ? "16-bit values" : "codes",
                std::int64_t{kTokens} * channels, [&kernels, channels, values]() -> Result<Body> {
                  const auto layer_norm = std::make_shared<LayerNormCase>(channels, values);
                  return Body([&kernels, layer_norm] { kernels.layer_norm->run(layer_norm->args()); });
                });
    }
  }
}

}  // namespace intvit::bench
