// What the checks of all operations share (validate.cc and validate_*.cc): the first complaint, and buffers and
// constants that are looked up and found to be what an operation needs.
#pragma once

#include <string>

#include "engine/program/buffer_contents.h"
#include "engine/program/program.h"
#include "intvit/status.h"

namespace intvit {

// Rows of a buffer, so that those of the largest batch can be counted in an int.
inline constexpr std::uint32_t kMaxRows = 1u << 18;
inline constexpr std::uint32_t kMaxColumns = 1u << 24;

// Collects the first complaint; the checks after it are skipped.
class Checker {
 public:
  // `place` begins every complaint.
  Checker(const Program& program, const std::vector<BufferContents>& contents, std::string place)
      : program_(program), contents_(contents), place_(std::move(place)) {}

  bool ok() const { return status_.ok(); }
  Status take() { return std::move(status_); }
  const Program& program() const { return program_; }
  // Of a buffer that exists.
  const BufferContents& contents(BufferId id) const { return contents_[id]; }

  bool require(bool condition, const std::string& complaint);

  // The buffer if it exists and has this type, else null.
  const Buffer* buffer(BufferId id, DataType type, const char* role);
  // Where codes or values are made: the buffer's type tells which.
  const Buffer* codes_or_values(BufferId dst, std::uint32_t max_code);
  // Rows of a buffer in `planes` planes of bytes.
  void planes(const Buffer& buffer, std::uint32_t planes, const char* role);

  // The constant if it exists and has this type and so many entries, else null.
  const Constant* constant(ConstantId id, DataType type, std::uint64_t count, const char* role);
  // All entries are in [lowest, highest]. T is u8, s16 or s32, the constant's type. Null: already complained about.
  template <typename T>
  void within(const Constant* constant, T lowest, T highest, const char* role);
  // An s16 constant is so many lists of equal length, and in each no entry is less than the one before it.
  void ascending(const Constant* constant, std::size_t lists, const char* role);

  // Weights and requantization. A row of the source is made of pieces of `stride` codes, of which the first `used`
  // mean something. The rest is whatever was in memory, so its weights must be zero, or logits would depend on more
  // than the picture. Logits have 32-bit multipliers and longer shifts.
  struct SourceRow {
    std::uint32_t stride, used;
  };
  void linear(const LinearConstants& l, const Buffer& dst, bool logits, SourceRow row);
  void grain(const ResidualGrain& g, std::uint32_t n);

 private:
  const Program& program_;
  const std::vector<BufferContents>& contents_;
  std::string place_;
  Status status_;
};

// One operation. Buffers' own dimensions and the picture have been checked before.
void check(const PatchEmbedOp& op, Checker& c);
void check(const LayerNormOp& op, Checker& c);
void check(const LinearOp& op, Checker& c);
void check(const AttentionOp& op, Checker& c);
void check(const MeanRowsOp& op, Checker& c);
void check(const EncodeOp& op, Checker& c);

}  // namespace intvit
