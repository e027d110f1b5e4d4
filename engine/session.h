// A session executes a model: it owns places for a batch of pictures and their logits, arenas with the buffers between
// them, the scratch memory of its threads, and the threads themselves. Everything is allocated in create(); run()
// allocates nothing. Use one session from one thread at a time; for parallel requests make more sessions of one model.
//
// As long as there is a picture for every thread, each thread takes whole pictures, one after the other, in an arena of
// its own. The threads share the pictures that are left: rows (and heads) are split over them, by how fast each has
// shown to be (engine/work_shares.h). Between two attention operations everything is local to a token row, so a thread
// carries its rows through a whole chain of operations without meeting the others (engine/program/stages.h). Integer
// results do not depend on who does what.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/image/preprocess.h"
#include "engine/model.h"
#include "engine/ops/execution.h"
#include "engine/program/stages.h"
#include "engine/thread_team.h"
#include "engine/work_shares.h"
#include "kernels/kernel_table.h"

namespace intvit {

inline constexpr int kMaxThreads = 1024;
inline constexpr int kMaxBatch = 4096;
inline constexpr std::size_t kMaxStepTimes = std::size_t{1} << 25;

struct SessionOptions {
  int threads = 1;         // 1..kMaxThreads
  int batch = 1;           // most pictures per run(), 1..kMaxBatch
  std::optional<Isa> isa;  // default: select_isa("")
  bool profile = false;    // sum the time of every step; costs a barrier per step of pictures that threads share
  bool trace = false;      // note when each thread began and ended each step of the last run; costs no barrier,
                           // but every step of a chain is then done for all rows of a thread before the next
  // profile and trace: at most kMaxStepTimes = threads * batch * the program's steps.
};

// Nanoseconds of the steady clock.
struct StepTime {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Of `count` pictures those before this one are done by one thread each, the others by all threads together.
constexpr int first_shared_picture(int count, int threads) { return count - count % threads; }

class Session {
 public:
  // invalid_argument, unsupported_cpu or out_of_memory.
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model, const SessionOptions& options);

  // Resizes and crops an 8-bit RGB picture of any size into place `index` of the next run(). May allocate when the
  // size differs from the picture's before.
  Status set_picture(int index, const PictureView& picture);

  // The same place itself, u8 [height][width][3] of the model's input size, for callers who preprocess on their own.
  std::uint8_t* picture(int index);

  // Classifies pictures 0 .. count - 1, which stay as they are.
  void run(int count = 1);

  // Logits of picture `index` after run(), in units of 2^-logit_fraction_bits; one per class.
  std::span<const std::int32_t> logits(int index) const;

  const Model& model() const { return *model_; }
  int threads() const { return team_.size(); }
  int batch() const { return batch_; }
  Isa isa() const { return kernels_.isa; }
  // Nanoseconds that every step of the program took since creation (profile only): of a shared picture from the first
  // thread's begin to the last one's end; of the others, which as many threads do at a time, the time divided by those.
  std::span<const std::uint64_t> step_nanoseconds() const { return step_nanoseconds_; }
  // One thread's steps of one picture of the last run (profile or trace only); all 0 if it did nothing of it.
  std::span<const StepTime> step_times(int picture, int member) const;
  // Between two of them the threads that share a picture meet.
  std::span<const Stage> stages() const { return stages_; }

 private:
  struct FreeAligned {
    void operator()(std::uint8_t* p) const;
  };
  using AlignedMemory = std::unique_ptr<std::uint8_t[], FreeAligned>;

  Session(std::shared_ptr<const Model> model, const kernels::KernelTable& table, const SessionOptions& options);
  void work(int member);
  void execute_stage(std::size_t stage, int picture, int member, Execution execution);
  void note_end(int member, std::size_t column);
  void adapt_shares();
  void sum_step_times();
  Workspace workspace(int picture, int arena, int member) const;
  std::size_t step_times_at(int picture, int member) const;

  std::shared_ptr<const Model> model_;
  const Program& program_;
  const kernels::KernelTable& kernels_;
  Preprocessor preprocessor_;
  int batch_;
  int count_ = 0;                      // pictures of the current run
  int first_shared_ = 0;               // of them
  std::atomic<int> next_picture_ = 0;  // the next one for a thread that has nothing to do
  std::vector<Stage> stages_;
  std::vector<std::span<const std::uint8_t>> next_weights_;  // of every step: where the next linear one begins
  std::vector<WorkShares> shares_;                           // of every stage of a shared picture
  std::vector<std::uint32_t> stage_rows_;                    // of every stage that is a chain, else 0
  std::vector<std::uint64_t> stage_ends_;    // [member][1 + stage] of the first shared picture; none for one thread
  std::vector<std::uint64_t> member_times_;  // [member], for adapt_shares()
  std::vector<std::uint64_t> step_nanoseconds_;
  std::vector<StepTime> step_times_;  // [picture][member][step]; empty: not measured
  // Bytes of one arena, picture, row of logits, and thread's scratch memory; multiples of kScratchAlignment.
  std::size_t arena_bytes_ = 0, picture_bytes_ = 0, logits_bytes_ = 0, scratch_bytes_ = 0;
  AlignedMemory arenas_;  // one, or where all threads can have a picture one for each
  AlignedMemory pictures_;
  AlignedMemory logits_;
  AlignedMemory scratch_;
  ThreadTeam team_;
};

}  // namespace intvit
