#include "converter/optimise/moments.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "converter/float/layers.h"
#include "converter/float/parallel.h"

namespace intvit {
namespace {

// The layer that reads a site, where its weights can be rounded with feedback.
std::string reader_of(Site site, int block) {
  switch (site) {
    case Site::patch_input:
      return layer_name(Layer::patch_embed, -1);
    case Site::qkv_input:
      return layer_name(Layer::qkv, block);
    case Site::attention_output:
      return layer_name(Layer::proj, block);
    case Site::fc1_input:
      return layer_name(Layer::fc1, block);
    case Site::fc2_input:
      return layer_name(Layer::fc2, block);
    default:
      return {};
  }
}

// Sums of inputs and of products of inputs.
struct Sums {
  int inputs = 0;
  double count = 0;
  std::vector<double> sum;
  std::vector<float> products;

  Moments finish() const {
    Moments moments{inputs, count, sum, products};
    const auto n = static_cast<std::size_t>(inputs);
    for (double& mean : moments.mean) mean /= count;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        float& entry = moments.covariance[i * n + j];
        entry = static_cast<float>(entry / count - moments.mean[i] * moments.mean[j]);
      }
    }
    return moments;
  }
};

class MomentsObserver : public Observer {
 public:
  MomentsObserver(const VitDescription& vit, const Plan& plan, std::set<std::string> layers, int threads)
      : vit_(vit), plan_(plan), layers_(std::move(layers)), threads_(threads) {}

  void on_activation(Site site, int block, float* data, int rows, int cols) override {
    if (site == Site::patch_input) {
      to_pixels(data, rows, cols);
      add(reader_of(site, block), pixels_.data(), rows, cols);
      return;
    }
    simulate_codes(site, block, data, rows, cols);
    if (const std::string layer = reader_of(site, block); !layer.empty()) add(layer, data, rows, cols);
  }

  const std::map<std::string, Sums>& sums() const { return sums_; }

 private:
  // Lowering folds normalisation into the patch embedding's weights, whose inputs are then the bytes themselves.
  void to_pixels(const float* data, int rows, int cols) {
    pixels_.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
    for (std::size_t i = 0; i < pixels_.size(); ++i) {
      const std::size_t channel = i % 3;
      pixels_[i] = static_cast<float>(
          std::round((data[i] * vit_.preprocessing.stddev[channel] + vit_.preprocessing.mean[channel]) * 255));
    }
  }

  void simulate_codes(Site site, int block, float* data, int rows, int cols) const {
    const auto found = plan_.activations.find(site_name(site, block));
    if (found == plan_.activations.end()) return;
    const int groups = static_cast<int>(found->second.size());
    const int group_cols = cols / groups;
    parallel_for(threads_, rows, [&](int r) {
      for (int c = 0; c < cols; ++c) {
        const UniformScheme& s = found->second[static_cast<std::size_t>(std::min(c / group_cols, groups - 1))];
        float& x = data[static_cast<std::ptrdiff_t>(r) * cols + c];
        const double code = std::clamp<double>(std::nearbyint(x / s.scale) + s.zero_point, 0, (1 << s.bits) - 1);
        x = static_cast<float>(s.scale * (code - s.zero_point));
      }
    });
  }

  void add(const std::string& layer, const float* data, int rows, int cols) {
    if (!layers_.contains(layer)) return;
    Sums& sums = sums_[layer];
    const auto n = static_cast<std::size_t>(cols);
    if (sums.inputs == 0) {
      sums.inputs = cols;
      sums.sum.resize(n, 0);
      sums.products.resize(n * n, 0);
    }
    sums.count += rows;
    transposed_.resize(n * static_cast<std::size_t>(rows));
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < cols; ++c) {
        const float x = data[static_cast<std::ptrdiff_t>(r) * cols + c];
        sums.sum[static_cast<std::size_t>(c)] += x;
        transposed_[static_cast<std::size_t>(c) * static_cast<std::size_t>(rows) + static_cast<std::size_t>(r)] = x;
      }
    }
    constexpr int kBlock = 64;  // rows of the product per task: the same work whatever the number of threads
    parallel_for(threads_, (cols + kBlock - 1) / kBlock, [&](int task) {
      const OneThreadPerTask pinned;
      const int first = task * kBlock, count = std::min(kBlock, cols - first);
      multiply({transposed_.data() + static_cast<std::ptrdiff_t>(first) * rows, rows}, {data, cols}, false, 1.0f, true,
               count, cols, rows, sums.products.data() + static_cast<std::ptrdiff_t>(first) * cols, cols);
    });
  }

  const VitDescription& vit_;
  const Plan& plan_;
  std::set<std::string> layers_;
  int threads_;
  std::map<std::string, Sums> sums_;
  std::vector<float> pixels_, transposed_;
};

struct LayerSize {
  std::string name;
  std::size_t bytes;
};

std::vector<LayerSize> layers_of(const FloatNetwork& network) {
  std::vector<LayerSize> layers;
  const auto add = [&](Layer layer, int block, int inputs) {
    layers.push_back({layer_name(layer, block),
                      static_cast<std::size_t>(inputs) * static_cast<std::size_t>(inputs) * sizeof(float)});
  };
  const VitDescription& vit = network.description;
  add(Layer::patch_embed, -1, network.patch_embed.in);
  for (int b = 0; b < vit.depth; ++b) {
    for (const Layer layer : {Layer::qkv, Layer::proj, Layer::fc1}) add(layer, b, vit.embed_dim);
    add(Layer::fc2, b, vit.mlp_dim);
  }
  return layers;
}

}  // namespace

Status for_each_moments(const FloatNetwork& network, const Plan& plan, PictureSource& pictures, int threads,
                        const Progress& progress, const std::function<void(const std::string& layer, Moments&&)>& use,
                        std::size_t memory_bytes) {
  const VitDescription& vit = network.description;
  const std::vector<LayerSize> layers = layers_of(network);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(vit.preprocessing.height) *
                                   static_cast<std::size_t>(vit.preprocessing.width) * 3);
  std::vector<float> logits(static_cast<std::size_t>(vit.num_classes));
  FloatForward forward(network, threads);
  for (std::size_t first = 0; first < layers.size();) {
    std::set<std::string> chosen;
    std::size_t bytes = 0, last = first;
    while (last < layers.size() && (last == first || bytes + layers[last].bytes <= memory_bytes)) {
      bytes += layers[last].bytes;
      chosen.insert(layers[last++].name);
    }
    MomentsObserver observer(vit, plan, std::move(chosen), threads);
    for (int i = 0; i < pictures.count(); ++i) {
      progress("correlating", i, pictures.count());
      if (Status status = pictures.read(i, pixels.data()); !status.ok()) return status;
      forward.run(pixels.data(), logits.data(), &observer);
    }
    progress("correlating", pictures.count(), pictures.count());
    for (std::size_t i = first; i < last; ++i) {
      const auto sums = observer.sums().find(layers[i].name);
      if (sums != observer.sums().end()) use(layers[i].name, sums->second.finish());
    }
    first = last;
  }
  return {};
}

}  // namespace intvit
