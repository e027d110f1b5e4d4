#include "converter/graph/network.h"

#include <algorithm>

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
    if (!has(1, 1)) return "must have one input and one output";
    const bool fits = in(0).columns == out(0).columns && norm.first_row >= 0 &&
                      norm.first_row + out(0).rows <= in(0).rows &&
                      norm.norm.gamma.size() == static_cast<std::size_t>(in(0).columns) &&
                      norm.norm.beta.size() == norm.norm.gamma.size();
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
    if (node_.inputs.size() == 2) {
      fits = fits && parts == 1 && in(1).rows == out(0).rows && in(1).columns == out(0).columns &&
             in(1).role == Role::residual && out(0).role == Role::residual;
    }
    return fits ? "" : "shapes of input, weights and outputs";
  }
  std::string problem(const Activate&) const {
    const bool fits = has(1, 1) && in(0).rows == out(0).rows && in(0).columns == out(0).columns;
    return fits ? "" : "must have an output like its input";
  }
  std::string problem(const Attention& attention) const {
    if (!has(3, 2)) return "must read query, key and value";
    if (attention.queries < 0 || attention.queries > in(0).rows) return "more queries than there are";
    const int queries = attention.queries > 0 ? attention.queries : in(0).rows;
    const bool fits = in(0).columns == in(1).columns && in(1).rows == in(2).rows && in(0).heads == in(1).heads &&
                      in(1).heads == in(2).heads && out(0).heads == in(0).heads && in(0).columns % in(0).heads == 0 &&
                      in(2).columns % in(0).heads == 0 && out(0).rows == in(0).heads * queries &&
                      out(0).columns == in(1).rows && out(1).rows == queries && out(1).columns == in(2).columns;
    return fits ? "" : "shapes of query, key, value and outputs";
  }
  std::string problem(const MeanRows& mean) const {
    const bool fits = has(1, 1) && out(0).rows == mean.copied + 1 && out(0).columns == in(0).columns &&
                      mean.copied >= 0 && mean.copied < in(0).rows && mean.first_row >= 0 && mean.count >= 1 &&
                      mean.first_row + mean.count <= in(0).rows;
    return fits ? "" : "rows out of range";
  }

  const FloatNetwork& network_;
  const Node& node_;
};

Status wrong(const std::string& node, const std::string& what) {
  return {Code::invalid_argument, "node '" + node + "': " + what};
}

bool is(const FloatNetwork& network, int node, TensorId stream) { return addend(network.node(node)) == stream; }

// What reads a tensor of each role.
Status check_readers(const FloatNetwork& network, TensorId id) {
  const Tensor& tensor = network.at(id);
  const std::vector<int> readers = network.readers(id);
  if (tensor.role == Role::linear_input &&
      (readers.size() != 1 || network.node(readers[0]).as<Linear>() == nullptr || is(network, readers[0], id))) {
    return wrong(tensor.name, "a linear_input must be read by one linear layer");
  }
  if (is_per_head(tensor.role) && (readers.size() != 1 || network.node(readers[0]).as<Attention>() == nullptr)) {
    return wrong(tensor.name, "query, key and value must be read by one attention");
  }
  if (tensor.role == Role::activation_input &&
      (readers.size() != 1 || network.node(readers[0]).as<Activate>() == nullptr)) {
    return wrong(tensor.name, "an activation_input must be read by one activation");
  }
  const auto added = std::find_if(readers.begin(), readers.end(), [&](int n) { return is(network, n, id); });
  if (added == readers.end()) return {};
  const bool output =
      std::any_of(network.outputs.begin(), network.outputs.end(), [&](const auto& o) { return o.tensor == id; });
  // In integers it is added to in place.
  if (added + 1 != readers.end() || output)
    return wrong(tensor.name, "a stream must not be needed once it is added to");
  return {};
}

}  // namespace

TensorId FloatNetwork::find(std::string_view name) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.name == name; });
  return found == tensors.end() ? -1 : static_cast<TensorId>(found - tensors.begin());
}

int FloatNetwork::find_node(std::string_view name) const {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const Node& n) { return n.name == name; });
  return found == nodes.end() ? -1 : static_cast<int>(found - nodes.begin());
}

int FloatNetwork::producer(TensorId id) const {
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    if (std::count(nodes[n].outputs.begin(), nodes[n].outputs.end(), id) > 0) return static_cast<int>(n);
  }
  return -1;
}

std::vector<int> FloatNetwork::readers(TensorId id) const {
  std::vector<int> result;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    if (std::count(nodes[n].inputs.begin(), nodes[n].inputs.end(), id) > 0) result.push_back(static_cast<int>(n));
  }
  return result;
}

int FloatNetwork::linear_behind(TensorId id) const { return readers(id).front(); }

int FloatNetwork::attention_behind(TensorId id) const { return readers(id).front(); }

int FloatNetwork::classes() const {
  for (const NetworkOutput& output : outputs) {
    if (output.kind == PortKind::logits) return at(output.tensor).columns;
  }
  return 0;
}

std::size_t FloatNetwork::judged_output() const {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].kind == PortKind::logits) return i;
  }
  return 0;
}

std::vector<Stream> streams_of(const FloatNetwork& network) {
  std::vector<Stream> streams;
  for (const Node& node : network.nodes) {
    for (const TensorId id : node.outputs) {
      if (network.at(id).role != Role::residual) continue;
      const TensorId before = addend(node);
      const auto continued = std::find_if(streams.begin(), streams.end(),
                                          [&](const Stream& s) { return before >= 0 && s.tensors.back() == before; });
      if (continued == streams.end()) {
        streams.push_back({{id}});
      } else {
        continued->tensors.push_back(id);
      }
    }
  }
  return streams;
}

Status check_network(const FloatNetwork& network) {
  std::vector<bool> written(network.tensors.size(), false);
  const auto exists = [&](TensorId id) { return id >= 0 && id < static_cast<TensorId>(network.tensors.size()); };
  for (const Node& node : network.nodes) {
    for (const TensorId id : node.inputs) {
      if (!exists(id) || !written[static_cast<std::size_t>(id)])
        return wrong(node.name, "reads what nothing has written");
    }
    for (const TensorId id : node.outputs) {
      if (!exists(id) || written[static_cast<std::size_t>(id)])
        return wrong(node.name, "writes what is written already");
      written[static_cast<std::size_t>(id)] = true;
    }
    if (node.weights() != nullptr && &network.node(network.find_node(node.name)) != &node) {
      return wrong(node.name, "a name that is there twice");
    }
    if (const std::string problem = NodeShapes(network, node).check(); !problem.empty()) {
      return wrong(node.name, problem);
    }
  }
  for (TensorId id = 0; exists(id); ++id) {
    if (!written[static_cast<std::size_t>(id)]) return wrong(network.at(id).name, "a tensor that nothing writes");
    if (network.find(network.at(id).name) != id) return wrong(network.at(id).name, "a name that is there twice");
    if (Status status = check_readers(network, id); !status.ok()) return status;
  }
  if (network.nodes.empty() || network.nodes[0].as<PatchEmbed>() == nullptr || network.segments.empty() ||
      network.segments[0].sampled || network.segments[0].end == 0) {
    return wrong("the first", "must read the picture, in a segment that is not sampled");
  }
  int end = 0;
  for (const Segment& segment : network.segments) {
    if (segment.begin != end || segment.end < segment.begin)
      return wrong(segment.name, "segments must follow each other");
    end = segment.end;
  }
  if (end != static_cast<int>(network.nodes.size())) return wrong("the last", "is in no segment");
  if (network.outputs.empty()) return wrong("the last", "a network without outputs");
  for (const NetworkOutput& output : network.outputs) {
    if (!exists(output.tensor) || output.first_row < 0 || output.rows < 1 ||
        output.first_row + output.rows > network.at(output.tensor).rows) {
      return wrong(output.name, "an output beyond its tensor");
    }
  }
  return {};
}

}  // namespace intvit
