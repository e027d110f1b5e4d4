// Checkpoints of a tiny Vision Transformer, written by the tests that read them again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "converter/families/load_network.h"
#include "models/vit.h"

namespace intvit::checkpoints {

// Removed with all it holds.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }
  void write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

struct StoredTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};
using TensorMap = std::map<std::string, StoredTensor>;

// A safetensors file: the header's length, the header and the data.
std::string with_header(const std::string& header, const std::string& data);

// All tensors as F32; `metadata` is JSON.
std::string safetensors(const TensorMap& tensors, const std::string& metadata = "");

// Values that differ everywhere, from `seed` on.
StoredTensor numbered(std::vector<std::int64_t> shape, int seed);

// Input 8 x 8, patches of 4, C = 16, one block, two heads, 5 classes.
VitDescription tiny_description();

TensorMap tensors_of(const VitDescription& vit);

constexpr const char* kTinyConfig = R"({"architecture": "tiny", "num_classes": 5, "num_heads": 2,
  "pretrained_cfg": {"input_size": [3, 8, 8], "crop_pct": 0.9, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.5, 0.5]},
  "label_names": ["a", "b", "c", "d", "e"]})";

// From a folder with model.safetensors and, unless it is empty, config.json.
Result<FloatNetwork> load_tiny(const TensorMap& tensors, const std::string& config = kTinyConfig,
                               const OutputChoice& outputs = {});

bool contains(const std::string& text, const std::string& part);

// Calls cut() with every beginning of `good`, and flipped() with `good` with some bits of one byte flipped, byte by
// byte.
template <typename Cut, typename Flipped>
void damage(const std::string& good, const Cut& cut, const Flipped& flipped) {
  for (std::size_t size = 0; size < good.size(); ++size) cut(good.substr(0, size));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char mask : {'\x01', '\x80', '\xff'}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ mask);
      flipped(bad);
    }
  }
}

// With `code`, in one line that has all `parts`.
void check_load_fails(const Result<FloatNetwork>& network, Code code, const std::vector<std::string>& parts);

// Nodes, tensors and weights; not how eps and activation functions were configured.
void check_same(const FloatNetwork& a, const FloatNetwork& b);

}  // namespace intvit::checkpoints
