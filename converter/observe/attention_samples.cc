#include "converter/observe/attention_samples.h"

#include <algorithm>

#include "converter/float/projected_zero.h"

namespace intvit {
namespace {

class Windows {
 public:
  explicit Windows(const WindowSpec& spec) : map_(expand(spec)) {}

  // Rows of tokens. `pad` is of slots without one; empty: those repeat the window's first token.
  TensorSamples rows(const TensorSamples& all, const std::vector<float>& pad) const {
    const auto columns = static_cast<std::ptrdiff_t>(all.cols);
    return cut(map_.tokens, all, [&](const std::vector<float>& picture, int window, std::vector<float>& out) {
      for (int slot = 0; slot < map_.tokens; ++slot) {
        const std::int32_t token = pad.empty() ? query_of(window, slot) : at(window, slot);
        const float* row = token < 0 ? pad.data() : picture.data() + token * columns;
        out.insert(out.end(), row, row + columns);
      }
    });
  }

  TensorSamples probabilities(const TensorSamples& all, int heads) const {
    const std::ptrdiff_t tokens = all.rows / heads, slots = map_.tokens;
    return cut(heads * map_.tokens, all, [&](const std::vector<float>& picture, int window, std::vector<float>& out) {
      for (int head = 0; head < heads; ++head) {
        for (int slot = 0; slot < map_.tokens; ++slot) {
          const float* row = picture.data() + (head * tokens + query_of(window, slot)) * slots;
          out.insert(out.end(), row, row + slots);
        }
      }
    });
  }

 private:
  std::int32_t at(int window, int slot) const {
    return map_.rows[static_cast<std::size_t>(window) * static_cast<std::size_t>(map_.tokens) +
                     static_cast<std::size_t>(slot)];
  }
  std::int32_t query_of(int window, int slot) const {
    const std::int32_t token = at(window, slot);
    if (token >= 0) return token;
    int first = 0;
    while (at(window, first) < 0) ++first;  // a window has a token
    return at(window, first);
  }

  template <typename Put>
  TensorSamples cut(int rows, const TensorSamples& all, const Put& put) const {
    TensorSamples result{rows, all.cols, {}};
    for (const std::vector<float>& picture : all.pictures) {
      for (int window = 0; window < map_.windows; ++window) {
        std::vector<float>& out = result.pictures.emplace_back();
        out.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(all.cols));
        put(picture, window, out);
      }
    }
    return result;
  }

  const WindowMap map_;
};

}  // namespace

AttentionSamples in_windows(const FloatNetwork& network, const Node& node, const SegmentSamples& samples) {
  const Windows windows(*node.as<Attention>()->windows);
  const TensorId key = node.inputs[1];
  return {windows.rows(samples.at(node.inputs[0]), {}), windows.rows(samples.at(key), projected_zero(network, key)),
          values_in_windows(network, node, samples), probabilities_in_windows(network, node, samples),
          windows.rows(samples.at(node.outputs[1]), {})};
}

TensorSamples probabilities_in_windows(const FloatNetwork& network, const Node& node, const SegmentSamples& samples) {
  return Windows(*node.as<Attention>()->windows)
      .probabilities(samples.at(node.outputs[0]), network.at(node.inputs[0]).heads);
}

TensorSamples values_in_windows(const FloatNetwork& network, const Node& node, const SegmentSamples& samples) {
  const TensorId value = node.inputs[2];
  return Windows(*node.as<Attention>()->windows).rows(samples.at(value), projected_zero(network, value));
}

}  // namespace intvit
