#include "engine/session.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "engine/ops/linear_constants.h"
#include "engine/ops/scratch.h"
#include "engine/prefault.h"
#include "engine/select_isa.h"
#include "engine/tensors/limits.h"

namespace intvit {
namespace {

// Most rows of a block in a chain: a picture of 197 tokens is one.
constexpr std::int64_t kBlockRows = 256;

std::size_t count_of(int value) { return static_cast<std::size_t>(value); }

// Of every step: what the next operation that has weights reads first.
std::vector<std::span<const std::uint8_t>> next_weights(const Program& program) {
  std::vector<std::span<const std::uint8_t>> next(program.steps.size());
  std::span<const std::uint8_t> first;
  for (std::size_t i = next.size(); i-- > 0;) {
    next[i] = first;
    if (const LinearConstants* weights = program.steps[i].op->weights()) first = first_weights(*weights, program);
  }
  return next;
}

std::uint64_t now_nanoseconds() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

// Null if there is not enough memory. `bytes` is a multiple of kScratchAlignment.
std::uint8_t* aligned_zeros(std::size_t bytes) {
  bytes = std::max(bytes, kScratchAlignment);
  void* p = std::aligned_alloc(kScratchAlignment, bytes);
  if (p == nullptr) return nullptr;
  prefault({static_cast<std::uint8_t*>(p), bytes});
  std::memset(p, 0, bytes);
  return static_cast<std::uint8_t*>(p);
}

}  // namespace

void Session::FreeAligned::operator()(std::uint8_t* p) const { std::free(p); }

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model, const SessionOptions& options) {
  if (options.threads < 1 || options.threads > kMaxThreads) {
    return Status(Code::invalid_argument,
                  std::to_string(options.threads) + " threads, must be 1 to " + std::to_string(kMaxThreads));
  }
  if (options.batch < 1 || options.batch > kMaxBatch) {
    return Status(Code::invalid_argument,
                  "a batch of " + std::to_string(options.batch) + ", must be 1 to " + std::to_string(kMaxBatch));
  }
  const std::size_t steps = model->program().steps.size();
  if ((options.profile || options.trace) &&
      count_of(options.threads) * count_of(options.batch) > kMaxStepTimes / std::max<std::size_t>(steps, 1)) {
    return Status(Code::invalid_argument, "the times of " + std::to_string(steps) + " steps of a batch of " +
                                              std::to_string(options.batch) + " on " + std::to_string(options.threads) +
                                              " threads are too many; use a smaller batch");
  }
  // A caller who names an instruction set gets the same checks as one who leaves the choice.
  const Result<Isa> isa = select_isa(options.isa ? std::string(isa_name(*options.isa)) : std::string());
  if (!isa.ok()) return isa.status();
  try {
    std::unique_ptr<Session> session(new Session(std::move(model), kernels::kernel_table(isa.value()), options));
    if (session->scratch_ == nullptr) {
      return Status(Code::out_of_memory, "cannot allocate memory for a batch of " + std::to_string(options.batch) +
                                             " on " + std::to_string(options.threads) +
                                             " threads; use a smaller batch or fewer threads");
    }
    return session;
  } catch (const std::bad_alloc&) {
    return Status(Code::out_of_memory, "cannot allocate a session");
  } catch (const std::system_error&) {
    return Status(Code::out_of_memory, "cannot start " + std::to_string(options.threads) + " threads; use fewer");
  }
}

Session::Session(std::shared_ptr<const Model> model, const kernels::KernelTable& table, const SessionOptions& options)
    : model_(std::move(model)),
      program_(model_->program()),
      kernels_(table),
      preprocessor_(program_.input, table.resize),
      batch_(options.batch),
      team_(options.threads) {
  for (const Step& step : program_.steps) {
    scratch_bytes_ = std::max(scratch_bytes_, step.op->scratch_bytes(program_));
  }
  scratch_bytes_ = align_scratch(scratch_bytes_);
  arena_bytes_ = align_scratch(program_.arena_bytes);
  picture_bytes_ = align_scratch(program_.buffers[program_.picture].bytes());
  logits_bytes_ = align_scratch(program_.buffers[program_.logits].bytes());
  const std::size_t members = count_of(options.threads), pictures = count_of(options.batch);
  const std::size_t arenas = pictures >= members ? members : 1;
  if (arenas * arena_bytes_ > kMaxArenaBytes * 8) return;  // reported by create()
  // Padding columns only ever meet zero weights (validate() checks that), but memory should not be read uninitialised.
  arenas_.reset(aligned_zeros(arenas * arena_bytes_));
  pictures_.reset(aligned_zeros(pictures * picture_bytes_));
  logits_.reset(aligned_zeros(pictures * logits_bytes_));
  if (arenas_ == nullptr || pictures_ == nullptr || logits_ == nullptr) return;
  scratch_.reset(aligned_zeros(members * scratch_bytes_));
  const std::size_t steps = program_.steps.size();
  if (options.profile || options.trace) step_times_.resize(pictures * members * steps);
  if (options.profile) {
    step_nanoseconds_.resize(steps);
    for (std::size_t i = 0; i < steps; ++i) stages_.push_back({i, i + 1});
  } else {
    stages_ = make_stages(program_);
  }
  for (const Stage& stage : stages_) {
    const bool chain = stage.last - stage.first > 1;
    stage_rows_.push_back(chain ? program_.steps[stage.first].op->row_local_rows(program_) : 0);
  }
  next_weights_ = next_weights(program_);
  shares_.assign(stages_.size(), WorkShares(options.threads));
  if (members == 1) return;
  stage_ends_.resize(members * (1 + stages_.size()));
  member_times_.resize(members);
}

Status Session::set_picture(int index, const PictureView& src) { return preprocessor_.run(src, picture(index)); }

std::uint8_t* Session::picture(int index) { return pictures_.get() + count_of(index) * picture_bytes_; }

std::span<const std::int32_t> Session::logits(int index) const {
  const std::uint8_t* row = logits_.get() + count_of(index) * logits_bytes_;
  return {reinterpret_cast<const std::int32_t*>(row), program_.buffers[program_.logits].columns};
}

void Session::run(int count) {
  count_ = std::clamp(count, 1, batch_);
  first_shared_ = first_shared_picture(count_, threads());
  next_picture_.store(0, std::memory_order_relaxed);
  std::fill(step_times_.begin(), step_times_.end(), StepTime{});
  // What a member takes to wake up counts as its work.
  const std::uint64_t now = stage_ends_.empty() ? 0 : now_nanoseconds();
  for (std::size_t i = 0; i < stage_ends_.size(); i += 1 + stages_.size()) stage_ends_[i] = now;
  team_.run([](void* self, int member) { static_cast<Session*>(self)->work(member); }, this);
  if (first_shared_ < count_) adapt_shares();
  sum_step_times();
}

void Session::note_end(int member, std::size_t column) {
  if (!stage_ends_.empty()) stage_ends_[count_of(member) * (1 + stages_.size()) + column] = now_nanoseconds();
}

// A stage begins when the last member has ended the one before. Where there are fewer units than members, who has none
// seems fast and may get one in the next run; no result depends on that.
void Session::adapt_shares() {
  const std::size_t columns = 1 + stages_.size();
  std::uint64_t begin = 0;
  for (std::size_t column = 0; column < columns && !stage_ends_.empty(); ++column) {
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

void Session::sum_step_times() {
  for (int picture = 0; picture < count_ && !step_nanoseconds_.empty(); ++picture) {
    const std::uint64_t at_a_time = picture < first_shared_ ? count_of(threads()) : 1;
    for (std::size_t i = 0; i < step_nanoseconds_.size(); ++i) {
      StepTime step{UINT64_MAX, 0};
      for (int member = 0; member < threads(); ++member) {
        const StepTime& one = step_times(picture, member)[i];
        if (one.begin != 0) step = {std::min(step.begin, one.begin), std::max(step.end, one.end)};
      }
      step_nanoseconds_[i] += (step.end - step.begin) / at_a_time;
    }
  }
}

std::size_t Session::step_times_at(int picture, int member) const {
  return (count_of(picture) * count_of(threads()) + count_of(member)) * program_.steps.size();
}

std::span<const StepTime> Session::step_times(int picture, int member) const {
  if (step_times_.empty()) return {};
  return {step_times_.data() + step_times_at(picture, member), program_.steps.size()};
}

Workspace Session::workspace(int picture, int arena, int member) const {
  const std::size_t place = count_of(picture);
  return {pictures_.get() + place * picture_bytes_, logits_.get() + place * logits_bytes_,
          arenas_.get() + count_of(arena) * arena_bytes_, scratch_.get() + count_of(member) * scratch_bytes_};
}

void Session::work(int member) {
  for (int picture; (picture = next_picture_.fetch_add(1, std::memory_order_relaxed)) < first_shared_;) {
    const Execution own{program_, kernels_, workspace(picture, member, member)};
    for (std::size_t i = 0; i < stages_.size(); ++i) execute_stage(i, picture, member, own);
  }
  // Whoever still has a picture of its own may be in the arena of the shared ones.
  if (first_shared_ > 0 && first_shared_ < count_) {
    note_end(member, 0);
    team_.barrier(member);
  }
  for (int picture = first_shared_; picture < count_; ++picture) {
    Execution shared{program_, kernels_, workspace(picture, 0, member)};
    shared.written_elsewhere = threads() > 1;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      if (i != 0 || picture != first_shared_) team_.barrier(member);
      shared.part = shares_[i].of(member);
      execute_stage(i, picture, member, shared);
      if (picture == first_shared_) note_end(member, 1 + i);
    }
  }
}

void Session::execute_stage(std::size_t stage, int picture, int member, Execution execution) {
  const auto execute = [&](std::size_t step) {
    execution.next_weights = next_weights_[step];
    program_.steps[step].op->execute(execution);
  };
  const auto [first, last] = stages_[stage];
  if (step_times_.empty()) {
    // All steps of a chain have the same rows. What so many rows need between two steps fits into the second cache
    // level of most CPUs; fewer rows would read the weights more often.
    const std::int64_t rows = execution.share(stage_rows_[stage]).size();
    execution.part.blocks = static_cast<int>(std::max<std::int64_t>(1, (rows + kBlockRows - 1) / kBlockRows));
    for (int& block = execution.part.block; block < execution.part.blocks; ++block) {
      for (std::size_t i = first; i < last; ++i) execute(i);
    }
    return;
  }
  StepTime* times = step_times_.data() + step_times_at(picture, member);
  for (std::size_t i = first; i < last; ++i) {
    times[i].begin = now_nanoseconds();
    execute(i);
    times[i].end = now_nanoseconds();
  }
}

}  // namespace intvit
