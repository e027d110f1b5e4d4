// Runs the float network on one picture at a time: the truth that quantized models are measured against, and the
// place where activations are observed or replaced. One loop over the nodes; what each does is in nodes/.
// Assumes a network that check_network() has passed.
// Not for speed records and not for the engine; a 224 x 224 DeiT-Tiny takes some 35 ms on one core. For many pictures,
// several single-threaded FloatForwards (for_each_in_order.h) are faster than one with several threads, which have to
// wait for each other a hundred times per picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "converter/float/node_run.h"
#include "converter/float/observer.h"
#include "converter/graph/network.h"

namespace intvit {

// What is alive in front of a segment (or behind the last), one tensor after another in the order of their ids: all
// that is needed to go on from there. In front of an encoder block that is the residual stream.
using SegmentState = std::vector<float>;

// Tensors in the state in front of segment `index`; behind the last for segment_count(). With the first value of each.
struct StatePart {
  TensorId tensor;
  std::size_t offset;
};
std::vector<StatePart> state_parts(const FloatNetwork& network, int index);

// One per thread of the caller. The network is kept by reference and read afresh on every run, so its weights (not its
// shapes) may be changed between runs.
// Outputs are the same bits for every thread count, with and without an observer that only looks; across CPUs with
// different instruction sets they differ by float rounding. Throws std::bad_alloc when memory is short.
class FloatForward {
 public:
  FloatForward(const FloatNetwork& network, int threads);

  // picture: height x width x 3 bytes, RGB, of the network's input size.
  void run(const std::uint8_t* picture, Observer* observer = nullptr);

  // The same in pieces, for those who go through a network segment by segment: segments [0, end) from the picture to
  // `state`, and [first, end) from `state` to `state`.
  void run_from_picture(int end, const std::uint8_t* picture, SegmentState& state, Observer* observer = nullptr);
  void run_segments(int first, int end, SegmentState& state, Observer* observer = nullptr);
  // One of them.
  void run_segment(int index, SegmentState& state, Observer* observer = nullptr) {
    run_segments(index, index + 1, state, observer);
  }

  // The rows of an output after a run to the end: rows x columns of its tensor. Valid until the next run.
  std::span<const float> output(std::size_t index) const;

 private:
  void run_nodes(int begin, int end, const std::uint8_t* picture, Observer* observer);
  std::vector<float> take(std::size_t size);
  void release(TensorId id);
  void clear();
  void save(int segment, SegmentState& state) const;

  const FloatNetwork& network_;
  const int threads_;
  PixelValues pixel_values_;
  std::vector<int> last_use_;                                      // node, by TensorId
  std::vector<std::vector<StatePart>> parts_;                      // in front of each segment and behind the last
  std::vector<std::vector<float>> tensors_;                        // by TensorId; empty where not alive
  std::map<std::size_t, std::vector<std::vector<float>>> unused_;  // buffers, by size
};

}  // namespace intvit
