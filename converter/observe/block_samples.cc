#include "converter/observe/block_samples.h"

#include <algorithm>

#include "converter/float/forward.h"
#include "converter/float/parallel.h"

namespace intvit {
namespace {

class Keep : public Observer {
 public:
  Keep(BlockSamples& samples, int picture) : samples_(samples), picture_(static_cast<std::size_t>(picture)) {}
  void on_activation(Site site, int, float* data, int rows, int cols) override {
    samples_.sites.at(site).pictures[picture_].assign(data, data + static_cast<std::ptrdiff_t>(rows) * cols);
  }

 private:
  BlockSamples& samples_;
  std::size_t picture_;
};

}  // namespace

Status for_each_block(const FloatNetwork& network, PictureSource& pictures, int threads, const Progress& progress,
                      const std::function<void(const BlockSamples&)>& use) {
  const VitDescription& vit = network.description;
  const int tokens = vit.tokens(), channels = vit.embed_dim, count = pictures.count();
  const auto pictures_count = static_cast<std::size_t>(count);
  BlockSamples samples;
  const auto shape = [&](int rows, int cols) {
    return SiteSamples{rows, cols, std::vector<std::vector<float>>(pictures_count)};
  };
  for (const Site site : kAllSites) {
    if (!is_block_site(site)) continue;
    const bool hidden = site == Site::fc1_output || site == Site::fc2_input;
    samples.sites[site] = site == Site::post_softmax ? shape(vit.num_heads * tokens, tokens)
                                                     : shape(tokens, hidden ? vit.mlp_dim : channels);
  }
  samples.input = shape(tokens, channels);

  FloatForward first(network, threads);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(vit.preprocessing.height) *
                                   static_cast<std::size_t>(vit.preprocessing.width) * 3);
  std::vector<std::vector<float>> stream(pictures_count);
  for (std::size_t i = 0; i < pictures_count; ++i) {
    progress("sampling", static_cast<int>(i), count);
    if (Status status = pictures.read(static_cast<int>(i), pixels.data()); !status.ok()) return status;
    stream[i].resize(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(channels));
    first.run_embedding(pixels.data(), stream[i].data());
  }
  const int workers = std::max(1, std::min(threads, count));
  for (int b = 0; b < vit.depth; ++b) {
    progress("choosing quantizers", b, vit.depth);
    samples.block = b;
    samples.input.pictures = stream;
    parallel_for(workers, workers, [&](int worker) {
      FloatForward forward(network, 1);
      for (int i = worker; i < count; i += workers) {
        Keep keep(samples, i);
        forward.run_block(b, stream[static_cast<std::size_t>(i)].data(), &keep);
      }
    });
    use(samples);
  }
  progress("choosing quantizers", vit.depth, vit.depth);
  return {};
}

}  // namespace intvit
