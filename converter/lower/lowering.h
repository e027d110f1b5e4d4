// What lowering a node is given: the network, the plan, the program so far, and what the nodes in front of it left
// there. The lowerings themselves are in nodes/, one file a kind.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "converter/graph/network.h"
#include "converter/lower/encoding.h"
#include "converter/lower/linear_lowering.h"
#include "converter/lower/program_builder.h"
#include "converter/lower/row_order.h"
#include "converter/plan/plan.h"
#include "engine/ops/linear.h"

namespace intvit {

// What the producer of a tensor left: a buffer, and what its integers stand for. Query, key and value have a scheme per
// head, which the plan knows; where one linear layer makes them, they lie in one buffer side by side.
struct LoweredTensor {
  BufferId buffer = kNone;
  UniformScheme codes = {};  // 16-bit values: bits 16, zero point 0; logits: bits 32
  int first_column = 0;      // in the buffer
  BufferId aside = kNone;    // what values of its rows have lost

  // Bytes that a code lies in.
  int planes() const { return codes.bits > 8 ? 2 : 1; }
};

// A linear operation that reads it; all else is still to be filled in.
LinearOp op_reading(const LoweredTensor& x);

// A tensor on its way to its reader: its producer writes `buffer` in codes of `codes`. Where a linear layer reads codes
// that are not plain uniform ones, these are 16-bit values, and Lowering::put() makes of them what it reads.
struct Destination {
  BufferId buffer = kNone;
  UniformScheme codes = {};
  std::uint32_t max_code = 255;
  // What becomes of the values, and their unit as that wants it.
  std::optional<ActivationScheme> encoded = {};
  FineUnit unit = {1, 1};
};

class Lowering {
 public:
  // All but the weights are kept by reference.
  Lowering(const FloatNetwork& float_network, const Plan& its_plan, RoundedLayers rounded);

  const FloatNetwork& network;
  const Plan& plan;
  ProgramBuilder builder;
  LinearLowering linears;

  const Tensor& in(const Node& node, std::size_t i) const { return network.at(node.inputs[i]); }
  const Tensor& out(const Node& node, std::size_t i) const { return network.at(node.outputs[i]); }

  // What the plan says of codes; head 0 where they have no schemes per head.
  const ActivationScheme& scheme(TensorId id, int head = 0) const {
    return plan.activations.at(network.at(id).name)[static_cast<std::size_t>(head)];
  }
  // In which its rows lie in its buffer.
  const RowOrder& order(TensorId id) const { return orders_[static_cast<std::size_t>(id)]; }
  // Of the stream that a residual belongs to.
  double stream_unit(TensorId residual) const { return stream_units_[static_cast<std::size_t>(residual)]; }

  // Buffer and codes for output `i` of a node: a residual that begins a stream, values, or a linear_input. The 16-bit
  // values of the latter two get a unit of at least `least_unit`. fail()s for another role.
  Destination destination(const Node& node, std::size_t i, double least_unit);
  // A buffer for a query, key or value that lies by itself, and the codes of its first head, as wide as all heads'.
  Destination codes_of_heads(TensorId id);
  // The encoding behind the producer of `id`, if there is one. Readers of the tensor find what is left in the end.
  void put(TensorId id, const Destination& destination);
  // Codes of 16-bit values that lie in a buffer already. Plain ones are made by a table, which takes any unit.
  void put_codes_of(const LoweredTensor& values, TensorId id);
  void put(TensorId id, const LoweredTensor& lowered) { tensors_[static_cast<std::size_t>(id)] = lowered; }

  // Of a tensor that has been put; buffer kNone for others.
  const LoweredTensor& at(TensorId id) const { return tensors_[static_cast<std::size_t>(id)]; }
  // What a node reads that takes one input of 16-bit values. fail()s and returns null if it is another.
  const LoweredTensor* values_read(const Node& node);
  // Whether the node may read some of its first input's rows and not all: they must lie in the network's order. fail()s
  // if not.
  bool reads_rows(const Node& node, int count);
  // What a linear layer reads. fail()s and returns nothing if it is no linear_input.
  std::optional<LinearInput> codes_read(const Node& node);

  // `'name' needs what`
  void fail(const std::string& name, const Status& status) { builder.fail(name, status); }
  void refuse(const Node& node, const std::string& what) { fail(node.name, {Code::unsupported, what}); }

 private:
  std::vector<double> stream_units_;    // by TensorId
  std::vector<LoweredTensor> tensors_;  // by TensorId
  std::vector<RowOrder> orders_;        // by TensorId
};

// `node` is the one of that kind. A linear layer in front of an activation function or a rotation is lowered with
// that, whether or not something is multiplied there.
void emit(const PatchEmbed& embed, const Node& node, Lowering& lowering);
void emit(const LayerNorm& norm, const Node& node, Lowering& lowering);
void emit(const Linear& layer, const Node& node, Lowering& lowering);
void emit(const Activate& activation, const Node& node, Lowering& lowering);
void emit(const Multiply& multiply, const Node& node, Lowering& lowering);
void emit(const Attention& attention, const Node& node, Lowering& lowering);
void emit(const MeanRows& mean, const Node& node, Lowering& lowering);
void emit(const Rotate& rotate, const Node& node, Lowering& lowering);
void emit(const Gather& gather, const Node& node, Lowering& lowering);
void emit(const Copy& copy, const Node& node, Lowering& lowering);

}  // namespace intvit
