#include "engine/session.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "engine/format/layout.h"
#include "engine/select_isa.h"
#include "engine/session_scratch.h"

namespace intvit {
namespace {

// Most rows of a block in a chain: a picture of 197 tokens is one.
constexpr std::int64_t kBlockRows = 256;

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

std::uint8_t* allocate_aligned(std::size_t bytes) {
  return static_cast<std::uint8_t*>(
      std::aligned_alloc(kScratchAlignment, align_scratch(std::max<std::size_t>(bytes, 1))));
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
  // A caller who names an instruction set gets the same checks as one who leaves the choice.
  const Result<Isa> isa = select_isa(options.isa ? std::string(isa_name(*options.isa)) : std::string());
  if (!isa.ok()) return isa.status();
  try {
    std::unique_ptr<Session> session(new Session(std::move(model), kernels::kernel_table(isa.value()), options));
    if (session->arena_ == nullptr || session->scratch_ == nullptr) {
      return Status(Code::out_of_memory, "cannot allocate " + std::to_string(session->arena_bytes_ >> 20) +
                                             " MiB for a batch of " + std::to_string(options.batch) +
                                             "; use a smaller batch");
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
  arena_bytes_ = program_.arena_bytes * static_cast<std::uint64_t>(batch_);
  for (const Step& step : program_.steps) {
    scratch_bytes_ = std::max(scratch_bytes_, std::visit(ScratchNeeds{program_}, step.op));
  }
  if (arena_bytes_ > kMaxArenaBytes * 8) return;  // reported by create()
  arena_.reset(allocate_aligned(arena_bytes_));
  scratch_.reset(allocate_aligned(scratch_bytes_ * static_cast<std::size_t>(options.threads)));
  // Padding columns only ever meet zero weights (validate() checks that), but memory should not be read uninitialised.
  if (arena_ != nullptr) std::memset(arena_.get(), 0, arena_bytes_);
  const std::size_t steps = program_.steps.size();
  const auto members = static_cast<std::size_t>(options.threads);
  if (options.profile || options.trace) step_times_.resize(steps * members);
  if (options.profile) {
    step_nanoseconds_.resize(steps);
    for (std::size_t i = 0; i < steps; ++i) stages_.push_back({i, i + 1});
  } else {
    stages_ = make_stages(program_);
  }
  next_weights_ = next_weights(program_);
  shares_.assign(stages_.size(), WorkShares(options.threads));
  if (members == 1) return;
  stage_ends_.resize(members * stages_.size());
  member_times_.resize(members);
}

Status Session::set_picture(int index, const PictureView& src) { return preprocessor_.run(src, picture(index)); }

std::uint8_t* Session::picture(int index) {
  // The picture's rows are not padded, so picture i follows picture i - 1 at once.
  return row<std::uint8_t>(program_.picture, std::int64_t{program_.buffers[program_.picture].rows} * index);
}

std::span<const std::int32_t> Session::logits(int index) const {
  const Buffer& buffer = program_.buffers[program_.logits];
  return {row<std::int32_t>(program_.logits, index), buffer.columns};
}

void Session::run(int count) {
  count_ = std::clamp(count, 1, batch_);
  if (!stage_ends_.empty()) run_begin_ = now_nanoseconds();
  team_.run([](void* self, int member) { static_cast<Session*>(self)->work(member); }, this);
  adapt_shares();
  sum_step_times();
}

// A stage begins when the last member has ended the one before, so what a member takes to wake up counts as its work.
// Where there are fewer units than members, who has none seems fast and may get one in the next run; no result depends
// on that.
void Session::adapt_shares() {
  if (stage_ends_.empty()) return;
  std::uint64_t begin = run_begin_;
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    std::uint64_t last = begin;
    for (std::size_t i = 0; i < member_times_.size(); ++i) {
      const std::uint64_t end = stage_ends_[i * stages_.size() + stage];
      member_times_[i] = end > begin ? end - begin : 0;
      last = std::max(last, end);
    }
    shares_[stage].adapt(member_times_);
    begin = last;
  }
}

void Session::sum_step_times() {
  for (std::size_t i = 0; i < step_nanoseconds_.size(); ++i) {
    StepTime step = step_times_[i];
    for (int member = 1; member < team_.size(); ++member) {
      const StepTime& other = step_times(member)[i];
      step = {std::min(step.begin, other.begin), std::max(step.end, other.end)};
    }
    step_nanoseconds_[i] += step.end - step.begin;
  }
}

std::span<const StepTime> Session::step_times(int member) const {
  if (step_times_.empty()) return {};
  const std::size_t steps = program_.steps.size();
  return {step_times_.data() + steps * static_cast<std::size_t>(member), steps};
}

void Session::execute_step(std::size_t step, Piece piece) {
  piece.next_weights = next_weights_[step];
  std::visit([&](const auto& op) { execute(op, piece); }, program_.steps[step].op);
}

// All steps of a chain have the same rows. What a picture's rows need between two steps fits into the second cache
// level of most CPUs; fewer rows would read the weights more often.
int Session::blocks_of(const Stage& stage, const WorkShares& shares, int member) const {
  if (stage.last - stage.first == 1) return 1;
  const std::uint32_t rows =
      std::visit([&](const auto& op) { return program_.buffers[op.dst].rows; }, program_.steps[stage.first].op);
  const Range all = share(std::int64_t{rows} * count_, {shares, member});
  return static_cast<int>(std::max<std::int64_t>(1, (all.end - all.begin + kBlockRows - 1) / kBlockRows));
}

void Session::work(int member) {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    if (i != 0) team_.barrier(member);
    execute_stage(stages_[i], shares_[i], member);
    if (stage_ends_.empty()) continue;
    stage_ends_[static_cast<std::size_t>(member) * stages_.size() + i] = now_nanoseconds();
  }
}

void Session::execute_stage(const Stage& stage, const WorkShares& shares, int member) {
  if (step_times_.empty()) {
    const int blocks = blocks_of(stage, shares, member);
    for (int block = 0; block < blocks; ++block) {
      for (std::size_t i = stage.first; i < stage.last; ++i) execute_step(i, {shares, member, block, blocks});
    }
    return;
  }
  for (std::size_t i = stage.first; i < stage.last; ++i) {
    StepTime& time = step_times_[program_.steps.size() * static_cast<std::size_t>(member) + i];
    time.begin = now_nanoseconds();
    execute_step(i, {shares, member});
    time.end = now_nanoseconds();
  }
}

Session::Range Session::share(std::int64_t total, const Piece& piece) {
  const Range all = piece.shares.range(total, piece.member);
  const std::int64_t count = all.end - all.begin;
  return {all.begin + count * piece.block / piece.blocks, all.begin + count * (piece.block + 1) / piece.blocks};
}

}  // namespace intvit
