#include "engine/session.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "engine/format/layout.h"
#include "engine/select_isa.h"

namespace intvit {
namespace {

// Patches are gathered and multiplied in blocks of this many rows.
constexpr int kPatchBlock = 48;
constexpr std::size_t kAlignment = 64;

std::size_t align(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

struct ScratchNeeds {
  const Program& program;

  std::size_t operator()(const PatchEmbedOp& op) const {
    return align(std::size_t{kPatchBlock} * op.linear.k) +
           align(kernels::linear_scratch_bytes(static_cast<int>(op.linear.k)));
  }
  std::size_t operator()(const LinearOp& op) const {
    return align(kernels::linear_scratch_bytes(static_cast<int>(op.linear.k)));
  }
  std::size_t operator()(const AttentionOp& op) const {
    return align(kernels::attention_scratch_bytes(static_cast<int>(program.buffers[op.src].rows),
                                                  static_cast<int>(op.head_dim)));
  }
  std::size_t operator()(const LayerNormOp&) const { return 0; }
  std::size_t operator()(const MeanRowsOp&) const { return 0; }
};

std::uint64_t now_nanoseconds() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

std::uint8_t* allocate_aligned(std::size_t bytes) {
  return static_cast<std::uint8_t*>(std::aligned_alloc(kAlignment, align(std::max<std::size_t>(bytes, 1))));
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
  if (!options.profile) {
    stages_ = make_stages(program_);
    return;
  }
  step_nanoseconds_.resize(program_.steps.size());
  for (std::size_t i = 0; i < program_.steps.size(); ++i) stages_.push_back({i, i + 1});
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
  team_.run([](void* self, int member) { static_cast<Session*>(self)->work(member); }, this);
}

void Session::work(int member) {
  for (const Stage& stage : stages_) {
    if (stage.first != 0) team_.barrier();
    const std::uint64_t start = step_nanoseconds_.empty() ? 0 : now_nanoseconds();
    for (std::size_t i = stage.first; i < stage.last; ++i) {
      std::visit([&](const auto& op) { execute(op, member); }, program_.steps[i].op);
    }
    if (member == 0 && !step_nanoseconds_.empty()) step_nanoseconds_[stage.first] += now_nanoseconds() - start;
  }
}

template <typename T>
T* Session::row(BufferId id, std::int64_t index) const {
  const Buffer& buffer = program_.buffers[id];
  std::uint8_t* base = arena_.get() + buffer.offset * static_cast<std::uint64_t>(batch_);
  return reinterpret_cast<T*>(base) + index * buffer.stride;
}

Session::Range Session::share(std::int64_t total, int member) const {
  return {total * member / team_.size(), total * (member + 1) / team_.size()};
}

namespace {

kernels::LinearArgs linear_args(const LinearConstants& l, const Program& program, void* scratch) {
  const auto constant = [&](ConstantId id) -> const Constant& { return program.constants[id]; };
  kernels::LinearArgs args{};
  args.weights = {constant(l.tiles).as<std::uint8_t>(),
                  l.bits == 4 ? constant(l.zero_points).as<std::uint8_t>() : nullptr, static_cast<int>(l.bits),
                  static_cast<int>(l.n), static_cast<int>(l.k)};
  args.requantizer.bias = constant(l.bias).as<std::int32_t>();
  args.requantizer.shift = constant(l.shift).as<std::uint8_t>();
  args.scratch = scratch;
  return args;
}

}  // namespace

void Session::execute(const LinearOp& op, int member) {
  const Buffer& src = program_.buffers[op.src];
  const Buffer& dst = program_.buffers[op.dst];
  const std::int64_t src_rows_per_dst_row = src.rows / dst.rows;
  const Range rows = share(std::int64_t{dst.rows} * count_, member);
  if (rows.begin == rows.end) return;
  kernels::LinearArgs args = linear_args(op.linear, program_, scratch(member));
  args.src = row<std::uint8_t>(op.src, rows.begin * src_rows_per_dst_row);
  args.src_stride = src_rows_per_dst_row * src.stride;
  args.rows = static_cast<int>(rows.end - rows.begin);
  args.dst_stride = dst.stride;
  const Constant& multiplier = program_.constants[op.linear.multiplier];
  switch (op.kind) {
    case LinearKind::codes:
      args.epilogue = kernels::Epilogue::codes;
      args.dst = row<std::uint8_t>(op.dst, rows.begin);
      break;
    case LinearKind::activation: {
      const std::int16_t* table = program_.constants[op.activation].as<std::int16_t>();
      args.epilogue = kernels::Epilogue::activation;
      args.activation = {table, table + kernels::kActivationSegments, static_cast<int>(op.activation_segment_bits),
                         static_cast<std::int16_t>(op.activation_multiplier),
                         static_cast<std::int16_t>(op.activation_zero_point)};
      args.dst = row<std::uint8_t>(op.dst, rows.begin);
      break;
    }
    case LinearKind::residual:
      args.epilogue = kernels::Epilogue::residual;
      args.dst = row<std::int16_t>(op.dst, rows.begin);
      args.residual = row<std::int16_t>(op.dst, rows.begin);
      args.residual_stride = dst.stride;
      break;
    case LinearKind::logits:
      args.epilogue = kernels::Epilogue::logits;
      args.dst = row<std::int32_t>(op.dst, rows.begin);
      args.logit_multiplier = multiplier.as<std::int32_t>();
      args.logit_shift = args.requantizer.shift;
      break;
  }
  if (op.kind != LinearKind::logits) args.requantizer.multiplier = multiplier.as<std::int16_t>();
  kernels_.linear->run(args);
}

void Session::execute(const LayerNormOp& op, int member) {
  const Buffer& src = program_.buffers[op.src];
  const Buffer& dst = program_.buffers[op.dst];
  const Range rows = share(std::int64_t{dst.rows} * count_, member);
  // One call per picture, since the selected rows of two pictures are not neighbours.
  for (std::int64_t begin = rows.begin; begin < rows.end;) {
    const std::int64_t picture = begin / dst.rows;
    const std::int64_t end = std::min(rows.end, (picture + 1) * dst.rows);
    const std::int64_t src_row = picture * src.rows + op.first_row + begin % dst.rows;
    kernels_.layer_norm->run({row<std::int16_t>(op.src, src_row), src.stride, row<std::uint8_t>(op.dst, begin),
                              dst.stride, static_cast<int>(end - begin), static_cast<int>(src.columns),
                              program_.constants[op.affine].as<std::int16_t>(), static_cast<int>(op.shift),
                              static_cast<int>(op.beta_shift), op.epsilon()});
    begin = end;
  }
}

void Session::execute(const AttentionOp& op, int member) {
  const Buffer& src = program_.buffers[op.src];
  const Buffer& dst = program_.buffers[op.dst];
  const std::int64_t tokens = src.rows;
  const std::int64_t channels = dst.columns;
  // Units are (picture, head, query) in that order: a member packs K and V only of the heads that it touches.
  const Range units = share(tokens * op.heads * count_, member);
  for (std::int64_t begin = units.begin; begin < units.end;) {
    const std::int64_t picture = begin / (tokens * op.heads);
    const std::int64_t head = begin / tokens % op.heads;
    const std::int64_t query = begin % tokens;
    const std::int64_t count = std::min(units.end - begin, tokens - query);
    const std::int32_t* p = program_.constants[op.parameters].as<std::int32_t>() + head * kAttentionParameters;
    const std::uint8_t* q = row<std::uint8_t>(op.src, picture * tokens) + head * op.head_dim;
    kernels::AttentionArgs args{};
    args.q = q;
    args.k = q + channels;
    args.v = q + 2 * channels;
    args.stride = src.stride;
    args.dst = row<std::uint8_t>(op.dst, picture * tokens) + head * op.head_dim;
    args.dst_stride = dst.stride;
    args.tokens = static_cast<int>(tokens);
    args.head_dim = static_cast<int>(op.head_dim);
    args.query_begin = static_cast<int>(query);
    args.query_end = static_cast<int>(query + count);
    args.head = {p[kQZero],
                 p[kVZero],
                 {p[kSoftmaxLeftShift], p[kSoftmaxRightShift], static_cast<std::uint16_t>(p[kSoftmaxMultiplier])},
                 static_cast<std::uint32_t>(p[kRatio]),
                 p[kRatioShift],
                 p[kOutZero]};
    args.scratch = scratch(member);
    kernels_.attention->run(args);
    begin += count;
  }
}

void Session::execute(const MeanRowsOp& op, int member) {
  const Buffer& src = program_.buffers[op.src];
  const Range pictures = share(count_, member);
  for (std::int64_t picture = pictures.begin; picture < pictures.end; ++picture) {
    kernels_.mean_rows->run({row<std::int16_t>(op.src, picture * src.rows + op.first_row), src.stride,
                             static_cast<int>(op.row_count), static_cast<int>(src.columns),
                             row<std::int16_t>(op.dst, picture)});
  }
}

void Session::execute(const PatchEmbedOp& op, int member) {
  const Buffer& image = program_.buffers[op.src];
  const Buffer& dst = program_.buffers[op.dst];
  const std::int64_t patch = op.patch;
  const std::int64_t grid_width = program_.input.width / patch;
  const std::int64_t patch_row_bytes = patch * 3;
  const std::size_t depth = op.linear.k;
  auto* patches = static_cast<std::uint8_t*>(scratch(member));
  const std::int16_t* token_init = program_.constants[op.token_init].as<std::int16_t>();
  kernels::LinearArgs args = linear_args(op.linear, program_, patches + align(std::size_t{kPatchBlock} * depth));
  args.requantizer.multiplier = program_.constants[op.linear.multiplier].as<std::int16_t>();
  args.epilogue = kernels::Epilogue::residual;
  args.src = patches;
  args.src_stride = static_cast<std::ptrdiff_t>(depth);
  args.dst_stride = args.residual_stride = dst.stride;

  const Range rows = share(std::int64_t{dst.rows} * count_, member);
  for (std::int64_t begin = rows.begin; begin < rows.end;) {
    const std::int64_t picture = begin / dst.rows;
    const std::int64_t token = begin % dst.rows;
    if (token < op.prefix) {
      std::memcpy(row<std::int16_t>(op.dst, begin), token_init + token * dst.stride, dst.stride * sizeof(std::int16_t));
      ++begin;
      continue;
    }
    const std::int64_t end = std::min({rows.end, (picture + 1) * dst.rows, begin + kPatchBlock});
    for (std::int64_t r = begin; r < end; ++r) {
      const std::int64_t index = token - op.prefix + (r - begin);
      std::uint8_t* out = patches + (r - begin) * static_cast<std::int64_t>(depth);
      const std::uint8_t* in = row<std::uint8_t>(op.src, picture * image.rows + index / grid_width * patch) +
                               index % grid_width * patch_row_bytes;
      for (std::int64_t y = 0; y < patch; ++y) {
        std::memcpy(out + y * patch_row_bytes, in + y * image.stride, static_cast<std::size_t>(patch_row_bytes));
      }
      const std::int64_t used = patch * patch_row_bytes;
      std::memset(out + used, 0, depth - static_cast<std::size_t>(used));
    }
    args.rows = static_cast<int>(end - begin);
    args.dst = row<std::int16_t>(op.dst, begin);
    args.residual = token_init + token * dst.stride;
    kernels_.linear->run(args);
    begin = end;
  }
}

}  // namespace intvit
