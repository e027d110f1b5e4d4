// Runs the float network on one picture at a time: the truth that quantized models are measured against, and the
// place where activations are observed or replaced.
// Assumes a network whose tensors have the shapes that its description says (load_network checks them).
// Not for speed records and not for the engine; a 224 x 224 DeiT-Tiny takes some 35 ms on one core. For many pictures,
// several single-threaded FloatForwards (for_each_in_order.h) are faster than one with several threads, which have to
// wait for each other a hundred times per picture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "converter/float/network.h"
#include "converter/float/sites.h"

namespace intvit {

// Is shown the activations as they arise, in the order of execution, always on the thread that called run().
struct Observer {
  virtual ~Observer() = default;
  // data is rows x cols, row-major and contiguous; shapes stand at the sites. The observer may overwrite it, and the
  // network goes on with what it then holds: so a simulated quantizer is applied in place. Valid during the call only.
  virtual void on_activation(Site site, int block, float* data, int rows, int cols) = 0;
};

// One per thread of the caller; it allocates its buffers once. The network is kept by reference and read afresh on
// every run, so its weights (not its shapes) may be changed between runs.
// Logits are the same bits for every thread count, with and without an observer that only looks; across CPUs with
// different instruction sets they differ by float rounding. Throws std::bad_alloc when memory is short.
class FloatForward {
 public:
  FloatForward(const FloatNetwork& network, int threads);

  // pixels_hwc: height x width x 3 bytes, RGB, of the network's input size; logits: num_classes floats.
  void run(const std::uint8_t* pixels_hwc, float* logits, Observer* observer = nullptr);

  // The same in pieces, for those who go through a network block by block. residual: [T][C], read and written.
  void run_embedding(const std::uint8_t* pixels_hwc, float* residual, Observer* observer = nullptr);
  void run_block(int index, float* residual, Observer* observer = nullptr);
  void run_classifier(const float* residual, float* logits, Observer* observer = nullptr);

 private:
  void embed(const std::uint8_t* pixels_hwc);
  void attend(const FloatBlock& block, int index);
  void feed_forward(const FloatBlock& block, int index);
  void attend_to_values(int index);
  void classify(float* logits);
  void apply(const FloatLinear& layer, int first, int count, const float* input, int rows, bool accumulate,
             float* output);
  void observe(Site site, int block, std::vector<float>& data, int rows, int cols);

  const FloatNetwork& network_;
  const VitDescription& vit_;
  const int threads_;
  const int tokens_;
  Observer* observer_ = nullptr;                      // during run() only
  std::array<std::array<float, 256>, 3> normalised_;  // [channel][byte]: (byte / 255 - mean) / stddev

  std::vector<float> patches_;              // [P][patch * patch * 3]
  std::vector<float> residual_;             // [T][C]
  std::vector<float> normed_;               // [T][C]
  std::vector<float> query_, key_, value_;  // [T][C] each
  std::vector<float> scores_;               // [H][T][T], after softmax the probabilities
  std::vector<float> attended_;             // [T][C]
  std::vector<float> hidden_;               // [T][mlp_dim] before the activation
  std::vector<float> activated_;            // [T][mlp_dim] after it
  std::vector<float> head_input_;           // [head.in]
  std::vector<float> logits_;               // [num_classes]
};

}  // namespace intvit
