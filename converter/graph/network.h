// The float network that everything else in the converter starts from: nodes in the order of execution, and the named
// tensors between them. Every tensor is written by one node. A family's builder makes it (converter/families/); nothing
// behind that knows an architecture.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "converter/graph/node.h"
#include "converter/graph/tensor.h"
#include "intvit/port.h"
#include "intvit/status.h"
#include "models/preprocessing.h"

namespace intvit {

// A run of nodes that is gone through as a whole: an encoder block, say. Methods take samples of one at a time.
struct Segment {
  std::string name;  // what the names of its tensors begin with, e.g. blocks.3; for messages elsewhere
  int begin = 0;     // nodes [begin, end)
  int end = 0;
  // Whether methods see samples of it and its weights are optimised on them. Not what reads pixels, and not heads,
  // which have one row a picture.
  bool sampled = false;
};

// Rows of a tensor that the network gives to its user.
struct NetworkOutput {
  std::string name;  // `logits`, `embedding`, `tokens`, `features`, `features.N`
  PortKind kind = PortKind::logits;
  TensorId tensor = 0;
  int first_row = 0;
  int rows = 1;
  int grid_height = 0;  // 0: the rows are no map
  int grid_width = 0;
};

// Logits whose weights are embeddings of texts. The real ones are logit / L2 norm of the output `embedding` + bias;
// neither changes the order of classes, so integers leave both out.
struct ZeroShot {
  double scale = 1;            // of cosines; in the weights
  std::optional<double> bias;  // given: a probability is the sigmoid of a class's real logit; else the softmax of all
};

struct FloatNetwork {
  std::string architecture;  // timm's name, e.g. deit_tiny_patch16_224
  Preprocessing preprocessing;
  std::vector<std::string> labels;  // empty, or one per class; none without the output `logits`

  std::vector<Tensor> tensors;
  std::vector<Node> nodes;
  std::vector<Segment> segments;  // all nodes, in order
  std::vector<NetworkOutput> outputs;
  std::optional<ZeroShot> zero_shot = {};
  bool multi_label = false;  // probabilities are sigmoids of the logits, class by class; else softmax over all

  const Tensor& at(TensorId id) const { return tensors[static_cast<std::size_t>(id)]; }
  const Node& node(int index) const { return nodes[static_cast<std::size_t>(index)]; }
  Node& node(int index) { return nodes[static_cast<std::size_t>(index)]; }
  int segment_count() const { return static_cast<int>(segments.size()); }
  const Segment& segment(int index) const { return segments[static_cast<std::size_t>(index)]; }

  // -1 if there is none of that name.
  TensorId find(std::string_view name) const;
  int find_node(std::string_view name) const;

  // The node that writes a tensor, and those that read it, by index.
  int producer(TensorId id) const;
  std::vector<int> readers(TensorId id) const;

  // The one linear layer that reads a linear_input.
  int linear_behind(TensorId id) const;
  // The attention that reads a query, key or value.
  int attention_behind(TensorId id) const;

  int classes() const;  // columns of the output `logits`; 0 without one
  // Of the outputs, the one that quality is measured at: `logits`, else the first.
  std::size_t judged_output() const;
};

// Values of one output.
std::size_t output_size(const FloatNetwork& network, std::size_t index);

// The linear layer that a query, key or value comes from, perhaps through a norm of its heads.
struct Projection {
  int node = -1;  // -1: it comes from elsewhere
  int first = 0;  // the layer's output that is column 0
  int norm = -1;  // the node of the norm, if there is one
};
Projection projection_of(const FloatNetwork& network, TensorId id);

// A stream from the tensor that begins it to the last that a linear layer or a norm added to. All of it shares one
// unit.
struct Stream {
  std::vector<TensorId> tensors;
};

// All of a network's, in the order of execution.
std::vector<Stream> streams_of(const FloatNetwork& network);

// Whether `network` is what its users rely on: the first node reads the picture, shapes fit, every tensor is written
// once before it is read, a linear_input is read by one linear layer and nothing else is by any, query, key and value
// by one attention, nothing reads a stream once it has been added to, and the segments are all nodes.
// invalid_argument naming the node: a mistake of a builder.
Status check_network(const FloatNetwork& network);

}  // namespace intvit
