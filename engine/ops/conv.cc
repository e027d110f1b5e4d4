#include "engine/ops/conv.h"

#include <algorithm>
#include <cstring>

#include "engine/ops/description.h"
#include "engine/ops/linear_sums.h"
#include "engine/ops/row_constants.h"
#include "engine/ops/scratch.h"
#include "engine/tensors/limits.h"
#include "kernels/arithmetic/copy_bytes.h"

namespace intvit {
namespace {

// Patches are gathered and multiplied in blocks of at most this many rows, fewer where rows are long.
constexpr std::int64_t kPatchBlock = 56;
constexpr std::int64_t kPatchBytes = 256 << 10;
static_assert(kPatchBlock % 2 == 0 && kPatchBlock <= kConstantRows);

std::int64_t most_rows(std::uint32_t depth) {
  return std::clamp<std::int64_t>(kPatchBytes / depth / 2 * 2, 2, kPatchBlock);
}

}  // namespace

// All lengths of cells; those of bytes say so.
struct ConvOp::Geometry {
  std::int64_t height, width;  // of src
  std::int64_t kernel_height, kernel_width, step_down, step_right;
  std::int64_t down, right;  // how often the kernel fits behind its first place, and what is left
  std::int64_t rest_down, rest_right;
  std::int64_t cell_bytes, cell_columns;  // in a patch; what means something of it

  std::int64_t places() const { return (down + 1) * (right + 1); }
  std::int64_t patch_bytes() const { return kernel_height * kernel_width * cell_bytes; }
};

std::unique_ptr<Operation> make_conv() { return std::make_unique<ConvOp>(); }

ConvOp::Geometry ConvOp::geometry(const Tensors& tensors) const {
  const Buffer& from = tensors.buffers[src];
  Geometry g{};
  g.height = of_picture() ? tensors.input.height : height;
  g.width = of_picture() ? tensors.input.width : width;
  g.kernel_height = kernel;
  g.kernel_width = kernel_width != 0 ? kernel_width : kernel;
  g.step_down = stride != 0 ? stride : g.kernel_height;
  g.step_right = stride != 0 ? stride : g.kernel_width;
  const std::int64_t below = g.height + pad_top + pad_bottom - g.kernel_height;
  const std::int64_t beside = g.width + pad_left + pad_right - g.kernel_width;
  g.down = below / g.step_down, g.rest_down = below - g.down * g.step_down;
  g.right = beside / g.step_right, g.rest_right = beside - g.right * g.step_right;
  g.cell_bytes = of_picture() ? 3 : from.stride;
  g.cell_columns = of_picture() ? 3 : from.columns;
  return g;
}

ConvOp::Grid ConvOp::grid(const Tensors& tensors) const {
  const Geometry g = geometry(tensors);
  return {static_cast<std::uint32_t>(g.down + 1), static_cast<std::uint32_t>(g.right + 1)};
}

// What geometry() relies on, and that the kernel fits a whole number of times.
void ConvOp::check_geometry(Checker& c) const {
  const Buffer& from = c.tensors().buffers[src];
  const BufferId picture = c.tensors().buffer_of(PortKind::picture);
  if (of_picture()) {
    c.require(src == picture && width == 0, "src must be the picture, or its height and width must be given");
  } else {
    c.require(src != picture, "src is the picture, which has no height and width of its own here");
    c.require(std::uint64_t{height} * width == from.rows, [&] {
      return "src has " + std::to_string(from.rows) + " rows, must have " + std::to_string(height) + " x " +
             std::to_string(width);
    });
    c.require(c.contents(src).planes == 1, "src has two planes");
    // Only then can what stands behind the columns of every cell be checked to weigh nothing.
    c.require(from.stride % kernels::kDepthPadding == 0,
              [&] { return "src has rows of " + std::to_string(from.stride) + ", must be a multiple of 64"; });
  }
  c.require(kernel >= 1 && kernel <= 128 && kernel_width <= 128 && stride <= 128, [&] {
    return "a kernel of " + std::to_string(kernel) + " x " + std::to_string(kernel_width) + " in steps of " +
           std::to_string(stride) + ", must be at most 128";
  });
  const std::uint32_t wide = kernel_width != 0 ? kernel_width : kernel;
  c.require(std::max(pad_top, pad_bottom) < kernel && std::max(pad_left, pad_right) < wide,
            "padding as large as the kernel");
  if (!c.ok()) return;
  const Geometry g = geometry(c.tensors());
  const bool fits = g.height + pad_top + pad_bottom >= g.kernel_height &&
                    g.width + pad_left + pad_right >= g.kernel_width && g.rest_down == 0 && g.rest_right == 0;
  c.require(fits, [&] {
    return "patches of " + std::to_string(kernel) + " do not divide the input of " + std::to_string(g.height) + " x " +
           std::to_string(g.width);
  });
}

void ConvOp::check(Checker& c) const {
  const Buffer* from = c.buffer(src, DataType::u8, "src");
  const Buffer* to = c.codes_or_values(dst, max_code);
  if (!c.ok()) return;
  c.require(src != dst, "src is dst");
  check_geometry(c);
  if (!c.ok()) return;
  const Geometry g = geometry(c.tensors());
  c.require(prefix <= kMaxRows && to->rows == prefix + g.places(), [&] {
    return "dst has " + std::to_string(to->rows) + " rows, must have " + std::to_string(prefix + g.places());
  });
  constexpr std::int64_t kUnit = kernels::kDepthPadding;
  const std::int64_t patch = g.patch_bytes();
  c.require(linear.k == (patch + kUnit - 1) / kUnit * kUnit, [&] {
    return "weights have " + std::to_string(linear.k) + " inputs for patches of " + std::to_string(patch);
  });
  const SourceRow row =
      of_picture() ? SourceRow{linear.k, static_cast<std::uint32_t>(patch)} : SourceRow{from->stride, from->columns};
  check_linear(c, linear, *to, false, row);
  if (!c.ok()) return;
  c.require((init != kNone && to->type == DataType::s16) || (prefix == 0 && !coarse_steps.any()),
            "rows in front of the patches and coarse steps need init and values");
  if (init != kNone) c.constant(init, DataType::s16, std::uint64_t{to->rows} * to->stride, "init");
  check_coarse_steps(c, coarse_steps, linear.n);
  std::uint32_t highest = c.contents(src).highest_code;
  if (pad_top + pad_left + pad_bottom + pad_right != 0) {
    const Constant* pad = c.constant(pad_cell, DataType::u8, static_cast<std::uint64_t>(g.cell_columns), "pad_cell");
    if (pad != nullptr) highest = std::max(highest, static_cast<std::uint32_t>(c.magnitude<std::uint8_t>(*pad)));
  }
  check_linear_sums(c, linear, static_cast<std::uint32_t>(g.kernel_height * g.kernel_width * g.cell_columns), highest);
}

std::uint64_t ConvOp::macs(const Tensors& tensors) const {
  const Geometry g = geometry(tensors);
  return static_cast<std::uint64_t>(g.places() * g.kernel_height * g.kernel_width * g.cell_columns) * linear.n;
}

std::size_t ConvOp::scratch_bytes(const Tensors& tensors) const {
  return align_scratch(static_cast<std::size_t>(most_rows(linear.k)) * linear.k) +
         align_scratch(linear.scratch_bytes()) + row_constants_scratch_bytes(tensors.buffers[dst], linear.n);
}

std::string ConvOp::describe(const Tensors& tensors) const {
  Description words;
  words.add_weights(linear);
  words.add_result(tensors.buffers[dst], max_code);
  words.add_coarse_steps(coarse_steps);
  return words.take();
}

// The cells of patches [first, first + count), as far apart as the weights are deep. What is between them has weights
// of zero.
void ConvOp::gather_cells(const Execution& e, const Geometry& g, std::int64_t first, std::int64_t count,
                          std::uint8_t* patches) const {
  const std::int64_t across = g.kernel_width * g.cell_bytes;
  const std::int64_t line_bytes = std::int64_t{e.buffer(src).stride} * (of_picture() ? 1 : g.width);
  const auto* codes = e.row<std::uint8_t>(src, 0);
  std::int64_t row = first / (g.right + 1), column = first % (g.right + 1);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t top = row * g.step_down - pad_top, left = column * g.step_right - pad_left;
    std::uint8_t* out = patches + i * linear.k;
    if (top < 0 || top + g.kernel_height > g.height || left < 0 || left + g.kernel_width > g.width) {
      gather_padded(e, g, top, left, out);
    } else {
      const std::uint8_t* in = codes + top * line_bytes + left * g.cell_bytes;
      for (std::int64_t y = 0; y < g.kernel_height; ++y) {
        kernels::copy_bytes(out + y * across, in + y * line_bytes, static_cast<std::size_t>(across));
      }
    }
    if (++column > g.right) column = 0, ++row;
  }
}

// One patch, with cells beyond the grid.
void ConvOp::gather_padded(const Execution& e, const Geometry& g, std::int64_t top, std::int64_t left,
                           std::uint8_t* out) const {
  for (std::int64_t y = top; y < top + g.kernel_height; ++y) {
    for (std::int64_t x = left; x < left + g.kernel_width; ++x, out += g.cell_bytes) {
      const std::uint8_t* cell = y < 0 || y >= g.height || x < 0 || x >= g.width ? e.constant<std::uint8_t>(pad_cell)
                                 : of_picture() ? e.row<std::uint8_t>(src, y) + x * g.cell_bytes
                                                : e.row<std::uint8_t>(src, y * g.width + x);
      kernels::copy_bytes(out, cell, static_cast<std::size_t>(g.cell_columns));
    }
  }
}

void ConvOp::execute(const Execution& e) const {
  const Buffer& to = e.buffer(dst);
  const Geometry g = geometry(e.tensors);
  const std::size_t depth = linear.k;
  const std::int64_t most = most_rows(linear.k);
  auto* patches = static_cast<std::uint8_t*>(e.workspace.scratch);
  std::uint8_t* linear_scratch = patches + align_scratch(static_cast<std::size_t>(most) * depth);
  auto* values = reinterpret_cast<std::int16_t*>(linear_scratch + align_scratch(linear.scratch_bytes()));
  const auto* constants = init == kNone ? nullptr : e.constant<std::int16_t>(init);
  kernels::LinearArgs args = linear_args(linear, e, linear_scratch);
  args.requantizer.multiplier = e.constant<std::int16_t>(linear.multiplier);
  if (of_picture()) args.weights.used = kernels::whole_groups(static_cast<int>(g.patch_bytes()));
  args.src = patches;
  args.src_stride = static_cast<std::ptrdiff_t>(depth);
  args.dst_stride = to.stride;
  args.max_code = static_cast<int>(max_code);
  args.epilogue = to.type == DataType::s16 ? kernels::Epilogue::values : kernels::Epilogue::codes;
  set_coarse_steps(coarse_steps, e.tensors, args);

  const Range rows = e.share(to.rows);
  for (std::int64_t begin = rows.begin; begin < rows.end;) {
    if (begin < prefix) {
      std::memcpy(e.row<std::int16_t>(dst, begin), constants + begin * to.stride, to.stride * sizeof(std::int16_t));
      ++begin;
      continue;
    }
    // Blocks alike, or the last might have all weights read for a row or two; even, as kernels like pairs of rows.
    const std::int64_t left = rows.end - begin;
    const std::int64_t blocks = (left + most - 1) / most;
    const std::int64_t end = std::min(rows.end, begin + (left / blocks + 1) / 2 * 2);
    gather_cells(e, g, begin - prefix, end - begin, patches);
    args.rows = static_cast<int>(end - begin);
    args.dst = e.row_of_any_type(dst, begin);
    if (constants == nullptr) {
      e.kernels.linear->run(args);
    } else {
      add_row_constants(*e.kernels.linear, args, to.type, constants + begin * to.stride, to.stride, values);
    }
    begin = end;
  }
}

}  // namespace intvit
