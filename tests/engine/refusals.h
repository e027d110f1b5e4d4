// Programs that the reader must refuse: a tiny program, one change, and what the message must say.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/engine/tiny_program.h"

namespace intvit::test {

// Builds the tiny program, changes it, and expects validation to refuse it for the reason given.
void refuses(const std::string& reason, const std::function<void(TinyProgram&)>& change,
             const TinyOptions& options = {});

// The counterpart: what is just within the limits is read.
void accepts(const std::function<void(TinyProgram&)>& change, const TinyOptions& options = {});

// A layer's operation.
template <typename T>
T& op(TinyProgram& tiny, const std::string& layer) {
  for (Step& step : tiny.program.steps) {
    if (step.layer == layer && step.op.as<T>() != nullptr) return *step.op.as<T>();
  }
  FAIL("no such operation in layer " << layer);
  return *tiny.program.steps[0].op.as<T>();
}

// A copy of a constant in which one entry has another value.
template <typename T>
ConstantId with_entry(TinyProgram& tiny, ConstantId id, std::size_t entry, T value) {
  const Constant original = tiny.program.constants[id];
  std::vector<T> values(original.as<T>(), original.as<T>() + original.count());
  values[entry] = value;
  return tiny.add(original.name, original.type, values);
}

// A copy of a constant with so many entries more or less.
template <typename T>
ConstantId with_count(TinyProgram& tiny, ConstantId id, int more) {
  const Constant original = tiny.program.constants[id];
  std::vector<T> values(original.as<T>(), original.as<T>() + original.count());
  values.resize(static_cast<std::size_t>(static_cast<int>(values.size()) + more));
  return tiny.add(original.name, original.type, values);
}

// Layers of the tiny program.
inline const std::string kQkv = "blocks.0.attn.qkv", kAttn = "blocks.0.attn", kProj = "blocks.0.attn.proj",
                         kNorm = "blocks.0.norm1", kFc1 = "blocks.0.mlp.fc1", kFc2 = "blocks.0.mlp.fc2",
                         kNormEncode = "blocks.0.norm1.encode";

}  // namespace intvit::test
