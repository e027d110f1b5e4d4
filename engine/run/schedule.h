// Which thread does what of a run.
//
// As long as there is a picture for every thread, each thread takes whole pictures, one after the other. The threads
// share the pictures that are left: rows (and heads) are split over them, by how fast each has shown to be
// (engine/run/work_shares.h). Between two attention operations everything is local to a token row, so a thread carries
// its rows through a whole chain of operations without meeting the others (engine/program/stages.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "engine/ops/share.h"
#include "engine/program/stages.h"
#include "engine/run/work_shares.h"

namespace intvit {

class Schedule {
 public:
  // `single_steps`: no chains, every step is a stage. `equal_shares`: nobody looks who is faster. May throw
  // std::bad_alloc; nothing else here allocates.
  Schedule(const Program& program, int threads, bool single_steps, bool equal_shares);

  const std::vector<Stage>& stages() const { return stages_; }

  // A run, from its beginning to its end, both on one thread.
  void begin(int pictures);
  void end();

  int pictures() const { return pictures_; }
  int first_shared() const { return first_shared_; }
  // The next picture for a thread that has nothing to do; from first_shared() on there is none.
  int take_picture() { return next_picture_.fetch_add(1, std::memory_order_relaxed); }

  // What a thread does of a stage of a shared picture.
  Share share(std::size_t stage, int member) const { return shares_[stage].of(member); }
  // In how many blocks a share of a stage is carried through its chain.
  int blocks(std::size_t stage, const Share& share) const;

  // A thread has no picture of its own any more, or has done its share of a stage of the first shared picture.
  void note_own_pictures_end(int member) { note_end(member, 0); }
  void note_stage_end(int member, std::size_t stage) { note_end(member, 1 + stage); }

 private:
  void note_end(int member, std::size_t column);

  int threads_;
  int pictures_ = 0;
  int first_shared_ = 0;
  std::atomic<int> next_picture_ = 0;
  std::vector<Stage> stages_;
  std::vector<std::uint32_t> chain_rows_;    // of every stage; 0 if it is a single step
  std::vector<WorkShares> shares_;           // of every stage of a shared picture
  std::vector<std::uint64_t> stage_ends_;    // [member][1 + stage] of the first shared picture; none for equal shares
  std::vector<std::uint64_t> member_times_;  // [member], for end()
};

}  // namespace intvit
