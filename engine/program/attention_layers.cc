#include "engine/program/attention_layers.h"

#include <algorithm>
#include <map>

#include "engine/ops/attention.h"
#include "engine/ops/attention_sets.h"
#include "engine/ops/conv.h"
#include "engine/ops/gather.h"
#include "engine/ops/layer_norm.h"
#include "engine/tensors/limits.h"

namespace intvit {
namespace {

constexpr std::uint32_t kNoStep = 0xffffffff;
// What no network has more of: it moves its rows a few times, and merges four of them. So following them back takes a
// bounded time.
constexpr std::uint32_t kMostMoves = 32, kLargestMergedEdge = 8;
// Of windows * keys: a small file could have many windows of one key and one of many.
constexpr std::uint64_t kMostTokens = std::uint64_t{1} << 24;

// Of the rows that a step writes: the last step that has moved them, which may be the same, and the picture's grid that
// they are of. A grid of 0 x 0 is none.
struct RowSource {
  std::uint32_t moved_by = kNoStep;
  std::uint32_t height = 0, width = 0;
  std::uint32_t moves = 0;
  std::uint32_t moved_before_by = kNoStep;
};

// The edge of the square of rows that a gather merges; 0: they are no square, or a large one.
std::uint32_t merged_edge(const GatherOp& gather) {
  std::uint32_t edge = 1;
  while (edge * edge < gather.join && edge < kLargestMergedEdge) ++edge;
  return edge * edge == gather.join ? edge : 0;
}

// Of the rows that `step` writes, which reads those of `from`.
RowSource source_of(const Program& program, std::uint32_t step, const RowSource& from) {
  const Op& op = program.steps[step].op;
  if (const auto* conv = op.as<ConvOp>()) {
    const ConvOp::Grid grid = conv->grid(program);
    return {step, grid.height, grid.width};
  }
  const RowSource moved{step, from.height, from.width, from.moves + 1, from.moved_by};
  if (from.height == 0 || from.moves == kMostMoves) return {};
  if (const auto* gather = op.as<GatherOp>()) {
    const std::uint32_t edge = merged_edge(*gather);
    if (edge == 0) return {};
    return {step, (from.height + edge - 1) / edge, (from.width + edge - 1) / edge, moved.moves, moved.moved_before_by};
  }
  if (const auto* norm = op.as<LayerNormOp>()) return norm->first_row > 0 ? moved : from;
  const std::vector<Operand> operands = op->operands();
  return program.rows_of(operands[0].buffer) == program.rows_of(operands[1].buffer) ? from : RowSource{};
}

// Which rows of the picture's grid the rows of buffers are.
class RowTrace {
 public:
  explicit RowTrace(const Program& program) : program_(program), sources_(program.buffers.size()) {}

  // Steps before this one have run.
  void run_to(std::size_t end) {
    for (; step_ < end; ++step_) {
      // What is added to rows does not move them.
      const std::vector<Operand> operands = program_.steps[step_].op->operands();
      by_step_.push_back(source_of(program_, step_, sources_[operands[0].buffer]));
      for (const Operand& operand : operands) {
        if (operand.access == Access::write) sources_[operand.buffer] = by_step_.back();
      }
    }
  }
  const RowSource& of(BufferId buffer) const { return sources_[buffer]; }

  // The place of row `row` of `buffer` on its grid; -1: it has none.
  std::int64_t place(BufferId buffer, std::int64_t row) const {
    const RowSource& grid = of(buffer);
    std::int64_t merged = 1;
    for (std::uint32_t step = grid.moved_by; step != kNoStep && row >= 0; step = by_step_[step].moved_before_by) {
      const Op& op = program_.steps[step].op;
      if (const auto* conv = op.as<ConvOp>()) {
        const std::int64_t place = row - conv->prefix, width = conv->grid(program_).width;
        return place < 0 ? -1 : place / width / merged * grid.width + place % width / merged;
      }
      if (const auto* gather = op.as<GatherOp>()) {
        const auto* first = program_.constants[gather->map].as<std::int32_t>() + row * gather->join;
        const auto* there = std::find_if(first, first + gather->join, [](std::int32_t from) { return from >= 0; });
        row = there == first + gather->join ? -1 : *there;
        merged = std::min<std::int64_t>(merged * merged_edge(*gather), kMaxInputEdge);
      }
      if (const auto* norm = op.as<LayerNormOp>()) row += norm->first_row;
    }
    return -1;
  }

 private:
  const Program& program_;
  std::uint32_t step_ = 0;
  std::vector<RowSource> by_step_;  // of every step that has run
  std::vector<RowSource> sources_;  // of every buffer
};

struct SetsShape {
  int windows, queries;
};

SetsShape shape_of_sets(const Constant& constant) {
  const kernels::AttentionSets sets = attention_sets(constant);
  SetsShape shape{sets.end, 0};
  for (std::ptrdiff_t s = 0; s < sets.end; ++s) {
    shape.queries = std::max(shape.queries, sets.numbers[s * kernels::kAttentionSetNumbers + kernels::kSetQueries]);
  }
  return shape;
}

}  // namespace

std::vector<std::size_t> attention_steps(const Program& program) {
  std::vector<std::size_t> steps;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    if (program.steps[i].op.as<AttentionOp>() != nullptr) steps.push_back(i);
  }
  return steps;
}

std::vector<AttentionLayer> attention_layers(const Program& program) {
  std::vector<AttentionLayer> layers;
  std::map<ConstantId, SetsShape> shapes;  // many layers may share one
  RowTrace trace(program);
  for (const std::size_t step : attention_steps(program)) {
    trace.run_to(step);
    const auto& op = *program.steps[step].op.as<AttentionOp>();
    AttentionLayer layer;
    layer.name = program.steps[step].layer;
    layer.heads = static_cast<int>(op.heads);
    layer.tokens = static_cast<int>(program.rows_of(op.keys()));
    layer.queries = static_cast<int>(program.rows_of(op.dst));
    layer.keys = layer.tokens;
    if (op.sets != kNone) {
      const auto [found, is_new] = shapes.try_emplace(op.sets);
      if (is_new) found->second = shape_of_sets(program.constants[op.sets]);
      layer.windows = found->second.windows;
      layer.queries = found->second.queries;
      layer.keys = static_cast<int>(op.most_keys);
    }
    const RowSource source = trace.of(op.keys());
    layer.grid_height = static_cast<int>(source.height);
    layer.grid_width = static_cast<int>(source.width);
    layers.push_back(std::move(layer));
  }
  return layers;
}

Status no_attention_layer(long long layer, const std::vector<AttentionLayer>& layers) {
  return {Code::invalid_argument,
          "attention layer " + std::to_string(layer) + " does not exist; " +
              (layers.empty() ? "the model has none"
                              : "the model has " + std::to_string(layers.size()) + ", counted from 0")};
}

Result<std::vector<AttentionToken>> attention_tokens(const Program& program, const std::vector<AttentionLayer>& layers,
                                                     std::size_t index) {
  const AttentionLayer& layer = layers[index];
  const std::uint64_t count =
      std::uint64_t{static_cast<std::uint32_t>(layer.windows)} * static_cast<std::uint32_t>(layer.keys);
  if (count > kMostTokens) {
    return {Code::out_of_memory, "attention layer " + std::to_string(index) + " has " + std::to_string(count) +
                                     " keys in all windows, at most " + std::to_string(kMostTokens) + " are allowed"};
  }
  const std::size_t step = attention_steps(program)[index];
  const auto& op = *program.steps[step].op.as<AttentionOp>();
  RowTrace trace(program);
  trace.run_to(step);
  const std::int64_t places = std::int64_t{layer.grid_height} * layer.grid_width;
  const std::int64_t others = std::max<std::int64_t>(0, layer.tokens - places);
  std::vector<AttentionToken> of_row(static_cast<std::size_t>(layer.tokens));
  for (std::size_t row = 0; row < of_row.size(); ++row) {
    const std::int64_t place = trace.place(op.keys(), static_cast<std::int64_t>(row));
    of_row[row].token = static_cast<int>(row);
    if (place < 0 || place >= places) continue;
    of_row[row] = {static_cast<int>(others + place), static_cast<int>(place % layer.grid_width),
                   static_cast<int>(place / layer.grid_width)};
  }
  if (op.sets == kNone) return of_row;
  const auto keys = static_cast<std::size_t>(layer.keys);
  std::vector<AttentionToken> tokens(count);
  const kernels::AttentionSets sets = attention_sets(program.constants[op.sets]);
  for (std::ptrdiff_t s = 0; s < layer.windows; ++s) {
    const std::int32_t* numbers = sets.numbers + s * kernels::kAttentionSetNumbers;
    for (std::int32_t i = 0; i < numbers[kernels::kSetKeys]; ++i) {
      const std::int32_t row = sets.rows[numbers[kernels::kSetFirst] + i];
      AttentionToken& token = tokens[static_cast<std::size_t>(s) * keys + static_cast<std::size_t>(i)];
      if (row >= 0) token = of_row[static_cast<std::size_t>(row)];
    }
  }
  return tokens;
}

}  // namespace intvit
