#include "converter/observe/segment_samples.h"

#include <algorithm>

#include "converter/float/for_each_in_order.h"
#include "converter/float/forward.h"

namespace intvit {
namespace {

using States = std::vector<SegmentState>;  // of all pictures

class Keep : public Observer {
 public:
  Keep(SegmentSamples& samples, std::size_t picture) : samples_(samples), picture_(picture) {}
  void on_activation(TensorId tensor, float* data, int rows, int columns) override {
    samples_.tensors.at(tensor).pictures[picture_].assign(data, data + area(rows, columns));
  }

 private:
  SegmentSamples& samples_;
  std::size_t picture_;
};

// Brings all pictures in front of segment `end`.
Status start(const FloatNetwork& network, const PictureRun& run, int end, States& states) {
  PictureSource& pictures = run.pictures;
  const Preprocessing& input = network.preprocessing;
  const std::size_t bytes = area(input.height, input.width) * 3;
  states.resize(static_cast<std::size_t>(pictures.count()));
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by), pixels = std::vector<std::uint8_t>(bytes)](int i) mutable {
      Status status = pictures.read(i, pixels.data());
      if (status.ok()) forward.run_from_picture(end, pixels.data(), states[static_cast<std::size_t>(i)]);
      return status;
    };
  };
  run.progress("sampling", 0, pictures.count());
  return for_each_in_order(pictures.count(), run.threads, make_worker, [&](int i, Status status) {
    if (status.ok()) run.progress("sampling", i + 1, pictures.count());
    return status;
  });
}

// Outputs live on to the end, so most of them are of no interest to the segment.
bool is_read_later(const FloatNetwork& network, TensorId id, int node) {
  const std::vector<int> readers = network.readers(id);
  return !readers.empty() && readers.back() >= node;
}

// Empty samples of the segment's own tensors, and those of the tensors in front of it.
SegmentSamples samples_before(const FloatNetwork& network, int index, const States& states) {
  SegmentSamples samples{index, {}};
  const auto add = [&](TensorId id) -> TensorSamples& {
    const Tensor& tensor = network.at(id);
    return samples.tensors[id] = {tensor.rows, tensor.columns, std::vector<std::vector<float>>(states.size())};
  };
  const Segment& segment = network.segment(index);
  for (int n = segment.begin; n < segment.end; ++n) {
    for (const TensorId id : network.node(n).outputs) add(id);
  }
  for (const StatePart& part : state_parts(network, index)) {
    if (!is_read_later(network, part.tensor, segment.begin)) continue;
    TensorSamples& before = add(part.tensor);
    for (std::size_t i = 0; i < states.size(); ++i) {
      const auto first = states[i].begin() + static_cast<std::ptrdiff_t>(part.offset);
      before.pictures[i].assign(first, first + static_cast<std::ptrdiff_t>(area(before.rows, before.cols)));
    }
  }
  return samples;
}

}  // namespace

Status for_each_segment(const FloatNetwork& network, const PictureRun& run,
                        const std::function<void(const SegmentSamples&)>& use) {
  std::vector<int> sampled;
  for (int s = 0; s < network.segment_count(); ++s) {
    if (network.segment(s).sampled) sampled.push_back(s);
  }
  if (sampled.empty()) return {};
  const int count = run.pictures.count(), total = static_cast<int>(sampled.size());
  States states;
  if (Status status = start(network, run, sampled.front(), states); !status.ok()) return status;
  for (int s = sampled.front(), done = 0; s <= sampled.back(); ++s) {
    SegmentSamples samples = samples_before(network, s, states);
    const bool wanted = network.segment(s).sampled;
    run.progress("choosing quantizers", done, total);
    const auto make_worker = [&](int, int shared_by) {
      return [&, forward = FloatForward(network, shared_by)](int i) mutable -> Status {
        Keep keep(samples, static_cast<std::size_t>(i));
        forward.run_segment(s, states[static_cast<std::size_t>(i)], wanted ? &keep : nullptr);
        return {};
      };
    };
    if (Status status = for_each_in_order(count, run.threads, make_worker); !status.ok()) return status;
    if (!wanted) continue;
    use(samples);
    ++done;
  }
  run.progress("choosing quantizers", total, total);
  return {};
}

}  // namespace intvit
