#include "engine/program/validate.h"

#include <algorithm>

#include "engine/format/layout.h"
#include "engine/program/plan.h"
#include "kernels/attention/attention.h"
#include "kernels/gemm/linear.h"

namespace intvit {
namespace {

using kernels::padded_columns;
using kernels::padded_depth;

constexpr std::uint32_t kMaxRows = 1u << 20;
constexpr std::uint32_t kMaxColumns = 1u << 24;

const char* type_name(DataType type) {
  switch (type) {
    case DataType::u8:
      return "u8";
    case DataType::s8:
      return "s8";
    case DataType::s16:
      return "s16";
    case DataType::s32:
      return "s32";
  }
  return "unknown";
}

// A source row is made of pieces of `stride` codes, of which the first `used` mean something. The rest is whatever was
// in memory, so its weights must be zero, or logits would depend on more than the picture.
struct SourceRow {
  std::uint32_t stride, used;
};

bool padding_weighs_nothing(const LinearConstants& l, const std::uint8_t* tiles, const std::uint8_t* zero_points,
                            SourceRow row) {
  const int depth = static_cast<int>(l.k), columns = static_cast<int>(l.n);
  for (int k = 0; k < depth; ++k) {
    if (static_cast<std::uint32_t>(k) % row.stride < row.used) continue;
    for (int c = 0; c < columns; ++c) {
      if (l.bits == 8) {
        if (tiles[kernels::tile_offset(c, k, depth)] != 0) return false;
      } else {
        const kernels::NibblePosition at = kernels::nibble_position(c, k, depth);
        if ((at.high ? tiles[at.byte] >> 4 : tiles[at.byte] & 15) != zero_points[c]) return false;
      }
    }
  }
  return true;
}

// Collects the first complaint; the checks after it are skipped.
class Checker {
 public:
  Checker(const Program& program, std::string place) : program_(program), place_(std::move(place)) {}

  bool ok() const { return status_.ok(); }
  Status take() { return std::move(status_); }

  bool require(bool condition, const std::string& complaint) {
    if (ok() && !condition) status_ = Status(Code::corrupt_file, place_ + ": " + complaint);
    return ok();
  }

  // The buffer if it exists and has this type, else null.
  const Buffer* buffer(BufferId id, DataType type, const char* role) {
    if (!require(id < program_.buffers.size(), std::string(role) + " is buffer " + std::to_string(id) + " of " +
                                                   std::to_string(program_.buffers.size()))) {
      return nullptr;
    }
    const Buffer& b = program_.buffers[id];
    if (!require(b.type == type, std::string(role) + " is " + type_name(b.type) + ", must be " + type_name(type))) {
      return nullptr;
    }
    return &b;
  }

  const Constant* constant(ConstantId id, DataType type, std::uint64_t count, const char* role) {
    if (!require(id < program_.constants.size(), std::string(role) + " is constant " + std::to_string(id) + " of " +
                                                     std::to_string(program_.constants.size()))) {
      return nullptr;
    }
    const Constant& c = program_.constants[id];
    const bool matches = c.type == type && c.count() == count;
    if (!require(matches, std::string(role) + " '" + c.name + "' is " + std::to_string(c.count()) + " x " +
                              type_name(c.type) + ", must be " + std::to_string(count) + " x " + type_name(type))) {
      return nullptr;
    }
    return &c;
  }

  template <typename T>
  void within(const Constant* constant, T lowest, T highest, const char* role) {
    if (constant == nullptr || !ok()) return;
    const T* values = constant->as<T>();
    const bool fine =
        std::all_of(values, values + constant->count(), [&](T value) { return value >= lowest && value <= highest; });
    require(fine, std::string(role) + " '" + constant->name + "' has entries outside [" + std::to_string(lowest) +
                      ", " + std::to_string(highest) + "]");
  }

  // Where codes or values are made: the dst buffer tells which.
  const Buffer* codes_or_values(BufferId id, std::uint32_t max_code) {
    const bool values = id < program_.buffers.size() && program_.buffers[id].type == DataType::s16;
    require(max_code >= 1 && max_code <= 255, "max_code is " + std::to_string(max_code) + ", must be 1 to 255");
    return buffer(id, values ? DataType::s16 : DataType::u8, "dst");
  }

  void ascending(const Constant* constant, std::size_t lists, const char* role) {
    if (constant == nullptr || !ok()) return;
    const std::size_t length = constant->count() / lists;
    const auto* values = constant->as<std::int16_t>();
    for (std::size_t i = 0; i < lists; ++i) {
      require(std::is_sorted(values + i * length, values + (i + 1) * length),
              std::string(role) + " '" + constant->name + "' do not ascend");
    }
  }

  void grain(const ResidualGrain& g, std::uint32_t n) {
    if (!g.any()) return;
    const auto columns = static_cast<std::uint64_t>(padded_columns(static_cast<int>(n)));
    within<std::int16_t>(constant(g.power, DataType::s16, columns, "grain powers"), 0, INT16_MAX, "grain powers");
    constant(g.unit, DataType::s16, columns, "grain units");
    require(g.limit <= INT16_MAX, "grain limit " + std::to_string(g.limit) + ", at most 32767");
  }

  // Logits have 32-bit multipliers and longer shifts.
  void linear(const LinearConstants& l, const Buffer& dst, bool logits, SourceRow row) {
    require(l.bits == 8 || l.bits == 4, std::to_string(l.bits) + "-bit weights, must be 8 or 4");
    require(l.n >= 1 && l.n <= kMaxColumns, std::to_string(l.n) + " outputs");
    const auto deepest = static_cast<std::uint32_t>(kernels::max_depth(static_cast<int>(l.bits)));
    require(l.k >= 1 && l.k <= deepest && l.k % kernels::kDepthPadding == 0,
            std::to_string(l.k) + " inputs, must be a multiple of 64 up to " + std::to_string(deepest));
    if (!ok()) return;
    const auto columns = static_cast<std::uint32_t>(padded_columns(static_cast<int>(l.n)));
    require(dst.columns == l.n && dst.stride >= columns,
            "dst has " + std::to_string(dst.columns) + " columns in rows of " + std::to_string(dst.stride) +
                ", must have " + std::to_string(l.n) + " in rows of at least " + std::to_string(columns));
    const std::uint64_t bytes =
        kernels::tile_bytes(static_cast<int>(l.n), static_cast<int>(l.k), static_cast<int>(l.bits));
    const Constant* tiles = constant(l.tiles, l.bits == 8 ? DataType::s8 : DataType::u8, bytes, "weights");
    if (l.bits == 4)
      within<std::uint8_t>(constant(l.zero_points, DataType::u8, columns, "zero points"), 0, 15, "zero points");
    if (ok()) {
      const std::uint8_t* zero_points = l.bits == 4 ? program_.constants[l.zero_points].bytes.data() : nullptr;
      require(padding_weighs_nothing(l, tiles->bytes.data(), zero_points, row), "weights of padding are not zero");
    }
    constant(l.bias, DataType::s32, columns, "bias");
    const Constant* shift = constant(l.shift, DataType::u8, columns, "shift");
    if (logits) {
      within<std::uint8_t>(shift, 1, 62, "shift");
      within<std::int32_t>(constant(l.multiplier, DataType::s32, columns, "multiplier"), 0, INT32_MAX, "multiplier");
    } else {
      within<std::uint8_t>(shift, 0, 31, "shift");
      within<std::int16_t>(constant(l.multiplier, DataType::s16, columns, "multiplier"), 0, INT16_MAX, "multiplier");
    }
  }

 private:
  const Program& program_;
  std::string place_;
  Status status_;
};

void check(const PatchEmbedOp& op, const Program& program, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::u8, "src");
  const Buffer* dst = c.buffer(op.dst, DataType::s16, "dst");
  if (!c.ok()) return;
  c.require(op.src == program.picture, "src must be the picture");
  c.require(
      op.patch >= 1 && op.patch <= 128 && program.input.height % op.patch == 0 && program.input.width % op.patch == 0,
      "patches of " + std::to_string(op.patch) + " do not divide the input of " + std::to_string(program.input.height) +
          " x " + std::to_string(program.input.width));
  if (!c.ok()) return;
  const std::uint32_t patches = program.input.height / op.patch * (program.input.width / op.patch);
  c.require(op.prefix <= kMaxRows && dst->rows == op.prefix + patches,
            "dst has " + std::to_string(dst->rows) + " rows, must have " + std::to_string(op.prefix + patches));
  c.require(static_cast<int>(op.linear.k) == padded_depth(static_cast<int>(op.patch * op.patch * 3)),
            "weights have " + std::to_string(op.linear.k) + " inputs for patches of " + std::to_string(op.patch));
  const std::uint32_t pixels = op.patch * op.patch * 3;
  c.linear(op.linear, *dst, false, {op.linear.k, pixels});
  c.grain(op.grain, op.linear.n);
  if (c.ok()) c.constant(op.token_init, DataType::s16, std::uint64_t{dst->rows} * dst->stride, "token_init");
  (void)src;
}

void check(const LayerNormOp& op, const Program&, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::s16, "src");
  const Buffer* dst = c.codes_or_values(op.dst, op.max_code);
  if (!c.ok()) return;
  c.require(op.src != op.dst, "src is dst");
  c.require(src->columns == dst->columns && src->columns <= 65536, "src and dst differ in columns or have over 65536");
  c.require(op.first_row <= src->rows && dst->rows <= src->rows - op.first_row,
            "rows " + std::to_string(op.first_row) + " to " + std::to_string(std::uint64_t{op.first_row} + dst->rows) +
                " of " + std::to_string(src->rows));
  c.constant(op.affine, DataType::s16, std::uint64_t{2} * src->columns, "affine");
  c.require(op.shift >= 1 && op.shift <= 30 && op.beta_shift <= 14, "shift out of range");
  c.require(op.epsilon() >= 1 && op.epsilon() < std::uint64_t{1} << 62, "epsilon out of range");
}

void check(const LinearOp& op, const Program&, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::u8, "src");
  c.require(op.kind <= LinearKind::logits, "unknown kind of linear");
  c.require(op.planes == 1 || op.planes == 2, std::to_string(op.planes) + " planes, must be 1 or 2");
  const Buffer* dst = op.kind == LinearKind::logits     ? c.buffer(op.dst, DataType::s32, "dst")
                      : op.kind == LinearKind::residual ? c.buffer(op.dst, DataType::s16, "dst")
                                                        : c.codes_or_values(op.dst, op.max_code);
  if (!c.ok()) return;
  c.require(src->stride % op.planes == 0 && src->columns <= src->stride / op.planes,
            "src's rows do not hold " + std::to_string(op.planes) + " planes");
  const std::uint32_t plane = src->stride / op.planes;
  c.linear(op.linear, *dst, op.kind == LinearKind::logits, {plane, src->columns});
  const std::uint32_t ratio = src->rows / dst->rows;
  c.require(ratio * dst->rows == src->rows, "src rows are no multiple of dst rows");
  c.require(ratio == 1 ? op.linear.k <= plane : std::uint64_t{ratio} * src->stride == op.linear.k && op.planes == 1,
            "weights have " + std::to_string(op.linear.k) + " inputs, src has rows of " + std::to_string(plane));
  if (op.kind == LinearKind::residual) c.grain(op.grain, op.linear.n);
  if (op.kind == LinearKind::activation) {
    c.constant(op.activation, DataType::s16, 2 * kernels::kActivationSegments, "activation");
    c.require(op.activation_segment_bits <= 9 && op.activation_multiplier <= 32767 && op.activation_zero_point <= 255,
              "activation parameters out of range");
  }
}

void check_softmax(const AttentionOp& op, const Buffer& src, Checker& c) {
  const auto kind = static_cast<kernels::SoftmaxKind>(op.softmax_kind);
  c.require(kind <= kernels::SoftmaxKind::absolute, "unknown kind of softmax " + std::to_string(op.softmax_kind));
  if (!c.ok() || kind == kernels::SoftmaxKind::exponential) return;
  c.require(op.levels >= 2 && op.levels <= kernels::kMaxSoftmaxLevels && (op.planes == 1 || op.planes == 2),
            "softmax codes of " + std::to_string(op.levels) + " levels in " + std::to_string(op.planes) + " planes");
  if (!c.ok()) return;
  const Constant* thresholds =
      c.constant(op.thresholds, DataType::s16, std::uint64_t{op.heads} * (op.levels - 1), "thresholds");
  c.within<std::int16_t>(thresholds, 0, kernels::kMaxSoftmaxDistance + 1, "thresholds");
  c.ascending(thresholds, op.heads, "thresholds");
  const Constant* values = c.constant(op.values, DataType::s16, std::uint64_t{op.heads} * op.levels, "values");
  c.within<std::int16_t>(values, 0, op.planes == 2 ? INT16_MAX : 255, "values");
  if (!c.ok()) return;
  const auto* all = values->as<std::int16_t>();
  const std::uint64_t largest = static_cast<std::uint64_t>(*std::max_element(all, all + values->count()));
  c.require(src.rows * largest * 255 < std::uint64_t{1} << 31,
            "softmax values of " + std::to_string(largest) + " for " + std::to_string(src.rows) + " tokens");
  if (!c.ok() || kind == kernels::SoftmaxKind::relative) return;
  c.require(op.groups >= 1 && op.groups <= kernels::kMaxSoftmaxGroups, std::to_string(op.groups) + " groups of rows");
  if (!c.ok()) return;
  const Constant* groups = c.constant(op.row_groups, DataType::s32, std::uint64_t{3} * op.groups, "row groups");
  if (!c.ok()) return;
  const auto* numbers = groups->as<std::int32_t>();
  c.require(std::is_sorted(numbers, numbers + op.groups - 1), "bounds of row groups do not ascend");
  for (std::uint32_t g = 0; g < op.groups; ++g) {
    const std::int32_t divisor = numbers[2 * op.groups + g];
    c.require(divisor >= 1 && divisor < 1 << 23, "divisor of row group " + std::to_string(g) + " out of range");
  }
}

// What the codes of a buffer can be at most.
std::uint64_t highest_code(const Program& program, BufferId id) {
  std::uint64_t highest = 0;
  for (const Step& step : program.steps) {
    const auto* linear = std::get_if<LinearOp>(&step.op);
    const bool writes = std::visit([id](const auto& op) { return op.dst == id; }, step.op);
    if (writes) highest = std::max<std::uint64_t>(highest, linear != nullptr ? linear->max_code : 255);
  }
  return highest;
}

void check(const AttentionOp& op, const Program& program, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::u8, "src");
  const Buffer* dst = c.codes_or_values(op.dst, op.max_code);
  if (!c.ok()) return;
  c.require(op.heads >= 1 && op.heads <= 4096 && op.head_dim >= 1 && op.head_dim <= kernels::kMaxHeadDim,
            std::to_string(op.heads) + " heads of " + std::to_string(op.head_dim));
  if (!c.ok()) return;
  c.require(src->rows == dst->rows && src->rows <= kernels::kMaxTokens,
            std::to_string(src->rows) + " tokens, at most " + std::to_string(kernels::kMaxTokens));
  c.require(dst->columns == op.heads * op.head_dim && src->columns == 3 * dst->columns,
            "columns do not match the heads");
  const Constant* parameters =
      c.constant(op.parameters, DataType::s32, std::uint64_t{op.heads} * kAttentionParameters, "parameters");
  if (!c.ok()) return;
  const std::uint64_t highest = highest_code(program, op.src);
  for (std::uint32_t h = 0; h < op.heads; ++h) {
    const std::int32_t* p = parameters->as<std::int32_t>() + h * kAttentionParameters;
    const auto in = [&](AttentionParameter which, std::int32_t low, std::int32_t high) {
      c.require(p[which] >= low && p[which] <= high, "parameter " + std::to_string(which) + " of head " +
                                                         std::to_string(h) + " is " + std::to_string(p[which]) +
                                                         ", must be in [" + std::to_string(low) + ", " +
                                                         std::to_string(high) + "]");
    };
    in(kQZero, 0, 255);
    in(kVZero, 0, 255);
    in(kOutZero, 0, dst->type == DataType::s16 ? INT16_MAX : 255);
    in(kSoftmaxLeftShift, 0, 15);
    in(kSoftmaxRightShift, 0, 31);
    in(kSoftmaxMultiplier, 0, 65535);
    in(kRatio, 1 << 30, INT32_MAX);
    in(kRatioShift, kernels::kMinRatioShift, kernels::kMaxRatioShift);
    if (!c.ok()) return;
    c.require((op.head_dim * highest * highest << p[kSoftmaxLeftShift]) < std::uint64_t{1} << 31,
              "softmax left shift of head " + std::to_string(h) + " can overflow");
  }
  check_softmax(op, *src, c);
}

void check(const EncodeOp& op, const Program&, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::s16, "src");
  const Buffer* dst = c.buffer(op.dst, DataType::u8, "dst");
  c.require(op.kind <= EncodeOpKind::dynamic_tokens, "unknown kind of encoding");
  c.require(op.planes == 1 || op.planes == 2, std::to_string(op.planes) + " planes, must be 1 or 2");
  if (!c.ok()) return;
  c.require(src->rows == dst->rows && src->columns == dst->columns, "src and dst differ in shape");
  c.require(dst->stride % op.planes == 0 && dst->columns <= dst->stride / op.planes,
            "dst's rows do not hold " + std::to_string(op.planes) + " planes");
  const int highest = op.planes == 2 ? INT16_MAX : 255;
  if (op.kind == EncodeOpKind::table) {
    c.require(op.levels >= 2 && op.levels <= 256, std::to_string(op.levels) + " levels, must be 2 to 256");
    if (!c.ok()) return;
    c.ascending(c.constant(op.thresholds, DataType::s16, op.levels - 1, "thresholds"), 1, "thresholds");
    c.within<std::int16_t>(c.constant(op.values, DataType::s16, op.levels, "values"), 0,
                           static_cast<std::int16_t>(highest), "values");
    return;
  }
  c.require(op.max_code >= 1 && op.max_code <= 255 && op.step_shift <= 14 &&
                op.max_code << op.step_shift <= INT16_MAX && op.fine_bits >= 1 && op.fine_bits <= 12 &&
                op.outlier <= INT16_MAX && op.grid_max >= 1 && static_cast<int>(op.grid_max) <= highest &&
                op.grid_zero <= op.grid_max,
            "parameters out of range");
  if (!c.ok() || op.kind == EncodeOpKind::dynamic_tokens) return;
  const bool tokens = op.kind == EncodeOpKind::tokens;
  c.require(tokens || (op.groups >= 1 && op.groups <= 256), std::to_string(op.groups) + " groups, must be 1 to 256");
  if (!c.ok()) return;
  const std::uint64_t count = tokens ? dst->rows : op.groups;
  const Constant* codes = c.constant(op.codes, DataType::s16, (tokens ? 4 : 6) * count, "codes");
  if (!c.ok()) return;
  const std::int16_t* numbers = codes->as<std::int16_t>() + (tokens ? 0 : 2 * count);  // after the groups' bounds
  for (std::uint64_t i = 0; i < 4 * count; ++i) {
    const bool is_zero = i / count == 2;
    c.require(numbers[i] >= 0 && (!is_zero || numbers[i] <= static_cast<int>(op.max_code)),
              "codes '" + codes->name + "' out of range");
  }
}

void check(const MeanRowsOp& op, const Program&, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::s16, "src");
  const Buffer* dst = c.buffer(op.dst, DataType::s16, "dst");
  if (!c.ok()) return;
  c.require(src->columns == dst->columns && dst->rows == 1, "dst must be one row as long as src's");
  c.require(op.row_count >= 1 && op.row_count <= 65536 && op.first_row <= src->rows &&
                op.row_count <= src->rows - op.first_row,
            "rows out of range");
}

Status check_buffers(const Program& program) {
  Checker c(program, "the program");
  c.require(program.arena_bytes <= kMaxArenaBytes, "an arena of " + std::to_string(program.arena_bytes) + " bytes");
  for (std::size_t i = 0; i < program.buffers.size() && c.ok(); ++i) {
    const Buffer& b = program.buffers[i];
    const std::string name = "buffer " + std::to_string(i);
    c.require(b.type <= DataType::s32, name + " has an unknown type");
    c.require(b.rows >= 1 && b.rows <= kMaxRows && b.columns >= 1 && b.columns <= b.stride && b.stride <= kMaxColumns,
              name + " is " + std::to_string(b.rows) + " x " + std::to_string(b.columns) + " in rows of " +
                  std::to_string(b.stride));
    if (!c.ok()) break;
    c.require(b.offset % 64 == 0 && b.offset <= program.arena_bytes && b.bytes() <= program.arena_bytes - b.offset,
              name + " does not lie in the arena");
  }
  return c.take();
}

// Buffers that live at the same time must not share memory, and nothing is read before it is written.
Status check_flow(const Program& program) {
  Checker c(program, "the program");
  const std::vector<Lifetime> alive = lifetimes(program);
  for (std::size_t i = 0; i < program.buffers.size(); ++i) {
    for (std::size_t j = i + 1; j < program.buffers.size(); ++j) {
      const Buffer &a = program.buffers[i], &b = program.buffers[j];
      const bool together = alive[i].first <= alive[j].last && alive[j].first <= alive[i].last;
      const bool shared = a.offset < b.offset + b.bytes() && b.offset < a.offset + a.bytes();
      if (together && shared) {
        c.require(false,
                  "buffers " + std::to_string(i) + " and " + std::to_string(j) + " overlap while both are in use");
      }
    }
  }
  std::vector<bool> written(program.buffers.size(), false);
  written[program.picture] = true;
  for (const Step& step : program.steps) {
    const auto* linear = std::get_if<LinearOp>(&step.op);
    if (linear != nullptr && linear->kind == LinearKind::residual) {
      c.require(written[linear->dst], "'" + step.layer + "' adds to a buffer that nothing has written");
    }
    std::visit(
        [&](const auto& op) {
          c.require(written[op.src], "'" + step.layer + "' reads a buffer that nothing has written");
          written[op.dst] = true;
          c.require(op.dst != program.picture, "'" + step.layer + "' writes over the picture");
        },
        step.op);
    if (linear != nullptr && linear->kind != LinearKind::residual) {
      c.require(linear->src != linear->dst, "'" + step.layer + "' reads what it writes");
    }
  }
  c.require(written[program.logits], "nothing writes the logits");
  return c.take();
}

}  // namespace

Status validate(const Program& program) {
  if (Status status = check_buffers(program); !status.ok()) return status;
  Checker c(program, "the program");
  const InputGeometry& in = program.input;
  c.require(in.height >= 1 && in.height <= kMaxInputEdge && in.width >= 1 && in.width <= kMaxInputEdge &&
                in.resize_height >= 1 && in.resize_height <= 65535 && in.resize_width >= 1 &&
                in.resize_width <= 65535 && in.interpolation <= Interpolation::lanczos &&
                in.crop_mode <= CropMode::squash,
            "the input geometry is out of range");
  const Buffer* picture = c.buffer(program.picture, DataType::u8, "the picture");
  const Buffer* logits = c.buffer(program.logits, DataType::s32, "logits");
  if (!c.ok()) return c.take();
  c.require(picture->rows == in.height && picture->columns == in.width * 3 && picture->stride == picture->columns,
            "the picture's buffer does not match the input geometry");
  c.require(logits->rows == 1 && program.logit_fraction_bits <= 31, "logits must be one row");
  c.require(!program.steps.empty(), "no steps");
  if (!c.ok()) return c.take();
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    Checker checker(program,
                    "step " + std::to_string(i) + " (" + std::string(op_name(step.op)) + " '" + step.layer + "')");
    std::visit([&](const auto& op) { check(op, program, checker); }, step.op);
    if (!checker.ok()) return checker.take();
  }
  return check_flow(program);
}

}  // namespace intvit
