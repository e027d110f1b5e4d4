// One block of the network as methods see it: its samples, its layers, and what several methods make of them, computed
// when it is first asked for. So contestants of `auto` share it.
#pragma once

#include <map>
#include <optional>

#include "converter/errors/attention_error.h"
#include "converter/methods/method.h"
#include "converter/observe/block_samples.h"

namespace intvit {

class SampledBlock {
 public:
  // Both are kept by reference.
  SampledBlock(const MethodInput& input, const BlockSamples& samples);

  const int index;
  const BlockSamples& samples;
  const FloatBlock& layers;

  const SiteSamples& at(Site site) const { return samples.at(site); }
  std::string name(Site site) const { return site_name(site, index); }

  // Uniform codes clipped by the error behind the next multiplication, where calibration's histograms only know the
  // error of the values themselves: of queries and keys (the error of their product), values and proj's input (behind
  // proj), and fc2's input (behind fc2).
  const std::map<Site, ActivationSchemes>& clipped();
  void put_clipped(Plan& plan);

  // Of softmax quantizers, behind proj, with clipped values.
  const AttentionError& attention_error();

 private:
  const MethodInput& input_;
  std::map<Site, ActivationSchemes> clipped_;
  std::optional<AttentionError> attention_error_;
};

}  // namespace intvit
