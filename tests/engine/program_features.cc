#include "tests/engine/program_features.h"

#include "engine/ops/attention.h"
#include "engine/ops/conv.h"
#include "engine/ops/encode.h"
#include "engine/ops/gather.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/registry.h"

namespace intvit::test {
namespace {

using Features = std::set<std::string>;
using kernels::EncodeKind;
using kernels::Epilogue;
using kernels::SoftmaxKind;

std::string name_of(EncodeKind kind) {
  switch (kind) {
    case EncodeKind::table:
      return "table";
    case EncodeKind::rows:
      return "tokens";
    case EncodeKind::columns:
      return "channel groups";
    case EncodeKind::dynamic_rows:
      return "dynamic tokens";
    case EncodeKind::uniform:
      return "uniform";
    case EncodeKind::table_with_outliers:
      return "table with outliers";
  }
  return "?";
}

std::string name_of(SoftmaxKind kind) {
  return kind == SoftmaxKind::exponential ? "exponential" : kind == SoftmaxKind::relative ? "relative" : "absolute";
}

std::string name_of(Epilogue kind) {
  return kind == Epilogue::codes        ? "codes"
         : kind == Epilogue::activation ? "activation"
         : kind == Epilogue::residual   ? "residual"
                                        : "logits";
}

std::string planes(std::uint32_t count) { return count == 2 ? " in two planes" : ""; }

void add(const ConvOp& op, Features& all) {
  if (!op.of_picture()) all.insert("conv of codes");
  if (op.init == kNone) all.insert("conv without init");
}

void add(const LayerNormOp& op, Features& all) {
  if (op.groups > 1) all.insert("layer_norm of heads");
  if (op.centred == 0) all.insert("layer_norm around zero");
  if (op.add != 0) all.insert("layer_norm that adds");
}

void add(const LinearOp& op, const Program& program, Features& all) {
  all.insert("linear to " + name_of(op.kind) + (op.aside == kNone ? "" : " with values aside"));
  if (op.planes == 2) all.insert("linear of two planes");
  if (op.init != kNone) all.insert("linear with init");
  if (op.coarse_steps.any()) all.insert("coarse steps");
  if (program.buffers[op.src].rows > program.buffers[op.dst].rows) all.insert("linear of several rows");
}

void add(const AttentionOp& op, const Program& program, Features& all) {
  all.insert("softmax " + name_of(op.softmax_kind) + planes(op.planes) + (op.groups > 1 ? " in row groups" : ""));
  if (op.apart()) all.insert("attention of parts");
  if (op.queries != 0 || program.buffers[op.dst].rows == 1) all.insert("attention of some queries");
  if (op.sets != kNone) all.insert(op.local_rows > 0 ? "attention in local sets" : "attention in sets");
  if (op.pad_row != kNone) all.insert("attention with padding");
  if (op.bias != kNone) all.insert("attention with bias");
}

void add(const EncodeOp& op, Features& all) {
  all.insert("encode " + name_of(op.kind) + planes(op.planes) + (op.aside == kNone ? "" : " with values aside"));
}

}  // namespace

Features features_of(const Program& program) {
  Features all;
  for (const Step& step : program.steps) {
    all.insert(std::string(step.op->name()));
    if (const LinearConstants* weights = step.op->weights()) all.insert(std::to_string(weights->bits) + "-bit weights");
    if (const auto* conv = step.op.as<ConvOp>()) add(*conv, all);
    if (const auto* norm = step.op.as<LayerNormOp>()) add(*norm, all);
    if (const auto* linear = step.op.as<LinearOp>()) add(*linear, program, all);
    if (const auto* attention = step.op.as<AttentionOp>()) add(*attention, program, all);
    if (const auto* encode = step.op.as<EncodeOp>()) add(*encode, all);
    if (const auto* gather = step.op.as<GatherOp>(); gather && gather->join > 1) all.insert("gather side by side");
  }
  for (const ProgramPort& port : program.ports) {
    all.insert("port of kind " + std::to_string(static_cast<int>(port.kind)));
  }
  return all;
}

Features all_features() {
  Features all = {"8-bit weights", "4-bit weights", "3-bit weights", "2-bit weights",
                  // conv
                  "conv of codes", "conv without init",
                  // layer_norm
                  "layer_norm of heads", "layer_norm around zero", "layer_norm that adds",
                  // linear
                  "linear to codes", "linear to activation", "linear to residual", "linear to logits",
                  "linear to codes with values aside", "linear to activation with values aside",
                  "linear to residual with values aside", "linear of two planes", "linear with init",
                  "linear of several rows", "coarse steps",
                  // attention
                  "softmax exponential", "softmax relative", "softmax relative in two planes", "softmax absolute",
                  "softmax absolute in two planes", "softmax absolute in row groups",
                  "softmax absolute in two planes in row groups", "attention of parts", "attention of some queries",
                  "attention in sets", "attention in local sets", "attention with padding", "attention with bias",
                  // encode
                  "encode table", "encode table in two planes", "encode tokens", "encode tokens in two planes",
                  "encode tokens with values aside", "encode channel groups", "encode channel groups in two planes",
                  "encode channel groups with values aside", "encode dynamic tokens",
                  "encode dynamic tokens in two planes", "encode dynamic tokens with values aside", "encode uniform",
                  "encode uniform in two planes", "encode uniform with values aside", "encode table with outliers",
                  "encode table with outliers in two planes",
                  // gather
                  "gather side by side"};
  for (const std::uint32_t kind : operation_kinds()) all.emplace(make_operation(kind)->name());
  for (int kind = 0; kind <= static_cast<int>(PortKind::features); ++kind) {
    all.insert("port of kind " + std::to_string(kind));
  }
  return all;
}

}  // namespace intvit::test
