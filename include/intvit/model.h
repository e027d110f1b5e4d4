// A model: a validated program, its constants and its metadata. Immutable and safe to share between threads and
// sessions; weights stay in the mapped file, unless a copy is asked for, so several processes that open one model share
// its memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "intvit/attention.h"
#include "intvit/export.h"
#include "intvit/input_geometry.h"
#include "intvit/log.h"
#include "intvit/logit_rule.h"
#include "intvit/port.h"
#include "intvit/status.h"
#include "intvit/view.h"

namespace intvit {

struct Program;  // engine/program/program.h, for the project's own tools

// Human-readable facts that travel in a model file: architecture, method, bits, calibration, labels, provenance.
// Sorted, so that the same facts give the same bytes. Keys used by the tools: architecture, method, weight_bits,
// activation_bits, calibration_pictures, calibration_checksum, head_equalisation, weight_rounding, settings, seed,
// selftest_digest, tool, zero_shot, logit_scale, logit_bias, max_ms, max_ms_isa, max_mb, top1_agreement_percent,
// logit_sqnr_db, output_sqnr_db, verified_pictures, verified_on, site_sqnr_db, effective_activation_bits,
// site_aside_percent, sites, source, checkpoint_checksum, preprocessing, activation, max_drop, top1_drop,
// sensitivity_pictures, sensitivity_sites, sensitivity_layers, labels (one per line). Unknown keys are kept and
// ignored.
using Metadata = std::map<std::string, std::string>;

// Where the bytes of a model are while it lives.
enum class Storage : int {
  usual = 0,     // a file is mapped, memory is copied
  in_place = 1,  // a file is mapped, memory stays where it is: nobody may change or free the bytes
  copied = 2,    // in memory of the model's own: the file may be replaced, written to or truncated afterwards
};

struct ModelOptions {
  Storage storage = Storage::usual;
  LogSink log;
};

class INTVIT_API Model {
 public:
  // Checks all of the file: structure, checksums, and that the program can be executed safely. not_found, io,
  // corrupt_file (damaged, truncated, not a model), unsupported (another version) or out_of_memory.
  static Result<std::shared_ptr<const Model>> open(const std::string& path, const ModelOptions& options = {});

  // The same from memory. `name` is for messages. Bytes that stay in place begin at a multiple of 8; others are an
  // invalid_argument.
  static Result<std::shared_ptr<const Model>> from_memory(View<const std::uint8_t> bytes, const std::string& name,
                                                          const ModelOptions& options = {});

  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Of the picture that the network sees.
  int input_height() const;
  int input_width() const;

  // What becomes of any picture before that.
  const InputGeometry& input() const;

  // What a session gives for a picture; at least one.
  const std::vector<Port>& outputs() const;
  // The place in outputs() of the one with this name; nothing if there is none.
  std::optional<std::size_t> output(std::string_view name) const;

  // What a session can be asked for (SessionOptions::attention_layers), in the order in which they run.
  const std::vector<AttentionLayer>& attention_layers() const;
  // What the keys of a layer are: [windows][keys] of attention_layers()[layer]. Made anew at every call.
  // invalid_argument: there is no such layer; out_of_memory.
  Result<std::vector<AttentionToken>> attention_tokens(std::size_t layer) const;

  // Of the logits; 0 for a model without.
  int classes() const;
  // One per class, or empty.
  const std::vector<std::string>& labels() const;
  // Logits are in units of 2^-logit_fraction_bits(); 0 where there are none.
  int logit_fraction_bits() const;
  // What logits stand for, by their unit and the metadata zero_shot and logit_bias (docs/format.md). corrupt_file if
  // these make no sense.
  Result<LogitRule> logit_rule() const;

  const Metadata& metadata() const;
  std::uint64_t file_bytes() const;
  // Checksum of the whole file's section table, which covers every section: names the model in reports.
  std::uint64_t digest() const;

  // What the file needs of a reader (docs/format.md).
  int op_set() const;

  // For the project's own tools, which include engine/program/ beside this.
  const Program& program() const;

 private:
  friend class ModelOpening;  // engine/model/model_opening.h
  struct Impl;
  explicit Model(std::unique_ptr<const Impl> impl);
  static Result<std::shared_ptr<const Model>> make(std::unique_ptr<Impl> impl, const std::string& name,
                                                   const LogSink& log);

  std::unique_ptr<const Impl> impl_;
};

}  // namespace intvit
