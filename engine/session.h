// A session executes a model: it owns one arena with all buffers for a batch of pictures, the scratch memory of its
// threads, and the threads themselves. Everything is allocated in create(); run() allocates nothing. Use one session
// from one thread at a time; for parallel requests make more sessions of one model.
//
// Rows (and heads) are split over the threads, by how fast each has shown to be (engine/work_shares.h). Between two
// attention operations everything is local to a token row, so a thread carries its rows through a whole chain of
// operations without meeting the others (engine/program/stages.h), in blocks that stay in its cache where a batch has
// more rows than that. Integer results do not depend on the split.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/image/preprocess.h"
#include "engine/model.h"
#include "engine/program/stages.h"
#include "engine/thread_team.h"
#include "engine/work_shares.h"
#include "kernels/kernel_table.h"

namespace intvit {

inline constexpr int kMaxThreads = 1024;
inline constexpr int kMaxBatch = 4096;

struct SessionOptions {
  int threads = 1;         // 1..kMaxThreads
  int batch = 1;           // most pictures per run(), 1..kMaxBatch
  std::optional<Isa> isa;  // default: select_isa("")
  bool profile = false;    // sum the time of every step; costs a barrier per step
  bool trace = false;      // note when each thread began and ended each step of the last run; costs no barrier,
                           // but every step of a chain is then done for all rows of a thread before the next
};

// Nanoseconds of the steady clock.
struct StepTime {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class Session {
 public:
  // invalid_argument, unsupported_cpu or out_of_memory.
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model, const SessionOptions& options);

  // Resizes and crops an 8-bit RGB picture of any size into place `index` of the next run(). May allocate when the
  // size differs from the picture's before.
  Status set_picture(int index, const PictureView& picture);

  // The same place itself, u8 [height][width][3] of the model's input size, for callers who preprocess on their own.
  std::uint8_t* picture(int index);

  // Classifies pictures 0 .. count - 1. The pictures are overwritten: their memory is reused.
  void run(int count = 1);

  // Logits of picture `index` after run(), in units of 2^-logit_fraction_bits; one per class.
  std::span<const std::int32_t> logits(int index) const;

  const Model& model() const { return *model_; }
  int threads() const { return team_.size(); }
  int batch() const { return batch_; }
  Isa isa() const { return kernels_.isa; }
  std::uint64_t arena_bytes() const { return arena_bytes_; }
  // Nanoseconds that every step of the program took since creation, from the first thread's begin to the last one's end
  // (profile only).
  std::span<const std::uint64_t> step_nanoseconds() const { return step_nanoseconds_; }
  // One thread's steps of the last run (profile or trace only).
  std::span<const StepTime> step_times(int member) const;
  // Between two of them the threads meet.
  std::span<const Stage> stages() const { return stages_; }

 private:
  struct FreeAligned {
    void operator()(std::uint8_t* p) const;
  };
  using AlignedMemory = std::unique_ptr<std::uint8_t[], FreeAligned>;

  Session(std::shared_ptr<const Model> model, const kernels::KernelTable& table, const SessionOptions& options);
  void work(int member);
  void execute_stage(const Stage& stage, const WorkShares& shares, int member);
  void adapt_shares();
  void sum_step_times();
  // A row of a buffer, counted through all pictures of the batch.
  template <typename T>
  T* row(BufferId id, std::int64_t index) const {
    const Buffer& buffer = program_.buffers[id];
    std::uint8_t* base = arena_.get() + buffer.offset * static_cast<std::uint64_t>(batch_);
    return reinterpret_cast<T*>(base) + index * buffer.stride;
  }
  void* row_of_any_type(BufferId id, std::int64_t index) const;
  // What a member does of an operation at once: all of its share, or in a chain one of several blocks of it.
  struct Piece {
    const WorkShares& shares;
    int member;
    int block = 0, blocks = 1;
    std::span<const std::uint8_t> next_weights = {};  // to fetch ahead
  };
  using Range = WorkShares::Range;
  // The piece's part of `total` units.
  static Range share(std::int64_t total, const Piece& piece);
  int blocks_of(const Stage& stage, const WorkShares& shares, int member) const;
  void execute_step(std::size_t step, Piece piece);

  void execute(const PatchEmbedOp& op, const Piece& piece);
  void execute(const LayerNormOp& op, const Piece& piece);
  void execute(const LinearOp& op, const Piece& piece);
  void execute(const AttentionOp& op, const Piece& piece);
  void execute(const MeanRowsOp& op, const Piece& piece);
  void execute(const EncodeOp& op, const Piece& piece);
  void encode_channel_groups(const EncodeOp& op, const Piece& piece);
  void* scratch(int member) const { return scratch_.get() + static_cast<std::size_t>(member) * scratch_bytes_; }

  std::shared_ptr<const Model> model_;
  const Program& program_;
  const kernels::KernelTable& kernels_;
  Preprocessor preprocessor_;
  int batch_;
  int count_ = 0;  // pictures of the current run
  std::vector<Stage> stages_;
  std::vector<std::span<const std::uint8_t>> next_weights_;  // of every step: where the next linear one begins
  std::vector<WorkShares> shares_;           // of every stage
  std::uint64_t run_begin_ = 0;              // of the last run, in nanoseconds
  std::vector<std::uint64_t> stage_ends_;    // [member][stage] of the last run; none for one thread
  std::vector<std::uint64_t> member_times_;  // [member], for adapt_shares()
  std::vector<std::uint64_t> step_nanoseconds_;
  std::vector<StepTime> step_times_;  // [member][step]; empty: not measured
  std::uint64_t arena_bytes_ = 0;
  std::size_t scratch_bytes_ = 0;  // per thread
  AlignedMemory arena_;
  AlignedMemory scratch_;
  ThreadTeam team_;
};

}  // namespace intvit
