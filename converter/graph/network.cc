#include "converter/graph/network.h"

#include <algorithm>

#include "converter/graph/node_shapes.h"

namespace intvit {
namespace {

Status wrong(const std::string& node, const std::string& what) {
  return {Code::invalid_argument, "node '" + node + "': " + what};
}

bool is(const FloatNetwork& network, int node, TensorId stream) { return addend(network.node(node)) == stream; }

bool activates(const Node& node) { return node.as<Activate>() != nullptr || node.as<Multiply>() != nullptr; }

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
  if (tensor.role == Role::activation_input && (readers.size() != 1 || !activates(network.node(readers[0])))) {
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

std::size_t output_size(const FloatNetwork& network, std::size_t index) {
  const NetworkOutput& output = network.outputs[index];
  return static_cast<std::size_t>(output.rows) * static_cast<std::size_t>(network.at(output.tensor).columns);
}

Projection projection_of(const FloatNetwork& network, TensorId id) {
  Projection projection;
  int producer = network.producer(id);
  if (producer >= 0 && network.node(producer).as<LayerNorm>() != nullptr && addend(network.node(producer)) < 0) {
    projection.norm = producer;
    id = network.node(producer).inputs[0];
    producer = network.producer(id);
  }
  if (producer < 0 || network.node(producer).as<Linear>() == nullptr || addend(network.node(producer)) >= 0) return {};
  const std::vector<TensorId>& parts = network.node(producer).outputs;
  projection.node = producer;
  projection.first =
      static_cast<int>(std::find(parts.begin(), parts.end(), id) - parts.begin()) * network.at(id).columns;
  return projection;
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
    if (const std::string problem = shape_problem(network, node); !problem.empty()) {
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
