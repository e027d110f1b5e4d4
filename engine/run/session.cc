#include "intvit/session.h"

#include <algorithm>
#include <new>
#include <system_error>

#include "engine/image/preprocess.h"
#include "engine/ops/execution.h"
#include "engine/ops/linear_constants.h"
#include "engine/program/program.h"
#include "engine/run/attention_memory.h"
#include "engine/run/check_picture.h"
#include "engine/run/clock.h"
#include "engine/run/cpu_place.h"
#include "engine/run/executor_tasks.h"
#include "engine/run/schedule.h"
#include "engine/run/select_isa.h"
#include "engine/run/session_memory.h"
#include "engine/run/step_clock.h"
#include "engine/run/thread_team.h"

namespace intvit {
namespace {

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

// Where an output lies in what a picture keeps.
struct KeptRows {
  std::uint64_t offset;
  DataType type;
  int rows, columns;
  std::size_t stride;
};

std::vector<KeptRows> kept_rows_of_outputs(const Program& program) {
  std::vector<KeptRows> outputs;
  for (const ProgramPort& port : program.ports) {
    if (port.kind == PortKind::picture) continue;
    const Buffer& buffer = program.buffers[port.buffer];
    outputs.push_back({buffer.offset + std::uint64_t{port.first_row} * buffer.stride * byte_size(buffer.type),
                       buffer.type, static_cast<int>(port.rows), static_cast<int>(buffer.columns), buffer.stride});
  }
  return outputs;
}

std::optional<std::size_t> find_logits(const Model& model) {
  const std::vector<Port>& outputs = model.outputs();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].kind == PortKind::logits) return i;
  }
  return std::nullopt;
}

Status check_options(const SessionOptions& options, std::size_t steps) {
  if (options.threads < 1 || options.threads > kMaxThreads) {
    return {Code::invalid_argument,
            std::to_string(options.threads) + " threads, must be 1 to " + std::to_string(kMaxThreads)};
  }
  if (options.batch < 1 || options.batch > kMaxBatch) {
    return {Code::invalid_argument,
            "a batch of " + std::to_string(options.batch) + ", must be 1 to " + std::to_string(kMaxBatch)};
  }
  const auto threads = static_cast<std::size_t>(options.threads), batch = static_cast<std::size_t>(options.batch);
  if ((options.profile || options.trace) && threads * batch > kMaxStepTimes / std::max<std::size_t>(steps, 1)) {
    return {Code::invalid_argument, "the times of " + std::to_string(steps) + " steps of a batch of " +
                                        std::to_string(options.batch) + " on " + std::to_string(options.threads) +
                                        " threads are too many; use a smaller batch"};
  }
  return {};
}

Status too_much_memory(const SessionOptions& options) {
  return {Code::out_of_memory, "cannot allocate memory for a batch of " + std::to_string(options.batch) + " on " +
                                   std::to_string(options.threads) + " threads; use a smaller batch or fewer threads" +
                                   (options.attention_layers.empty() ? "" : ", or ask for fewer attention layers")};
}

SessionSizes sizes_of(const Model& model, const SessionOptions& options) {
  const std::uint64_t attention = AttentionMemory::bytes(model.attention_layers(), options.attention_layers);
  return {model.program(), options.threads, options.batch, attention};
}

void log_creation(const SessionOptions& options, Isa isa, std::uint64_t bytes) {
  const LogSink& log = options.log;
  if (log.write == nullptr) return;
  const std::string text = "session: " + std::string(isa_name(isa)) + ", " + std::to_string(options.threads) +
                           (options.executor.run != nullptr ? " tasks of an executor" : " threads") + ", batch " +
                           std::to_string(options.batch) + ", " + std::to_string(bytes) + " bytes";
  log.write(log.context, LogLevel::info, text.c_str());
  if (options.executor.run != nullptr || options.threads <= allowed_cpus()) return;
  const std::string warning = "session: " + std::to_string(options.threads) + " threads on " +
                              std::to_string(allowed_cpus()) + " CPUs wait for each other; use fewer";
  log.write(log.context, LogLevel::warning, warning.c_str());
}

}  // namespace

struct Session::Impl {
  std::shared_ptr<const Model> model;
  const kernels::KernelTable& kernels;
  const SessionOptions options;
  const Program& program = model->program();
  std::vector<KeptRows> outputs = kept_rows_of_outputs(program);
  std::optional<std::size_t> logits = find_logits(*model);
  Preprocessor preprocessor{program.input, kernels.resize};
  SessionMemory memory{sizes_of(*model, options)};
  AttentionMemory attention{program, model->attention_layers(), options.attention_layers};
  StepClock clock{program.steps.size(), options};
  const bool on_executor = options.executor.run != nullptr;
  Schedule schedule{program, options.threads, options.profile, on_executor};
  std::vector<std::span<const std::uint8_t>> next_weights = intvit::next_weights(program);
  ExecutorTasks tasks{options.executor, on_executor ? options.threads : 0};
  ThreadTeam team{on_executor ? 1 : options.threads};  // the last one: its threads end before anything of theirs does

  // The rule that was broken, or nullptr.
  const char* run(int count);
  bool run_on_executor();
  void work(int member);
  void work_on_own_pictures(int member);
  void work_on_share(std::size_t stage, int picture, int member);
  void execute_stage(std::size_t stage, int picture, int member, Execution& execution);
  void execute_step(std::size_t step, int picture, Execution& execution) const;
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Result<std::uint64_t> Session::memory_bytes(const Model& model, const SessionOptions& options) try {
  const Program& program = model.program();
  if (Status status = check_options(options, program.steps.size()); !status.ok()) return status;
  if (Status status = AttentionMemory::check(model.attention_layers(), options.attention_layers); !status.ok()) {
    return status;
  }
  const SessionSizes sizes = sizes_of(model, options);
  if (sizes.too_large()) return too_much_memory(options);
  return sizes.total() + StepClock::bytes(program.steps.size(), options);
} catch (const std::bad_alloc&) {
  return no_memory([] { return "cannot allocate what a session's memory is counted with"; });
}

Result<std::unique_ptr<Session>> Session::create(std::shared_ptr<const Model> model,
                                                 const SessionOptions& options) try {
  if (model == nullptr) return Status(Code::invalid_argument, "a session needs a model, not a null pointer");
  const Result<std::uint64_t> bytes = memory_bytes(*model, options);
  if (!bytes.ok()) return bytes.status();
  // A caller who names an instruction set gets the same checks as one who leaves the choice.
  const Result<Isa> isa = select_isa(options.isa ? std::string(isa_name(*options.isa)) : std::string());
  if (!isa.ok()) return isa.status();
  std::unique_ptr<Impl> impl(new Impl{std::move(model), kernels::kernel_table(isa.value()), options});
  if (!impl->memory.ok()) return too_much_memory(options);
  log_creation(options, isa.value(), bytes.value());
  return std::unique_ptr<Session>(new Session(std::move(impl)));
} catch (const std::bad_alloc&) {
  return no_memory([] { return "cannot allocate a session"; });
} catch (const std::system_error&) {
  return no_memory([&] { return "cannot start " + std::to_string(options.threads) + " threads; use fewer"; });
}

const Model& Session::model() const { return *impl_->model; }
int Session::threads() const { return impl_->options.threads; }
int Session::batch() const { return impl_->options.batch; }
Isa Session::isa() const { return impl_->kernels.isa; }

Status Session::set_picture(int index, const PictureView& src) try {
  if (Status status = check_picture(index, batch()); !status.ok()) return status;
  return impl_->preprocessor.run(src, picture(index));
} catch (const std::bad_alloc&) {
  return no_memory([&] { return "out of memory for picture " + std::to_string(index); });
}

Status Session::set_picture(int index, PictureRows& src) try {
  if (Status status = check_picture(index, batch()); !status.ok()) return status;
  return impl_->preprocessor.run(src, picture(index));
} catch (const std::bad_alloc&) {
  return no_memory([&] { return "out of memory for picture " + std::to_string(index); });
}

std::uint8_t* Session::picture(int index) {
  rules::require_index(index, batch(), "Session::picture(): picture");
  return impl_->memory.kept(index) + impl_->program.buffers[impl_->program.buffer_of(PortKind::picture)].offset;
}

OutputView Session::output(int index, std::size_t port) const {
  rules::require_index(index, batch(), "Session::output(): picture");
  const auto ports = static_cast<long long>(impl_->outputs.size());
  rules::require_index(static_cast<long long>(port), ports, "Session::output(): output");
  const KeptRows& rows = impl_->outputs[port];
  return {impl_->memory.kept(index) + rows.offset, rows.type, rows.rows, rows.columns, rows.stride};
}

View<const std::int32_t> Session::logits(int index) const {
  rules::require_index(index, batch(), "Session::logits(): picture");
  if (!impl_->logits) return {};
  return output(index, *impl_->logits).row<std::int32_t>(0);
}

Result<AttentionView> Session::attention(int index, std::size_t layer) const try {
  if (Status status = check_picture(index, batch()); !status.ok()) return status;
  return impl_->attention.view(layer, impl_->memory.attention(index));
} catch (const std::bad_alloc&) {
  return no_memory([&] { return "out of memory for attention layer " + std::to_string(layer); });
}

View<const std::uint64_t> Session::step_nanoseconds() const { return impl_->clock.sums(); }
View<const StepTime> Session::step_times(int picture, int member) const {
  rules::require_index(picture, batch(), "Session::step_times(): picture");
  rules::require_index(member, threads(), "Session::step_times(): thread");
  return std::span<const StepTime>(impl_->clock.times(picture, member));
}
View<const Stage> Session::stages() const { return impl_->schedule.stages(); }

namespace {

constexpr const char* kExecutorRule =
    "the executor must call every task once, and only once, and return after the last one has ended";
constexpr const char* kForkRule =
    "a session of several threads runs only in the process that created it; create one after fork()";

}  // namespace

void Session::run(int count) {
  if (const char* rule = impl_->run(std::clamp(count, 1, batch()))) rules::broken(rule);
}

Status Session::try_run(int count) try {
  if (count < 1 || count > batch()) {
    return {Code::invalid_argument, "a run of " + std::to_string(count) +
                                        " pictures; the session's batch allows 1 to " + std::to_string(batch())};
  }
  const char* rule = impl_->run(count);
  return rule == nullptr ? Status() : Status(Code::invalid_argument, rule);
} catch (const std::bad_alloc&) {  // of the text of an error
  return no_memory([] { return "out of memory"; });
}

const char* Session::Impl::run(int count) {
  if (!team.is_here()) return kForkRule;
  clock.clear();
  schedule.begin(count);
  bool ok = true;
  if (on_executor) {
    ok = run_on_executor();
  } else {
    team.run([](void* self, int member) { static_cast<Impl*>(self)->work(member); }, this);
  }
  schedule.end();
  clock.add_up(schedule.pictures(), schedule.first_shared());
  return ok ? nullptr : kExecutorRule;
}

// Where a team would meet, a "parallel for" ends, so no task waits for another.
bool Session::Impl::run_on_executor() {
  const int first_shared = schedule.first_shared();
  const auto own = [](void* self, int member) { static_cast<Impl*>(self)->work_on_own_pictures(member); };
  if (first_shared > 0 && !tasks.run(own, this)) return false;
  struct Part {
    Impl& self;
    int picture;
    std::size_t stage;
  };
  for (int picture = first_shared; picture < schedule.pictures(); ++picture) {
    for (std::size_t i = 0; i < schedule.stages().size(); ++i) {
      Part part{*this, picture, i};
      const auto shared = [](void* context, int member) {
        const Part& p = *static_cast<Part*>(context);
        p.self.work_on_share(p.stage, p.picture, member);
      };
      if (!tasks.run(shared, &part)) return false;
    }
  }
  return true;
}

void Session::Impl::work(int member) {
  const std::size_t stages = schedule.stages().size();
  const int first_shared = schedule.first_shared(), pictures = schedule.pictures();
  work_on_own_pictures(member);
  // Whoever still has a picture of its own may be in the arena of the shared ones.
  if (first_shared > 0 && first_shared < pictures) {
    schedule.note_own_pictures_end(member);
    team.barrier(member);
  }
  for (int picture = first_shared; picture < pictures; ++picture) {
    for (std::size_t i = 0; i < stages; ++i) {
      if (i != 0 || picture != first_shared) team.barrier(member);
      work_on_share(i, picture, member);
      if (picture == first_shared) schedule.note_stage_end(member, i);
    }
  }
}

void Session::Impl::work_on_own_pictures(int member) {
  for (int picture; (picture = schedule.take_picture()) < schedule.first_shared();) {
    Execution own{program, kernels, memory.workspace(picture, member, member)};
    for (std::size_t i = 0; i < schedule.stages().size(); ++i) {
      own.part = Share{};
      execute_stage(i, picture, member, own);
    }
  }
}

void Session::Impl::work_on_share(std::size_t stage, int picture, int member) {
  Execution shared{program, kernels, memory.workspace(picture, 0, member)};
  shared.written_elsewhere = true;
  shared.part = schedule.share(stage, member);
  execute_stage(stage, picture, member, shared);
}

// `execution.part` is the thread's share of the stage.
void Session::Impl::execute_stage(std::size_t stage, int picture, int member, Execution& execution) {
  const auto [first, last, unit] = schedule.stages()[stage];
  Share& part = execution.part;
  part.unit = unit;
  if (!clock.is_on()) {
    part.blocks = schedule.blocks(stage, part);
    for (part.block = 0; part.block < part.blocks; ++part.block) {
      for (std::size_t i = first; i < last; ++i) execute_step(i, picture, execution);
    }
    return;
  }
  const std::span<StepTime> times = clock.times(picture, member);
  for (std::size_t i = first; i < last; ++i) {
    times[i].begin = now_nanoseconds();
    execute_step(i, picture, execution);
    times[i].end = now_nanoseconds();
  }
}

void Session::Impl::execute_step(std::size_t step, int picture, Execution& execution) const {
  execution.next_weights = next_weights[step];
  execution.attention_weights = attention.of_step(step, memory.attention(picture));
  program.steps[step].op->execute(execution);
}

}  // namespace intvit
