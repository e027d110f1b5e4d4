// A model is a program: a list of fused integer operations over a few buffers and many constants. The converter
// compiles a network into it, the file stores it, and the session executes it; nothing here knows an architecture.
//
// Dimension letters: T tokens of one picture, C channels, K inputs and N outputs of a linear. All buffers are per
// picture; a session for a batch of B pictures holds B of each, one after another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/image/geometry.h"

namespace intvit {

enum class DataType : std::uint32_t { u8 = 0, s8 = 1, s16 = 2, s32 = 3 };

constexpr std::uint32_t byte_size(DataType type) { return type == DataType::s32 ? 4 : type == DataType::s16 ? 2 : 1; }

// A constant of the model: a view into the mapped file.
struct Constant {
  std::string name;
  DataType type = DataType::u8;
  std::span<const std::uint8_t> bytes;

  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
  std::size_t count() const { return bytes.size() / byte_size(type); }
};

// rows x columns elements of one picture, rows `stride` elements apart. `offset` is the place in a picture's arena; the
// memory plan lets buffers share it whose values are never needed at the same time.
struct Buffer {
  DataType type = DataType::u8;
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::uint32_t stride = 0;
  std::uint64_t offset = 0;

  std::uint64_t bytes() const { return std::uint64_t{rows} * stride * byte_size(type); }
};

using BufferId = std::uint32_t;
using ConstantId = std::uint32_t;
inline constexpr std::uint32_t kNone = 0xffffffff;

// Weights and requantization of one linear (kernels/gemm/linear.h); `zero_points` only for 4-bit weights.
struct LinearConstants {
  std::uint32_t n = 0;     // outputs
  std::uint32_t k = 0;     // inputs, padded to a multiple of 64
  std::uint32_t bits = 8;  // 8 or 4
  ConstantId tiles = kNone;
  ConstantId zero_points = kNone;  // u8 [padded n]
  ConstantId bias = kNone;         // s32 [padded n]
  ConstantId shift = kNone;        // u8 [padded n], 0..31 (logits: 1..62)
  ConstantId multiplier = kNone;   // s16 [padded n], >= 0 (logits: s32)

  template <typename V>
  void visit(V& v) {
    v(n), v(k), v(bits), v(tiles), v(zero_points), v(bias), v(shift), v(multiplier);
  }
};

// Steps of a residual stream that has fewer than 16 bits, per column (kernels/gemm/linear.h, to_grid). None: 16 bits.
struct ResidualGrain {
  ConstantId power = kNone;  // s16 [padded n], >= 0
  ConstantId unit = kNone;   // s16 [padded n]
  std::uint32_t limit = 0;   // 0..32767

  bool any() const { return power != kNone; }
  template <typename V>
  void visit(V& v) {
    v(power), v(unit), v(limit);
  }
};

// dst[t] = token_init[t] for the first `prefix` rows; the others add the patch embedding of one patch of the picture.
// The picture is u8 [H][W][3]; a patch's K = patch * patch * 3 pixels are ordered (y, x, channel).
struct PatchEmbedOp {
  static constexpr std::uint32_t kKind = 1;
  static constexpr const char* kName = "patch_embed";
  BufferId src = kNone;  // the picture: rows H, columns W * 3
  BufferId dst = kNone;  // s16 residual stream [T][C]
  std::uint32_t patch = 0;
  std::uint32_t prefix = 0;
  ConstantId token_init = kNone;  // s16 [T][stride of dst]
  LinearConstants linear;
  ResidualGrain grain;

  template <typename V>
  void visit(V& v) {
    v(src), v(dst), v(patch), v(prefix), v(token_init), linear.visit(v), grain.visit(v);
  }
};

// Operations that make codes write to a u8 buffer, clamped to [0, max_code], or to an s16 buffer: then it is the value
// before the clamp, in finer units, for an encode operation.

// Rows [first_row, first_row + rows of dst) of the residual stream -> codes or values
// (kernels/layer_norm/layer_norm.h).
struct LayerNormOp {
  static constexpr std::uint32_t kKind = 2;
  static constexpr const char* kName = "layer_norm";
  BufferId src = kNone;
  BufferId dst = kNone;
  std::uint32_t first_row = 0;
  ConstantId affine = kNone;  // s16 [C][2]
  std::uint32_t shift = 0;
  std::uint32_t beta_shift = 0;
  std::uint32_t epsilon_low = 0;
  std::uint32_t epsilon_high = 0;
  std::uint32_t max_code = 255;  // 1..255

  std::uint64_t epsilon() const { return std::uint64_t{epsilon_high} << 32 | epsilon_low; }
  template <typename V>
  void visit(V& v) {
    v(src), v(dst), v(first_row), v(affine), v(shift), v(beta_shift), v(epsilon_low), v(epsilon_high), v(max_code);
  }
};

enum class LinearKind : std::uint32_t { codes = 0, activation = 1, residual = 2, logits = 3 };

// src codes x weights -> dst (kernels/gemm/linear.h). A src with several rows per dst row (the two class tokens of a
// distilled DeiT) is read as one long row. residual: dst is the residual stream itself. codes and activation: codes or
// values. With two planes every src row holds its low bytes in its first half and its high bytes in its second.
struct LinearOp {
  static constexpr std::uint32_t kKind = 3;
  static constexpr const char* kName = "linear";
  BufferId src = kNone;
  BufferId dst = kNone;
  LinearKind kind = LinearKind::codes;
  LinearConstants linear;
  ConstantId activation = kNone;  // s16 [2][64]: base, slope (kernels/activation/gated_activation.h)
  std::uint32_t activation_segment_bits = 0;
  std::uint32_t activation_multiplier = 0;  // 0..32767
  std::uint32_t activation_zero_point = 0;  // 0..255
  std::uint32_t planes = 1;                 // of src, 1 or 2
  std::uint32_t max_code = 255;             // 1..255
  ResidualGrain grain;                      // residual only

  template <typename V>
  void visit(V& v) {
    v(src), v(dst), v(kind), linear.visit(v);
    v(activation), v(activation_segment_bits), v(activation_multiplier), v(activation_zero_point);
    v(planes), v(max_code), grain.visit(v);
  }
};

// src codes [T][3C] (q, k, v; head by head in each) -> dst codes or values [T][C] (kernels/attention/attention.h).
struct AttentionOp {
  static constexpr std::uint32_t kKind = 4;
  static constexpr const char* kName = "attention";
  BufferId src = kNone;
  BufferId dst = kNone;
  std::uint32_t heads = 0;
  std::uint32_t head_dim = 0;
  ConstantId parameters = kNone;  // s32 [heads][kAttentionParameters]
  std::uint32_t max_code = 255;   // 1..255
  // Softmax codes (kernels/softmax/softmax.h): 0 exponential, 1 relative, 2 absolute. Tables are per head.
  std::uint32_t softmax_kind = 0;
  std::uint32_t levels = 0;       // 2..256
  std::uint32_t planes = 1;       // 2: values up to 32767, else up to 255
  std::uint32_t groups = 0;       // absolute: 1..64
  ConstantId thresholds = kNone;  // s16 [heads][levels - 1], ascending
  ConstantId values = kNone;      // s16 [heads][levels]
  ConstantId row_groups = kNone;  // absolute: s32 [3][groups]: bounds (the last is not used), offsets, divisors

  template <typename V>
  void visit(V& v) {
    v(src), v(dst), v(heads), v(head_dim), v(parameters), v(max_code);
    v(softmax_kind), v(levels), v(planes), v(groups), v(thresholds), v(values), v(row_groups);
  }
};

// Order of one head's numbers in AttentionOp::parameters.
enum AttentionParameter : int {
  kQZero,
  kVZero,
  kSoftmaxLeftShift,
  kSoftmaxRightShift,
  kSoftmaxMultiplier,
  kRatio,
  kRatioShift,
  kOutZero,
  kAttentionParameters
};

// The mean of rows [first_row, first_row + row_count) of the residual stream -> one row.
struct MeanRowsOp {
  static constexpr std::uint32_t kKind = 5;
  static constexpr const char* kName = "mean_rows";
  BufferId src = kNone;
  BufferId dst = kNone;
  std::uint32_t first_row = 0;
  std::uint32_t row_count = 0;

  template <typename V>
  void visit(V& v) {
    v(src), v(dst), v(first_row), v(row_count);
  }
};

enum class EncodeOpKind : std::uint32_t { table = 0, tokens = 1, channel_groups = 2, dynamic_tokens = 3 };

// src values (s16) -> codes of few bits -> what these stand for, on the grid that the next linear reads: u8, or two
// planes of bytes, the low ones in the first half of every dst row (kernels/encode/encode.h). Values are in units of
// the grid's step / 2^fine_bits; a table's thresholds may have any unit.
struct EncodeOp {
  static constexpr std::uint32_t kKind = 6;
  static constexpr const char* kName = "encode";
  BufferId src = kNone;
  BufferId dst = kNone;
  EncodeOpKind kind = EncodeOpKind::table;
  std::uint32_t planes = 1;
  std::uint32_t levels = 0;       // table: 2..256
  ConstantId thresholds = kNone;  // table: s16 [levels - 1], ascending
  ConstantId values = kNone;      // table: s16 [levels], >= 0
  // tokens: s16 [4][T], multiplier, power, zero, step of every row. channel_groups: s16 [6][groups], lowest and highest
  // of the group's channels, then the same four; every channel of a picture takes the group nearest to its extremes.
  ConstantId codes = kNone;
  std::uint32_t groups = 0;      // 1..256
  std::uint32_t max_code = 255;  // 1..255
  std::uint32_t step_shift = 0;  // max_code << step_shift <= 32767
  std::uint32_t fine_bits = 1;   // 1..12
  std::uint32_t outlier = 32767;
  std::uint32_t grid_zero = 0;   // 0..grid_max
  std::uint32_t grid_max = 255;  // 1..32767; with one plane up to 255

  template <typename V>
  void visit(V& v) {
    v(src), v(dst), v(kind), v(planes), v(levels), v(thresholds), v(values), v(codes), v(groups), v(max_code);
    v(step_shift), v(fine_bits), v(outlier), v(grid_zero), v(grid_max);
  }
};

using Op = std::variant<PatchEmbedOp, LayerNormOp, LinearOp, AttentionOp, MeanRowsOp, EncodeOp>;

// An operation and the layer of the network that it came from, e.g. "blocks.3.attn.qkv".
struct Step {
  std::string layer;
  Op op;
};

struct Program {
  InputGeometry input;
  BufferId picture = kNone;  // u8, rows H, columns W * 3
  BufferId logits = kNone;   // s32, 1 x classes, units of 2^-logit_fraction_bits
  std::uint32_t logit_fraction_bits = 16;
  std::vector<Buffer> buffers;
  std::vector<Step> steps;
  std::vector<Constant> constants;
  std::uint64_t arena_bytes = 0;  // per picture
};

std::string_view op_name(const Op& op);

}  // namespace intvit
