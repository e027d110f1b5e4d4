// A model: a validated program, its constants and its metadata. Immutable and safe to share between threads and
// sessions; weights stay in the mapped file, so several processes that open one model share its memory.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/format/mapped_file.h"
#include "engine/format/metadata.h"
#include "engine/program/program.h"
#include "intvit/status.h"

namespace intvit {

class Model {
 public:
  // Maps the file and checks all of it: structure, checksums, and that the program can be executed safely.
  // not_found, io, corrupt_file (damaged, truncated, not a model) or unsupported (another version).
  static Result<std::shared_ptr<const Model>> open(const std::string& path);

  // The same from memory, which is copied. `name` is for messages.
  static Result<std::shared_ptr<const Model>> from_memory(std::span<const std::uint8_t> bytes, const std::string& name);

  const Program& program() const { return program_; }
  const Metadata& metadata() const { return metadata_; }
  // One per class, or empty.
  const std::vector<std::string>& labels() const { return labels_; }
  int classes() const { return static_cast<int>(program_.buffers[program_.logits].columns); }
  std::uint64_t file_bytes() const { return bytes_.size(); }
  // Checksum of the whole file's section table, which covers every section: names the model in reports.
  std::uint64_t digest() const { return digest_; }

 private:
  Model() = default;
  Status load(std::span<const std::uint8_t> bytes, const std::string& name);

  std::unique_ptr<MappedFile> mapping_;
  std::vector<std::uint64_t> memory_;  // 64-bit words, for alignment
  std::span<const std::uint8_t> bytes_;
  Program program_;
  Metadata metadata_;
  std::vector<std::string> labels_;
  std::uint64_t digest_ = 0;
};

}  // namespace intvit
