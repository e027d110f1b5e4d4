// What a model consists of.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/format/mapped_file.h"
#include "engine/format/metadata.h"
#include "engine/model/sections.h"
#include "engine/program/program.h"
#include "intvit/model.h"

namespace intvit {

struct Model::Impl {
  std::unique_ptr<MappedFile> mapping;
  std::vector<std::uint64_t> memory;  // 64-bit words, for alignment
  std::span<const std::uint8_t> bytes;
  Program program;
  Metadata metadata;
  std::vector<std::string> labels;
  std::vector<Port> outputs;
  std::vector<AttentionLayer> attention_layers;
  std::uint64_t digest = 0;
  std::uint32_t op_set = 0;

  // All of it from `sections`, which are those of `bytes`.
  Status load(const Sections& sections);
  // Has `bytes` in memory of the model's own.
  void keep(FileCopy copy);
  // What a log says of it.
  std::string opening_text(const std::string& name) const;
  std::uint32_t classes() const {
    const BufferId logits = program.buffer_of(PortKind::logits);
    return logits == kNone ? 0 : program.buffers[logits].columns;
  }
};

}  // namespace intvit
