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

// Rows of one tensor of every picture, pictures one after another.
struct Rows {
  int cols = 0;
  std::vector<float> data;

  int count() const { return cols == 0 ? 0 : static_cast<int>(data.size() / static_cast<std::size_t>(cols)); }
  float* picture(int index, int rows) { return data.data() + static_cast<std::size_t>(index) * area(rows, cols); }
};

Rows make_rows(int count, int cols) { return {cols, std::vector<float>(area(count, cols))}; }

// Simulates the plan (if there is one) and keeps what some tensors then are.
class Capture : public Observer {
 public:
  Capture(PlanSimulator* simulator, std::map<TensorId, float*> wanted)
      : simulator_(simulator), wanted_(std::move(wanted)) {}
  void on_activation(TensorId tensor, float* data, int rows, int columns) override {
    if (simulator_ != nullptr) simulator_->on_activation(tensor, data, rows, columns);
    const auto found = wanted_.find(tensor);
    if (found != wanted_.end()) std::copy_n(data, area(rows, columns), found->second);
  }

 private:
  PlanSimulator* simulator_;
  std::map<TensorId, float*> wanted_;
};

using States = std::vector<SegmentState>;  // of all pictures, in front of the same segment

class SequentialOptimiser {
 public:
  SequentialOptimiser(const FloatNetwork& network, const Plan& plan, const PictureRun& run,
                      const WeightOptions& options, std::span<LayerRefiner* const> refiners)
      : network_(network),
        quantized_(network),
        plan_(plan),
        pictures_(run.pictures),
        options_(options),
        refiners_(refiners),
        threads_(run.threads),
        progress_(run.progress),
        count_(run.pictures.count()) {}

  Result<RoundedLayers> run() {
    const int last = network_.segment_count() - 1;
    if (Status status = embed(); !status.ok()) return status;
    for (int s = 1; s <= last; ++s) {
      if (options_.report) progress_("optimising weights", s - 1, last);
      segment(s);
    }
    if (options_.report) progress_("optimising weights", last, last);
    for (LayerRefiner* refiner : refiners_) refiner->end(quantized_, rounded_);
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
    for (const auto& [layer, scheme] : plan_.weights) {
      if (scheme.bits < 8) return true;
    }
    for (const auto& [site, schemes] : plan_.activations) {
      for (const ActivationScheme& scheme : schemes) {
        if (scheme.bits < 8) return true;
      }
    }
    return false;
  }

  Rows rows_of(TensorId tensor) const {
    return make_rows(count_ * network_.at(tensor).rows, network_.at(tensor).columns);
  }
  float* picture_of(Rows& rows, int picture) const { return rows.picture(picture, rows.count() / count_); }

  // The segment that reads the picture. Pixels are exact, so there is nothing to correct: moments of the bytes, error
  // feedback.
  Status embed() {
    const std::size_t bytes = area(network_.preprocessing.height, network_.preprocessing.width) * 3;
    std::vector<std::uint8_t> pixels(bytes * static_cast<std::size_t>(count_));
    for (int i = 0; i < count_; ++i) {
      progress_("reading pictures", i, count_);
      if (Status status = pictures_.read(i, pixels.data() + static_cast<std::size_t>(i) * bytes); !status.ok()) {
        return status;
      }
    }
    const auto at = [&](int i) { return pixels.data() + static_cast<std::size_t>(i) * bytes; };
    Node& node = quantized_.node(0);
    Rows patches = rows_of(node.outputs[0]);
    states_.resize(static_cast<std::size_t>(count_));
    float_states_ = states_;
    for_each_picture(network_, [&](int i, FloatForward& forward) {
      Capture capture(nullptr, {{node.outputs[0], picture_of(patches, i)}});
      forward.run_from_picture(1, at(i), float_states_[static_cast<std::size_t>(i)], &capture);
    });
    restore_bytes(patches.data, network_.preprocessing);
    const FloatLinear layer = layer_of_codes(network_, node);
    const auto scheme = plan_.weights.find(node.name);
    if (scheme == plan_.weights.end())
      return {Code::invalid_argument, "the plan has no weights of '" + node.name + "'"};
    QuantizedWeights weights = quantize_weights(layer, scheme->second);
    round_with_feedback(layer, moments_of(patches.data.data(), patches.count(), patches.cols, threads_),
                        scheme->second.range, threads_, weights);
    *node.weights() = dequantized(network_, network_.node(0), weights);
    rounded_[node.name] = std::move(weights);
    for_each_picture(quantized_, [&](int i, FloatForward& forward) {
      PlanSimulator simulator(network_, plan_, 1);
      forward.run_from_picture(1, at(i), states_[static_cast<std::size_t>(i)], &simulator);
    });
    return {};
  }

  // The float network's inputs of all linear layers of a segment, and the streams that these add to.
  std::map<TensorId, Rows> wanted_rows(int s) {
    std::map<TensorId, Rows> wanted;
    const Segment& segment = network_.segment(s);
    for (int n = segment.begin; n < segment.end; ++n) {
      if (network_.node(n).as<Linear>() == nullptr) continue;
      for (const TensorId id : network_.node(n).inputs) wanted[id] = rows_of(id);
    }
    keep_alive(s, float_states_, wanted);
    for_each_picture(network_, [&](int i, FloatForward& forward) {
      std::map<TensorId, float*> places;
      for (auto& [id, rows] : wanted) places[id] = picture_of(rows, i);
      Capture capture(nullptr, std::move(places));
      forward.run_segment(s, float_states_[static_cast<std::size_t>(i)], &capture);
    });
    return wanted;
  }

  // Those of `wanted` that are alive in front of the segment.
  void keep_alive(int s, const States& states, std::map<TensorId, Rows>& wanted) const {
    for (const StatePart& part : state_parts(network_, s)) {
      const auto found = wanted.find(part.tensor);
      if (found == wanted.end()) continue;
      const std::size_t size = found->second.data.size() / static_cast<std::size_t>(count_);
      for (int i = 0; i < count_; ++i) {
        const SegmentState& state = states[static_cast<std::size_t>(i)];
        std::copy_n(state.begin() + static_cast<std::ptrdiff_t>(part.offset), size, picture_of(found->second, i));
      }
    }
  }

  void segment(int s) {
    if (network_.segment(s).sampled) {
      for (LayerRefiner* refiner : refiners_) refiner->begin_segment(s, float_states_, states_);
    }
    std::map<TensorId, Rows> exact = wanted_rows(s);
    for (int n = network_.segment(s).begin; n < network_.segment(s).end; ++n) {
      if (network_.node(n).as<Linear>() != nullptr) layer(s, n, exact);
    }
    for_each_picture(quantized_, [&](int i, FloatForward& forward) {
      PlanSimulator simulator(network_, plan_, 1);
      forward.run_segment(s, states_[static_cast<std::size_t>(i)], &simulator);
    });
  }

  void layer(int s, int n, std::map<TensorId, Rows>& exact) {
    const Node& node = network_.node(n);
    const FloatLinear& layer = *node.weights();
    const auto scheme = plan_.weights.find(node.name);
    if (scheme == plan_.weights.end()) return;  // lowering complains
    const bool sampled = network_.segment(s).sampled;
    if (!sampled && scheme->second.bits == 8) return;  // the nearest codes lose next to nothing
    const TensorId input = node.inputs[0], stream = addend(node);
    std::map<TensorId, Rows> now;
    for (const TensorId id : node.inputs) now[id] = rows_of(id);
    keep_alive(s, states_, now);
    for_each_picture(quantized_, [&](int i, FloatForward& forward) {
      PlanSimulator simulator(network_, plan_, 1);
      std::map<TensorId, float*> places;
      for (auto& [id, rows] : now) places[id] = picture_of(rows, i);
      Capture capture(&simulator, std::move(places));
      SegmentState state = states_[static_cast<std::size_t>(i)];
      forward.run_segment(s, state, &capture);
    });
    Rows& inputs = now.at(input);
    inputs.cols = layer.in;  // a distilled network's head reads two tokens as one row
    const Moments moments = moments_of(inputs.data.data(), inputs.count(), layer.in, threads_);
    FloatLinear target = layer;
    if (corrects()) {
      target = corrected(layer, sampled, moments, inputs, exact.at(input), stream < 0 ? nullptr : &exact.at(stream),
                         stream < 0 ? nullptr : &now.at(stream));
    }
    QuantizedWeights weights = quantize_weights(target, scheme->second);
    round_with_feedback(target, moments, scheme->second.range, threads_, weights);
    for (std::size_t o = 0; o < static_cast<std::size_t>(layer.out); ++o) {
      weights.bias_correction[o] += static_cast<double>(target.bias[o]) - layer.bias[o];
    }
    *quantized_.node(n).weights() = dequantized(layer, weights);
    rounded_[node.name] = std::move(weights);
    if (!sampled) return;
    for (LayerRefiner* refiner : refiners_) refiner->refine(n, quantized_, rounded_);
  }

  // T = W a_float + b, plus what the stream has lost so far; cov(a, T) = cov(a, a_float) W^T + cov(a, lost). The few
  // rows behind sampled segments tell no more of T than its mean.
  FloatLinear corrected(const FloatLinear& layer, bool sampled, const Moments& moments, const Rows& inputs,
                        const Rows& exact_inputs, const Rows* stream_exact, const Rows* stream_now) {
    const auto n = static_cast<std::size_t>(layer.in), outputs = static_cast<std::size_t>(layer.out);
    Rows lost;
    std::vector<double> mean(layer.bias.begin(), layer.bias.end());
    if (stream_exact != nullptr) {
      lost = *stream_exact;
      for (std::size_t i = 0; i < lost.data.size(); ++i) {
        lost.data[i] = static_cast<float>(options_.stream_share * (lost.data[i] - stream_now->data[i]));
      }
      const std::vector<double> lost_mean = column_means(lost.data.data(), lost.count(), lost.cols);
      for (std::size_t o = 0; o < outputs; ++o) mean[o] += lost_mean[o];
    }
    const std::vector<double> exact_mean = column_means(exact_inputs.data.data(), inputs.count(), layer.in);
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t i = 0; i < n; ++i) mean[o] += layer.weight[o * n + i] * exact_mean[i];
    }
    if (!sampled) {
      FloatLinear result = layer;
      for (std::size_t o = 0; o < outputs; ++o) {
        for (std::size_t i = 0; i < n; ++i) mean[o] -= layer.weight[o * n + i] * moments.mean[i];
        result.bias[o] = static_cast<float>(mean[o]);
      }
      return result;
    }
    std::vector<float> wanted(n * outputs, 0);
    if (stream_exact != nullptr) {
      wanted = cross_covariance(inputs.data.data(), layer.in, lost.data.data(), layer.out, inputs.count(), threads_);
    }
    const std::vector<float> cross =
        cross_covariance(inputs.data.data(), layer.in, exact_inputs.data.data(), layer.in, inputs.count(), threads_);
    const OneThreadPerTask pinned;
    multiply({cross.data(), layer.in}, {layer.weight.data(), layer.in}, true, 1.0f, true, layer.in, layer.out, layer.in,
             wanted.data(), layer.out);
    return ridge_corrected(layer, moments, wanted, mean, options_.ridge, threads_);
  }

  const FloatNetwork& network_;
  FloatNetwork quantized_;
  const Plan& plan_;
  PictureSource& pictures_;
  const WeightOptions& options_;
  const std::span<LayerRefiner* const> refiners_;
  const int threads_;
  const Progress& progress_;
  const int count_;
  States float_states_, states_;  // of the float and of the quantized network, in front of the next segment
  RoundedLayers rounded_;
};

}  // namespace

Result<RoundedLayers> optimise_weights(const FloatNetwork& network, const Plan& plan, const PictureRun& run,
                                       const WeightOptions& options, std::span<LayerRefiner* const> refiners) {
  return SequentialOptimiser(network, plan, run, options, refiners).run();
}

}  // namespace intvit
