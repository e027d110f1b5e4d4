#include "converter/errors/sensitivity.h"

#include <algorithm>
#include <cmath>

#include "converter/float/for_each_forward.h"
#include "converter/plan/simulate.h"
#include "converter/weights/quantize.h"

namespace intvit {
namespace {

constexpr double kNoNoiseDb = 999;

// The sites of a block that a plan may have a quantizer for, in the order of execution.
constexpr Site kBlockSites[] = {
    Site::qkv_input,        Site::query,           Site::key,       Site::value,     Site::post_softmax,
    Site::attention_output, Site::residual_middle, Site::fc1_input, Site::fc2_input, Site::residual};
constexpr int kSitesPerBlock = static_cast<int>(std::size(kBlockSites));

// Counts sites in the order of execution: the embedding's residual is 0. -1: no such site.
int order_of(Site site, int block, int depth) {
  if (site == Site::residual && block < 0) return 0;
  if (site == Site::head_input) return 1 + depth * kSitesPerBlock;
  for (int i = 0; i < kSitesPerBlock; ++i) {
    if (kBlockSites[i] == site) return 1 + block * kSitesPerBlock + i;
  }
  return -1;
}

// Simulates the quantizers of the sites first..last only.
class SomeSites : public Observer {
 public:
  SomeSites(const VitDescription& vit, const Plan& plan, int first, int last)
      : simulator_(vit, plan, 1), depth_(vit.depth), first_(first), last_(last) {}
  void on_activation(Site site, int block, float* data, int rows, int cols) override {
    const int order = order_of(site, block, depth_);
    if (order >= first_ && order <= last_) simulator_.on_activation(site, block, data, rows, cols);
  }

 private:
  PlanSimulator simulator_;
  int depth_, first_, last_;
};

using Streams = std::vector<std::vector<float>>;  // the residual stream of every picture

class Measurement {
 public:
  Measurement(const FloatNetwork& network, const Plan& plan, const RoundedLayers& rounded, int threads,
              const Progress& progress)
      : network_(network), vit_(network.description), plan_(plan), rounded_(rounded), progress_(progress) {
    // What the runtime does where a plan says nothing.
    for (int b = 0; b < vit_.depth; ++b) plan_.softmax.try_emplace(site_name(Site::post_softmax, b));
    threads_ = threads;
    total_ = 2 + vit_.depth;
  }

  Result<Sensitivity> run(PictureSource& pictures, int count) {
    if (Status status = read(pictures, count); !status.ok()) return status;
    result_.pictures = count;
    step(0);
    from_pixels();
    for (int b = 0; b < vit_.depth; ++b) {
      step(1 + b);
      from_block(b);
    }
    step(1 + vit_.depth);
    from_classifier();
    step(total_);
    return std::move(result_);
  }

 private:
  void step(int done) { progress_("measuring sensitivity", done, total_); }

  Status read(PictureSource& pictures, int count) {
    pixels_.assign(static_cast<std::size_t>(count),
                   std::vector<std::uint8_t>(static_cast<std::size_t>(vit_.preprocessing.height) *
                                             static_cast<std::size_t>(vit_.preprocessing.width) * 3));
    for (int i = 0; i < count; ++i) {
      if (Status status = pictures.read(i, pixels_[static_cast<std::size_t>(i)].data()); !status.ok()) return status;
    }
    return {};
  }

  // work(picture, forward) for all pictures.
  template <typename Work>
  void for_each_picture(const Work& work) {
    for_each_forward(network_, static_cast<int>(pixels_.size()), threads_,
                     [&](int i, FloatForward& forward) { work(static_cast<std::size_t>(i), forward); });
  }

  // SQNR of the logits when the sites first..last are quantized and everything before block `start` is already in
  // `streams`; from the pixels if start is -1.
  double sqnr(int start, const Streams& streams, int first, int last) {
    const auto classes = static_cast<std::size_t>(vit_.num_classes);
    std::vector<double> noise(pixels_.size(), 0);
    for_each_picture([&](std::size_t i, FloatForward& forward) {
      SomeSites some(vit_, plan_, first, last);
      std::vector<float> stream = streams[i], logits(classes);
      if (start < 0) forward.run_embedding(pixels_[i].data(), stream.data(), &some);
      for (int b = std::max(0, start); b < vit_.depth; ++b) forward.run_block(b, stream.data(), &some);
      forward.run_classifier(stream.data(), logits.data(), &some);
      for (std::size_t c = 0; c < classes; ++c) {
        const double difference = static_cast<double>(logits[c]) - logits_[i * classes + c];
        noise[i] += difference * difference;
      }
    });
    double sum = 0;
    for (const double n : noise) sum += n;
    return sum > 0 ? 10 * std::log10(signal_ / sum) : kNoNoiseDb;
  }

  bool has_quantizer(Site site, int block) const {
    const std::string name = site_name(site, block);
    return plan_.activations.contains(name) || plan_.softmax.contains(name) || plan_.residuals.contains(name);
  }

  void measure_site(Site site, int block, int start) {
    if (!has_quantizer(site, block)) return;
    const int order = order_of(site, block, vit_.depth);
    result_.sites.push_back(
        {site_name(site, block), sqnr(start, float_streams_, order, order), sqnr(start, streams_, 0, order)});
  }

  // With `changed` in the place of `layer`.
  void measure_layer(Layer which, int block, FloatLinear& layer, FloatLinear changed, int start) {
    std::swap(layer, changed);
    result_.layers.push_back({layer_name(which, block), sqnr(start, float_streams_, 0, -1)});
    std::swap(layer, changed);
  }

  FloatLinear quantized(Layer which, int block, const FloatLinear& layer) const {
    return dequantized(layer, rounded_.at(layer_name(which, block)));
  }

  void from_pixels() {
    const std::size_t size = static_cast<std::size_t>(vit_.tokens()) * static_cast<std::size_t>(vit_.embed_dim);
    const auto classes = static_cast<std::size_t>(vit_.num_classes);
    float_streams_.assign(pixels_.size(), std::vector<float>(size));
    streams_ = float_streams_;
    logits_.resize(pixels_.size() * classes);
    for_each_picture([&](std::size_t i, FloatForward& forward) {
      forward.run(pixels_[i].data(), logits_.data() + i * classes);
      SomeSites all(vit_, plan_, 0, 0);
      forward.run_embedding(pixels_[i].data(), float_streams_[i].data());
      forward.run_embedding(pixels_[i].data(), streams_[i].data(), &all);
    });
    for (const float logit : logits_) signal_ += static_cast<double>(logit) * logit;
    measure_site(Site::residual, -1, -1);
    measure_layer(Layer::patch_embed, -1, network_.patch_embed,
                  dequantized_patch_embed(network_, rounded_.at(layer_name(Layer::patch_embed, -1))), -1);
  }

  void from_block(int b) {
    for (const Site site : kBlockSites) measure_site(site, b, b);
    FloatBlock& block = network_.blocks[static_cast<std::size_t>(b)];
    measure_layer(Layer::qkv, b, block.qkv, quantized(Layer::qkv, b, block.qkv), b);
    measure_layer(Layer::proj, b, block.proj, quantized(Layer::proj, b, block.proj), b);
    measure_layer(Layer::fc1, b, block.fc1, quantized(Layer::fc1, b, block.fc1), b);
    measure_layer(Layer::fc2, b, block.fc2, quantized(Layer::fc2, b, block.fc2), b);
    for_each_picture([&](std::size_t i, FloatForward& forward) {
      SomeSites all(vit_, plan_, 0, order_of(Site::residual, b, vit_.depth));
      forward.run_block(b, float_streams_[i].data());
      forward.run_block(b, streams_[i].data(), &all);
    });
  }

  void from_classifier() {
    measure_site(Site::head_input, -1, vit_.depth);
    measure_layer(Layer::head, -1, network_.head, quantized(Layer::head, -1, network_.head), vit_.depth);
  }

  FloatNetwork network_;  // a copy, in which one layer at a time is quantized
  const VitDescription& vit_;
  Plan plan_;
  const RoundedLayers& rounded_;
  const Progress& progress_;
  int threads_, total_;
  std::vector<std::vector<std::uint8_t>> pixels_;
  Streams float_streams_, streams_;  // before the next block: float, and with all sites so far quantized
  std::vector<float> logits_;        // of the float network
  double signal_ = 0;
  Sensitivity result_;
};

}  // namespace

Result<Sensitivity> measure_sensitivity(const FloatNetwork& network, const Plan& plan, const RoundedLayers& rounded,
                                        const PictureRun& run, int count) {
  return Measurement(network, plan, rounded, run.threads, run.progress)
      .run(run.pictures, std::min(count, run.pictures.count()));
}

}  // namespace intvit
