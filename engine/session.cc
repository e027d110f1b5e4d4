#include "engine/session.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "engine/format/layout.h"
#include "engine/prefault.h"
#include "engine/select_isa.h"
#include "engine/session_scratch.h"

namespace intvit {
namespace {

// Most rows of a block in a chain: a picture of 197 tokens is one.
constexpr std::int64_t kBlockRows = 256;

std::size_t count_of(int value) { return static_cast<std::size_t>(value); }

struct ScratchNeeds {
  const Program& program;

  std::size_t operator()(const PatchEmbedOp& op) const {
    return align_scratch(std::size_t{kPatchBlock} * op.linear.k) +
           align_scratch(kernels::linear_scratch_bytes(static_cast<int>(op.linear.k)));
  }
  std::size_t operator()(const LinearOp& op) const {
    return align_scratch(kernels::linear_scratch_bytes(static_cast<int>(op.linear.k)));
  }
  std::size_t operator()(const AttentionOp& op) const {
    return align_scratch(kernels::attention_scratch_bytes(static_cast<int>(program.buffers[op.src].rows),
                                                          static_cast<int>(op.head_dim)));
  }
  std::size_t operator()(const LayerNormOp&) const { return 0; }
  std::size_t operator()(const MeanRowsOp&) const { return 0; }
  std::size_t operator()(const EncodeOp& op) const {
    return channel_group_scratch(op.kind == EncodeOpKind::channel_groups ? program.buffers[op.src].columns : 0) +
           kernels::encode_scratch_bytes(static_cast<int>(program.buffers[op.src].columns));
  }
};

// Of every step: the first weights of the next linear operation, as many as the widest kernels multiply at once.
std::vector<std::span<const std::uint8_t>> next_weights(const Program& program) {
  std::vector<std::span<const std::uint8_t>> next(program.steps.size());
  std::span<const std::uint8_t> first;
  for (std::size_t i = next.size(); i-- > 0;) {
    next[i] = first;
    if (const auto* op = std::get_if<LinearOp>(&program.steps[i].op)) {
      const std::span<const std::uint8_t> tiles = program.constants[op->linear.tiles].bytes;
      const std::size_t block = std::size_t{2} * kernels::kPanelColumns * op->linear.k * op->linear.bits / 8;
      first = tiles.first(std::min(tiles.size(), block));
    }
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
    scratch_bytes_ = std::max(scratch_bytes_, std::visit(ScratchNeeds{program_}, step.op));
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

Session::Place Session::place(int picture, int arena, int member) const {
  return {picture, arenas_.get() + count_of(arena) * arena_bytes_, scratch_.get() + count_of(member) * scratch_bytes_};
}

// Pictures and logits outlive a run, so they do not lie where the memory plan would have them.
std::uint8_t* Session::buffer(BufferId id, const Place& place) const {
  if (id == program_.picture) return pictures_.get() + count_of(place.picture) * picture_bytes_;
  if (id == program_.logits) return logits_.get() + count_of(place.picture) * logits_bytes_;
  return place.arena + program_.buffers[id].offset;
}

void Session::execute_step(std::size_t step, Piece piece) {
  piece.next_weights = next_weights_[step];
  std::visit([&](const auto& op) { execute(op, piece); }, program_.steps[step].op);
}

// All steps of a chain have the same rows. What so many rows need between two steps fits into the second cache level of
// most CPUs; fewer rows would read the weights more often.
int Session::blocks_of(const Stage& stage, const Piece& piece) const {
  if (stage.last - stage.first == 1) return 1;
  const std::uint32_t rows =
      std::visit([&](const auto& op) { return program_.buffers[op.dst].rows; }, program_.steps[stage.first].op);
  const Range own = piece.shares.range(rows, piece.part);
  return static_cast<int>(std::max<std::int64_t>(1, (own.end - own.begin + kBlockRows - 1) / kBlockRows));
}

void Session::work(int member) {
  for (int picture; (picture = next_picture_.fetch_add(1, std::memory_order_relaxed)) < first_shared_;) {
    const Place own = place(picture, member, member);
    for (const Stage& stage : stages_) execute_stage(stage, {own, undivided_, 0}, member);
  }
  // Whoever still has a picture of its own may be in the arena of the shared ones.
  if (first_shared_ > 0 && first_shared_ < count_) {
    note_end(member, 0);
    team_.barrier(member);
  }
  for (int picture = first_shared_; picture < count_; ++picture) {
    const Place shared = place(picture, 0, member);
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      if (i != 0 || picture != first_shared_) team_.barrier(member);
      execute_stage(stages_[i], {shared, shares_[i], member}, member);
      if (picture == first_shared_) note_end(member, 1 + i);
    }
  }
}

void Session::execute_stage(const Stage& stage, Piece piece, int member) {
  if (step_times_.empty()) {
    piece.blocks = blocks_of(stage, piece);
    for (piece.block = 0; piece.block < piece.blocks; ++piece.block) {
      for (std::size_t i = stage.first; i < stage.last; ++i) execute_step(i, piece);
    }
    return;
  }
  StepTime* times = step_times_.data() + step_times_at(piece.place.picture, member);
  for (std::size_t i = stage.first; i < stage.last; ++i) {
    times[i].begin = now_nanoseconds();
    execute_step(i, piece);
    times[i].end = now_nanoseconds();
  }
}

Session::Range Session::share(std::int64_t total, const Piece& piece) {
  const Range all = piece.shares.range(total, piece.part);
  const std::int64_t count = all.end - all.begin;
  return {all.begin + count * piece.block / piece.blocks, all.begin + count * (piece.block + 1) / piece.blocks};
}

}  // namespace intvit
