#include "converter/weights/sequential.h"

#include <algorithm>
#include <cmath>

#include "converter/float/for_each_forward.h"
#include "converter/float/layers.h"
#include "converter/float/parallel.h"
#include "converter/float/pixel_normalisation.h"
#include "converter/plan/simulate.h"
#include "converter/weights/error_feedback.h"
#include "converter/weights/moments.h"
#include "converter/weights/quantize.h"
#include "converter/weights/ridge.h"

namespace intvit {
namespace {

// One row per token of every picture, pictures one after another.
struct Rows {
  int cols = 0;
  std::vector<float> data;

  int count() const { return cols == 0 ? 0 : static_cast<int>(data.size() / static_cast<std::size_t>(cols)); }
  float* picture(int index, int rows) {
    return data.data() +
           static_cast<std::size_t>(index) * static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
  }
};

Rows make_rows(int count, int cols) {
  return {cols, std::vector<float>(static_cast<std::size_t>(count) * static_cast<std::size_t>(cols))};
}

// Simulates the plan (if there is one) and keeps what is then at some sites of one block.
class Capture : public Observer {
 public:
  Capture(PlanSimulator* simulator, std::map<Site, float*> wanted)
      : simulator_(simulator), wanted_(std::move(wanted)) {}
  void on_activation(Site site, int block, float* data, int rows, int cols) override {
    if (simulator_ != nullptr) simulator_->on_activation(site, block, data, rows, cols);
    const auto found = wanted_.find(site);
    if (found != wanted_.end())
      std::copy_n(data, static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols), found->second);
  }

 private:
  PlanSimulator* simulator_;
  std::map<Site, float*> wanted_;
};

struct BlockLayer {
  Layer layer;
  Site input;
  FloatLinear FloatBlock::*member;
  bool adds_to_stream;
};

constexpr BlockLayer kLayers[] = {
    {Layer::qkv, Site::qkv_input, &FloatBlock::qkv, false},
    {Layer::proj, Site::attention_output, &FloatBlock::proj, true},
    {Layer::fc1, Site::fc1_input, &FloatBlock::fc1, false},
    {Layer::fc2, Site::fc2_input, &FloatBlock::fc2, true},
};

class SequentialOptimiser {
 public:
  SequentialOptimiser(const FloatNetwork& network, const Plan& plan, const PictureRun& run,
                      const WeightOptions& options)
      : network_(network),
        vit_(network.description),
        quantized_(network),
        plan_(plan),
        pictures_(run.pictures),
        options_(options),
        threads_(run.threads),
        progress_(run.progress),
        tokens_(vit_.tokens()),
        count_(run.pictures.count()) {}

  Result<RoundedLayers> run() {
    if (Status status = embed(); !status.ok()) return status;
    for (int b = 0; b < vit_.depth; ++b) {
      progress_("optimising weights", b, vit_.depth);
      block(b);
    }
    progress_("optimising weights", vit_.depth, vit_.depth);
    return std::move(rounded_);
  }

 private:
  // Calls work(picture, forward over `network`) for all pictures.
  template <typename Work>
  void for_each_picture(const FloatNetwork& network, const Work& work) {
    for_each_forward(network, count_, threads_, work);
  }

  bool corrects() const {
    if (!options_.correct) return false;
    for (const auto& [site, schemes] : plan_.activations) {
      for (const ActivationScheme& scheme : schemes) {
        if (scheme.bits < 8) return true;
      }
    }
    return false;
  }

  // Pixels are exact, so there is nothing to correct: moments of the bytes, error feedback.
  Status embed() {
    const int inputs = network_.patch_embed.in, patches = vit_.patches();
    const std::size_t bytes =
        static_cast<std::size_t>(vit_.preprocessing.height) * static_cast<std::size_t>(vit_.preprocessing.width) * 3;
    std::vector<std::uint8_t> pixels(bytes * static_cast<std::size_t>(count_));
    for (int i = 0; i < count_; ++i) {
      progress_("reading pictures", i, count_);
      if (Status status = pictures_.read(i, pixels.data() + static_cast<std::size_t>(i) * bytes); !status.ok()) {
        return status;
      }
    }
    Rows patch_rows = make_rows(count_ * patches, inputs);
    float_stream_ = make_rows(count_ * tokens_, vit_.embed_dim);
    stream_ = float_stream_;
    for_each_picture(network_, [&](int i, FloatForward& forward) {
      Capture capture(nullptr, {{Site::patch_input, patch_rows.picture(i, patches)}});
      forward.run_embedding(pixels.data() + static_cast<std::size_t>(i) * bytes, float_stream_.picture(i, tokens_),
                            &capture);
    });
    restore_bytes(patch_rows.data, vit_.preprocessing);
    const std::string name = layer_name(Layer::patch_embed, -1);
    const FloatLinear embed = patch_embed_of_bytes(network_);
    const auto scheme = plan_.weights.find(name);
    if (scheme == plan_.weights.end()) return {Code::invalid_argument, "the plan has no weights of '" + name + "'"};
    QuantizedWeights weights = quantize_weights(embed, scheme->second);
    round_with_feedback(embed, moments_of(patch_rows.data.data(), patch_rows.count(), inputs, threads_), threads_,
                        weights);
    quantized_.patch_embed = dequantized_patch_embed(network_, weights);
    rounded_[name] = std::move(weights);
    for_each_picture(quantized_, [&](int i, FloatForward& forward) {
      PlanSimulator simulator(vit_, plan_, 1);
      forward.run_embedding(pixels.data() + static_cast<std::size_t>(i) * bytes, stream_.picture(i, tokens_),
                            &simulator);
    });
    return {};
  }

  void block(int b) {
    FloatBlock& quantized = quantized_.blocks[static_cast<std::size_t>(b)];
    const FloatBlock& exact = network_.blocks[static_cast<std::size_t>(b)];
    const bool correct = corrects();
    // What the float network has at every layer's input, and its stream before and in the middle of the block.
    std::map<Site, Rows> wanted;
    const Rows float_before = float_stream_;
    Rows float_middle = make_rows(count_ * tokens_, vit_.embed_dim);
    for (const BlockLayer& one : kLayers) wanted[one.input] = make_rows(count_ * tokens_, (exact.*one.member).in);
    for_each_picture(network_, [&](int i, FloatForward& forward) {
      std::map<Site, float*> rows_of = {{Site::residual_middle, float_middle.picture(i, tokens_)}};
      for (auto& [site, rows] : wanted) rows_of[site] = rows.picture(i, tokens_);
      Capture capture(nullptr, std::move(rows_of));
      forward.run_block(b, float_stream_.picture(i, tokens_), &capture);
    });
    for (const BlockLayer& one : kLayers) {
      const FloatLinear& layer = exact.*one.member;
      const std::string name = layer_name(one.layer, b);
      const auto scheme = plan_.weights.find(name);
      if (scheme == plan_.weights.end()) continue;  // lowering complains
      Rows inputs = make_rows(count_ * tokens_, layer.in), middle = make_rows(count_ * tokens_, vit_.embed_dim);
      for_each_picture(quantized_, [&](int i, FloatForward& forward) {
        PlanSimulator simulator(vit_, plan_, 1);
        Capture capture(&simulator,
                        {{one.input, inputs.picture(i, tokens_)}, {Site::residual_middle, middle.picture(i, tokens_)}});
        std::vector<float> stream(
            stream_.picture(i, tokens_),
            stream_.picture(i, tokens_) + static_cast<std::size_t>(tokens_) * static_cast<std::size_t>(vit_.embed_dim));
        forward.run_block(b, stream.data(), &capture);
      });
      const Moments moments = moments_of(inputs.data.data(), inputs.count(), layer.in, threads_);
      FloatLinear target = layer;
      if (correct) {
        const Rows& before = one.layer == Layer::proj ? float_before : float_middle;
        const Rows& now = one.layer == Layer::proj ? stream_ : middle;
        target = corrected(layer, moments, inputs, wanted[one.input], one.adds_to_stream ? &before : nullptr,
                           one.adds_to_stream ? &now : nullptr);
      }
      QuantizedWeights weights = quantize_weights(target, scheme->second);
      round_with_feedback(target, moments, threads_, weights);
      for (std::size_t o = 0; o < static_cast<std::size_t>(layer.out); ++o) {
        weights.bias_correction[o] += static_cast<double>(target.bias[o]) - layer.bias[o];
      }
      quantized.*one.member = dequantized(layer, weights);
      rounded_[name] = std::move(weights);
    }
    for_each_picture(quantized_, [&](int i, FloatForward& forward) {
      PlanSimulator simulator(vit_, plan_, 1);
      forward.run_block(b, stream_.picture(i, tokens_), &simulator);
    });
  }

  // T = W a_float + b, plus what the stream has lost so far; cov(a, T) = cov(a, a_float) W^T + cov(a, lost).
  FloatLinear corrected(const FloatLinear& layer, const Moments& moments, const Rows& inputs, const Rows& exact_inputs,
                        const Rows* stream_exact, const Rows* stream_now) {
    const auto n = static_cast<std::size_t>(layer.in), outputs = static_cast<std::size_t>(layer.out);
    const std::vector<float> cross =
        cross_covariance(inputs.data.data(), layer.in, exact_inputs.data.data(), layer.in, inputs.count(), threads_);
    std::vector<float> wanted(n * outputs, 0);
    if (stream_exact != nullptr) {
      Rows lost = *stream_exact;
      for (std::size_t i = 0; i < lost.data.size(); ++i) {
        lost.data[i] = static_cast<float>(options_.stream_share * (lost.data[i] - stream_now->data[i]));
      }
      wanted = cross_covariance(inputs.data.data(), layer.in, lost.data.data(), layer.out, inputs.count(), threads_);
      lost_mean_ = column_means(lost.data.data(), lost.count(), lost.cols);
    } else {
      lost_mean_.assign(outputs, 0);
    }
    const OneThreadPerTask pinned;
    multiply({cross.data(), layer.in}, {layer.weight.data(), layer.in}, true, 1.0f, true, layer.in, layer.out, layer.in,
             wanted.data(), layer.out);
    const std::vector<double> exact_mean = column_means(exact_inputs.data.data(), exact_inputs.count(), layer.in);
    std::vector<double> mean(outputs);
    for (std::size_t o = 0; o < outputs; ++o) {
      mean[o] = layer.bias[o] + lost_mean_[o];
      for (std::size_t i = 0; i < n; ++i) mean[o] += layer.weight[o * n + i] * exact_mean[i];
    }
    return ridge_corrected(layer, moments, wanted, mean, options_.ridge, threads_);
  }

  const FloatNetwork& network_;
  const VitDescription& vit_;
  FloatNetwork quantized_;
  const Plan& plan_;
  PictureSource& pictures_;
  const WeightOptions& options_;
  const int threads_;
  const Progress& progress_;
  const int tokens_, count_;
  Rows float_stream_, stream_;  // of the float and of the quantized network, before the next block
  std::vector<double> lost_mean_;
  RoundedLayers rounded_;
};

}  // namespace

Result<RoundedLayers> optimise_weights(const FloatNetwork& network, const Plan& plan, const PictureRun& run,
                                       const WeightOptions& options) {
  return SequentialOptimiser(network, plan, run, options).run();
}

}  // namespace intvit
