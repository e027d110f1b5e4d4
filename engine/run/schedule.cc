#include "engine/run/schedule.h"

#include <algorithm>

#include "engine/run/clock.h"
#include "intvit/session.h"

namespace intvit {
namespace {

// Most rows of a block in a chain: a picture of 197 tokens is one.
constexpr std::int64_t kBlockRows = 256;

std::vector<Stage> stages_of(const Program& program, int threads, bool single_steps) {
  if (!single_steps) return make_stages(program, threads);
  std::vector<Stage> stages;
  for (std::size_t i = 0; i < program.steps.size(); ++i) stages.push_back({i, i + 1});
  return stages;
}

}  // namespace

Schedule::Schedule(const Program& program, int threads, bool single_steps, bool equal_shares)
    : threads_(threads), stages_(stages_of(program, threads, single_steps)) {
  for (const Stage& stage : stages_) {
    const bool chain = stage.last - stage.first > 1;
    chain_rows_.push_back(chain ? program.steps[stage.first].op->row_local_rows(program) : 0);
  }
  shares_.assign(stages_.size(), WorkShares(threads));
  if (threads == 1 || equal_shares) return;
  stage_ends_.resize(static_cast<std::size_t>(threads) * (1 + stages_.size()));
  member_times_.resize(static_cast<std::size_t>(threads));
}

void Schedule::begin(int pictures) {
  pictures_ = pictures;
  first_shared_ = first_shared_picture(pictures, threads_);
  next_picture_.store(0, std::memory_order_relaxed);
  // What a member takes to wake up counts as its work.
  const std::uint64_t now = stage_ends_.empty() ? 0 : now_nanoseconds();
  for (std::size_t i = 0; i < stage_ends_.size(); i += 1 + stages_.size()) stage_ends_[i] = now;
}

// A stage begins when the last member has ended the one before. Where there are fewer units than members, who has none
// seems fast and may get one in the next run; no result depends on that.
void Schedule::end() {
  if (first_shared_ == pictures_ || stage_ends_.empty()) return;
  const std::size_t columns = 1 + stages_.size();
  std::uint64_t begin = 0;
  for (std::size_t column = 0; column < columns; ++column) {
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < member_times_.size(); ++i) {
      const std::uint64_t end = stage_ends_[i * columns + column];
      member_times_[i] = end > begin ? end - begin : 0;
      last = std::max(last, end);
    }
    if (column > 0) shares_[column - 1].adapt(member_times_);
    begin = last;
  }
}

// All steps of a chain have the same rows. What so many rows need between two steps fits into the second cache level of
// most CPUs; fewer rows would read the weights more often.
int Schedule::blocks(std::size_t stage, const Share& share) const {
  const std::int64_t rows = share.of(chain_rows_[stage]).size();
  return static_cast<int>(std::max<std::int64_t>(1, (rows + kBlockRows - 1) / kBlockRows));
}

void Schedule::note_end(int member, std::size_t column) {
  if (stage_ends_.empty()) return;
  stage_ends_[static_cast<std::size_t>(member) * (1 + stages_.size()) + column] = now_nanoseconds();
}

}  // namespace intvit
