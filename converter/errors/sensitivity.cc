#include "converter/errors/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "converter/float/for_each_forward.h"
#include "converter/plan/simulate.h"
#include "converter/weights/quantize.h"

namespace intvit {
namespace {

constexpr double kNoNoiseDb = 999;

// Simulates the quantizers of those tensors only whose places in the order of execution are first..last.
class SomeTensors : public Observer {
 public:
  SomeTensors(const FloatNetwork& network, const Plan& plan, const std::vector<int>& order, int first, int last)
      : simulator_(network, plan, 1), order_(order), first_(first), last_(last) {}
  void on_activation(TensorId tensor, float* data, int rows, int columns) override {
    const int order = order_[static_cast<std::size_t>(tensor)];
    if (order >= first_ && order <= last_) simulator_.on_activation(tensor, data, rows, columns);
  }

 private:
  PlanSimulator simulator_;
  const std::vector<int>& order_;
  int first_, last_;
};

using States = std::vector<SegmentState>;  // of every picture

class Measurement {
 public:
  Measurement(const FloatNetwork& network, const Plan& plan, const RoundedLayers& rounded, int threads,
              const Progress& progress)
      : network_(network),
        plan_(plan),
        rounded_(rounded),
        progress_(progress),
        threads_(threads),
        judged_(network.judged_output()),
        order_(network.tensors.size(), -1) {
    int next = 0;
    for (const Node& node : network_.nodes) {
      for (const TensorId id : node.outputs) {
        order_[static_cast<std::size_t>(id)] = next++;
        // What the runtime does where a plan says nothing.
        if (network_.at(id).role == Role::probabilities) plan_.softmax.try_emplace(network_.at(id).name);
      }
    }
  }

  Result<Sensitivity> run(PictureSource& pictures, int count) {
    if (Status status = read(pictures, count); !status.ok()) return status;
    result_.pictures = count;
    step(0);
    run_float();
    for (int s = 0; s < network_.segment_count(); ++s) {
      if (s > 0) step(s);
      measure_segment(s);
    }
    step(network_.segment_count());
    return std::move(result_);
  }

 private:
  void step(int done) { progress_("measuring sensitivity", done, network_.segment_count()); }

  Status read(PictureSource& pictures, int count) {
    const Preprocessing& input = network_.preprocessing;
    pixels_.assign(
        static_cast<std::size_t>(count),
        std::vector<std::uint8_t>(static_cast<std::size_t>(input.height) * static_cast<std::size_t>(input.width) * 3));
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

  // Segments [start, end), from the picture or from `state`.
  void run_from(FloatForward& forward, std::size_t picture, int start, int end, SegmentState& state,
                Observer* observer) {
    if (start == 0) {
      forward.run_from_picture(end, pixels_[picture].data(), state, observer);
    } else {
      forward.run_segments(start, end, state, observer);
    }
  }

  void run_float() {
    const std::size_t size = output_size(network_, judged_);
    values_.resize(pixels_.size() * size);
    for_each_picture([&](std::size_t i, FloatForward& forward) {
      forward.run(pixels_[i].data());
      std::ranges::copy(forward.output(judged_), values_.begin() + static_cast<std::ptrdiff_t>(i * size));
    });
    for (const float value : values_) signal_ += static_cast<double>(value) * value;
    float_states_.resize(pixels_.size());
    states_.resize(pixels_.size());
  }

  // SQNR of the judged output when the tensors first..last are quantized, from `states` in front of segment `start` on.
  double sqnr(int start, const States& states, int first, int last) {
    std::vector<double> noise(pixels_.size(), 0);
    for_each_picture([&](std::size_t i, FloatForward& forward) {
      SomeTensors some(network_, plan_, order_, first, last);
      SegmentState state = states[i];
      run_from(forward, i, start, network_.segment_count(), state, &some);
      const std::span<const float> values = forward.output(judged_);
      for (std::size_t c = 0; c < values.size(); ++c) {
        const double difference = static_cast<double>(values[c]) - values_[i * values.size() + c];
        noise[i] += difference * difference;
      }
    });
    double sum = 0;
    for (const double n : noise) sum += n;
    return sum > 0 ? 10 * std::log10(signal_ / sum) : kNoNoiseDb;
  }

  bool has_quantizer(const std::string& name) const {
    return plan_.activations.contains(name) || plan_.softmax.contains(name) || plan_.residuals.contains(name);
  }

  void measure_tensor(TensorId id, int start) {
    const std::string& name = network_.at(id).name;
    if (!has_quantizer(name)) return;
    const int order = order_[static_cast<std::size_t>(id)];
    result_.sites.push_back({name, sqnr(start, float_states_, order, order), sqnr(start, states_, 0, order)});
  }

  void measure_layer(Node& node, int start) {
    FloatLinear changed = dequantized(network_, node, rounded_.at(node.name));
    std::swap(*node.weights(), changed);
    result_.layers.push_back({node.name, sqnr(start, float_states_, 0, -1)});
    std::swap(*node.weights(), changed);
  }

  // And goes on to the next.
  void measure_segment(int index) {
    const Segment& segment = network_.segment(index);
    int last = -1;
    for (int n = segment.begin; n < segment.end; ++n) {
      for (const TensorId id : network_.node(n).outputs) {
        measure_tensor(id, index);
        last = order_[static_cast<std::size_t>(id)];
      }
    }
    for (int n = segment.begin; n < segment.end; ++n) {
      if (network_.node(n).weights() != nullptr) measure_layer(network_.node(n), index);
    }
    for_each_picture([&](std::size_t i, FloatForward& forward) {
      SomeTensors all(network_, plan_, order_, 0, last);
      run_from(forward, i, index, index + 1, float_states_[i], nullptr);
      run_from(forward, i, index, index + 1, states_[i], &all);
    });
  }

  FloatNetwork network_;  // a copy, in which one layer at a time is quantized
  Plan plan_;
  const RoundedLayers& rounded_;
  const Progress& progress_;
  const int threads_;
  const std::size_t judged_;
  std::vector<int> order_;  // of execution, by tensor
  std::vector<std::vector<std::uint8_t>> pixels_;
  States float_states_, states_;  // in front of the next segment: float, and with all tensors so far quantized
  std::vector<float> values_;     // of the float network's judged output
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
