#include "converter/graph/node_shapes.h"

#include <cstddef>

namespace intvit {
namespace {

bool has_all_weights(const FloatLinear& layer) {
  return layer.out > 0 && layer.in > 0 &&
         layer.weight.size() == static_cast<std::size_t>(layer.out) * static_cast<std::size_t>(layer.in) &&
         layer.bias.size() == static_cast<std::size_t>(layer.out);
}

// What a node needs of its tensors; empty if it has it.
class NodeShapes {
 public:
  NodeShapes(const FloatNetwork& network, const Node& node) : network_(network), node_(node) {}

  std::string check() const {
    return std::visit([this](const auto& kind) { return problem(kind); }, node_.kind);
  }

 private:
  const Tensor& in(std::size_t i) const { return network_.at(node_.inputs[i]); }
  const Tensor& out(std::size_t i) const { return network_.at(node_.outputs[i]); }
  bool has(std::size_t inputs, std::size_t outputs) const {
    return node_.inputs.size() == inputs && node_.outputs.size() == outputs;
  }

  std::string problem(const PatchEmbed& embed) const {
    if (!has(0, 2)) return "must write pixels and a stream";
    if (embed.patch < 1 || !has_all_weights(embed.linear)) return "weights of another size than it says";
    const Preprocessing& picture = network_.preprocessing;
    const int patches = picture.height / embed.patch * (picture.width / embed.patch);
    const bool fits =
        out(0).rows == patches && out(0).columns == embed.linear.in && out(1).rows == embed.prefix + patches &&
        out(1).columns == embed.linear.out && embed.linear.in == 3 * embed.patch * embed.patch &&
        embed.token_init.size() == static_cast<std::size_t>(out(1).rows) * static_cast<std::size_t>(out(1).columns);
    return fits ? "" : "shapes of pixels, weights and stream";
  }
  std::string problem(const LayerNorm& norm) const {
    if (!has(1, 1) && !has(2, 1)) return "must have one input and one output";
    const bool adds = node_.inputs.size() == 2;
    const bool fits = in(0).columns == out(0).columns && norm.first_row >= 0 &&
                      norm.first_row + out(0).rows <= in(0).rows && norm.groups >= 1 &&
                      in(0).columns % norm.groups == 0 &&
                      norm.norm.gamma.size() == static_cast<std::size_t>(in(0).columns) &&
                      norm.norm.beta.size() == norm.norm.gamma.size() && (!adds || adds_to_stream());
    return fits ? "" : "shapes of input, gain and output";
  }
  std::string problem(const Linear& layer) const {
    if (node_.inputs.empty() || node_.inputs.size() > 2 || node_.outputs.empty()) return "must have one or two inputs";
    const int parts = static_cast<int>(node_.outputs.size());
    if (in(0).role != Role::linear_input) return "must read a linear_input";
    const FloatLinear& l = layer.linear;
    if (!has_all_weights(l)) return "weights of another size than it says";
    const bool joined = l.in % in(0).columns == 0 && in(0).rows == out(0).rows * (l.in / in(0).columns);
    bool fits = joined && l.out % parts == 0;
    for (std::size_t i = 0; i < node_.outputs.size(); ++i) {
      fits = fits && out(i).columns == l.out / parts && out(i).rows == out(0).rows;
    }
    if (node_.inputs.size() == 2) fits = fits && parts == 1 && adds_to_stream();
    return fits ? "" : "shapes of input, weights and outputs";
  }
  std::string problem(const Activate&) const {
    const bool fits = has(1, 1) && in(0).rows == out(0).rows && in(0).columns == out(0).columns;
    return fits ? "" : "must have an output like its input";
  }
  std::string problem(const Multiply&) const {
    const auto alike = [&](const Tensor& factor) {
      return factor.rows == out(0).rows && factor.columns == out(0).columns;
    };
    const bool fits =
        has(2, 1) && alike(in(0)) && alike(in(1)) && in(0).role == Role::activation_input && in(1).role == Role::values;
    return fits ? "" : "must have a gate, values and an output that are alike";
  }
  std::string problem(const Attention& attention) const {
    if (!has(3, 2)) return "must read query, key and value";
    if (attention.queries < 0 || attention.queries > in(0).rows) return "more queries than there are";
    const int queries = attention.queries > 0 ? attention.queries : in(0).rows;
    const int keys = attention.windows ? attention.windows->window_tokens() : in(1).rows;
    if (attention.windows) {
      const WindowSpec& windows = *attention.windows;
      if (!windows.sound() || windows.tokens() != in(0).rows || in(1).rows != in(0).rows || attention.queries != 0)
        return "windows of another grid";
      if (windows.has_pads() && windows.pad == PadToken::zero_input && (!is_projected(1) || !is_projected(2)))
        return "pads are keys whose projection is not known";
    }
    const std::size_t biases = static_cast<std::size_t>(in(0).heads) *
                               static_cast<std::size_t>(attention.windows ? keys : queries) *
                               static_cast<std::size_t>(keys);
    if (!attention.bias.empty() && attention.bias.size() != biases) return "a bias of another size";
    const bool fits = in(0).columns == in(1).columns && in(1).rows == in(2).rows && in(0).heads == in(1).heads &&
                      in(1).heads == in(2).heads && out(0).heads == in(0).heads && in(0).columns % in(0).heads == 0 &&
                      in(2).columns % in(0).heads == 0 && out(0).rows == in(0).heads * queries &&
                      out(0).columns == keys && out(1).rows == queries && out(1).columns == in(2).columns;
    return fits ? "" : "shapes of query, key, value and outputs";
  }
  std::string problem(const MeanRows& mean) const {
    const bool fits = has(1, 1) && out(0).rows == mean.copied + 1 && out(0).columns == in(0).columns &&
                      mean.copied >= 0 && mean.copied < in(0).rows && mean.first_row >= 0 && mean.count >= 1 &&
                      mean.first_row + mean.count <= in(0).rows;
    return fits ? "" : "rows out of range";
  }

  std::string problem(const Rotate& rotate) const {
    const bool alike = has(1, 1) && in(0).rows == out(0).rows && in(0).columns == out(0).columns;
    if (!alike || rotate.first_row < 0 || rotate.first_row > in(0).rows || out(0).head_columns() % 2 != 0)
      return "must have an output like its input, with pairs of columns";
    const std::size_t angles =
        static_cast<std::size_t>(in(0).rows - rotate.first_row) * static_cast<std::size_t>(out(0).head_columns() / 2);
    return rotate.cosines.size() == angles && rotate.sines.size() == angles ? "" : "angles of other rows";
  }
  std::string problem(const Gather& gather) const {
    const MergeSpec& merge = gather.merge;
    const bool fits = has(1, 1) && merge.grid_height > 0 && merge.grid_width > 0 && in(0).rows == merge.tokens() &&
                      out(0).rows == merge.merged_tokens() && out(0).columns == kMergedTokens * in(0).columns;
    return fits ? "" : "shapes of the two grids";
  }
  std::string problem(const Copy&) const {
    const bool fits = has(1, 1) && in(0).rows == out(0).rows && in(0).columns == out(0).columns;
    return fits ? "" : "must have an output like its input";
  }

  // The second input is a stream, and the output is that stream from then on.
  bool adds_to_stream() const {
    return in(1).rows == out(0).rows && in(1).columns == out(0).columns && in(1).role == Role::residual &&
           out(0).role == Role::residual;
  }

  bool is_projected(std::size_t i) const { return projection_of(network_, node_.inputs[i]).node >= 0; }

  const FloatNetwork& network_;
  const Node& node_;
};

}  // namespace

std::string shape_problem(const FloatNetwork& network, const Node& node) { return NodeShapes(network, node).check(); }

}  // namespace intvit
