#include "converter/observe/block_samples.h"

#include "converter/float/for_each_in_order.h"
#include "converter/float/forward.h"

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

// The streams that enter the first block, of all pictures.
Status embed(const FloatNetwork& network, const PictureRun& run, std::vector<std::vector<float>>& streams) {
  PictureSource& pictures = run.pictures;
  const VitDescription& vit = network.description;
  const Preprocessing& input = vit.preprocessing;
  const std::size_t bytes = static_cast<std::size_t>(input.height) * static_cast<std::size_t>(input.width) * 3;
  streams.assign(static_cast<std::size_t>(pictures.count()),
                 std::vector<float>(static_cast<std::size_t>(vit.tokens()) * static_cast<std::size_t>(vit.embed_dim)));
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by), pixels = std::vector<std::uint8_t>(bytes)](int i) mutable {
      Status status = pictures.read(i, pixels.data());
      if (status.ok()) forward.run_embedding(pixels.data(), streams[static_cast<std::size_t>(i)].data());
      return status;
    };
  };
  run.progress("sampling", 0, pictures.count());
  return for_each_in_order(pictures.count(), run.threads, make_worker, [&](int i, Status status) {
    if (status.ok()) run.progress("sampling", i + 1, pictures.count());
    return status;
  });
}

}  // namespace

Status for_each_block(const FloatNetwork& network, const PictureRun& run,
                      const std::function<void(const BlockSamples&)>& use) {
  const VitDescription& vit = network.description;
  const int tokens = vit.tokens(), channels = vit.embed_dim, count = run.pictures.count();
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

  std::vector<std::vector<float>> stream;
  if (Status status = embed(network, run, stream); !status.ok()) return status;
  for (int b = 0; b < vit.depth; ++b) {
    run.progress("choosing quantizers", b, vit.depth);
    samples.block = b;
    samples.input.pictures = stream;
    const auto make_worker = [&](int, int shared_by) {
      return [&, forward = FloatForward(network, shared_by)](int i) mutable -> Status {
        Keep keep(samples, i);
        forward.run_block(b, stream[static_cast<std::size_t>(i)].data(), &keep);
        return {};
      };
    };
    if (Status status = for_each_in_order(count, run.threads, make_worker); !status.ok()) return status;
    use(samples);
  }
  run.progress("choosing quantizers", vit.depth, vit.depth);
  return {};
}

}  // namespace intvit
