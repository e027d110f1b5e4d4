#include "tests/engine/plain_linear.h"

#include <algorithm>

#include "kernels/activation/gated_activation_law.h"
#include "kernels/gemm/linear_law.h"
#include "kernels/gemm/tiles.h"

namespace intvit::test {
namespace {

using Numbers = std::vector<std::int32_t>;

std::int32_t weight(const LinearConstants& l, const PlainMemory& memory, std::uint32_t output, std::uint32_t input) {
  const int column = static_cast<int>(output), k = static_cast<int>(input), depth = static_cast<int>(l.k);
  if (l.bits == 8) return memory.numbers<std::int8_t>(l.tiles)[kernels::tile_offset(column, k, depth)];
  const int number =
      kernels::stored_number(memory.numbers<std::uint8_t>(l.tiles), static_cast<int>(l.bits), column, k, depth);
  return 16 * (number - memory.numbers<std::uint8_t>(l.zero_points)[output]);
}

// Of a row of the source and the weights' inputs 0, 1, ...
std::int32_t sum(const LinearConstants& l, const PlainMemory& memory, const Numbers& row, std::uint32_t output) {
  std::int64_t sum = 0;
  for (std::uint32_t k = 0; k < row.size(); ++k) sum += std::int64_t{row[k]} * weight(l, memory, output, k);
  return static_cast<std::int32_t>(sum);
}

std::int16_t requantized(const LinearConstants& l, const PlainMemory& memory, const Numbers& row, std::uint32_t c) {
  return kernels::requantize(sum(l, memory, row, c), memory.numbers<std::int32_t>(l.bias)[c],
                             memory.numbers<std::uint8_t>(l.shift)[c], memory.numbers<std::int16_t>(l.multiplier)[c]);
}

std::int32_t added(std::int32_t stream, std::int32_t x, const CoarseSteps& steps, const PlainMemory& memory,
                   std::uint32_t c) {
  const std::int16_t result = kernels::saturate_s16(stream + x);
  if (!steps.any()) return result;
  return kernels::to_grid(result, memory.numbers<std::int16_t>(steps.power)[c],
                          memory.numbers<std::int16_t>(steps.unit)[c], static_cast<std::int16_t>(steps.limit));
}

// Inputs as the weights have them: where several rows are one, each with its padding.
Numbers linear_row(const LinearOp& op, const PlainMemory& memory, std::uint32_t r) {
  const Buffer& src = memory.program.buffers[op.src];
  const std::uint32_t pieces = src.rows / memory.program.buffers[op.dst].rows;
  Numbers row(op.linear.k);
  for (std::uint32_t piece = 0; piece < pieces; ++piece) {
    for (std::uint32_t c = 0; c < std::min(src.columns, op.linear.k); ++c) {
      // Whoever reads one plane of two sees the low bytes.
      const std::int32_t value = memory.at(op.src, r * pieces + piece, c);
      row[piece * src.stride + c] = op.planes == 2 ? value : value & 255;
    }
  }
  if (op.aside == kNone) return row;
  // Whole values in the place of codes.
  const std::uint32_t most = (memory.program.buffers[op.aside].columns - 1) / 2;
  for (std::uint32_t i = 0; i < std::min(most, std::uint32_t{static_cast<std::uint16_t>(memory.at(op.aside, r, 0))});
       ++i) {
    const auto column = static_cast<std::uint16_t>(memory.at(op.aside, r, 1 + i));
    // Where others than encode have written lists, columns may be anything.
    if (column < std::min(src.columns, op.linear.k)) row[column] += memory.at(op.aside, r, 1 + most + i);
  }
  return row;
}

// The cells below the kernel with its corner at (top, left), which may lie outside.
Numbers conv_row(const ConvOp& op, const PlainMemory& memory, std::int64_t top, std::int64_t left) {
  const Program& p = memory.program;
  const bool picture = op.height == 0;
  const std::int64_t height = picture ? p.input.height : op.height, width = picture ? p.input.width : op.width;
  const std::uint32_t columns = picture ? 3 : p.buffers[op.src].columns;
  const std::uint32_t stride = picture ? 3 : p.buffers[op.src].stride;
  Numbers row;
  for (std::int64_t y = top; y < top + op.kernel; ++y) {
    for (std::int64_t x = left; x < left + (op.kernel_width != 0 ? op.kernel_width : op.kernel); ++x) {
      for (std::uint32_t c = 0; c < stride; ++c) {
        if (c >= columns) {
          row.push_back(0);
        } else if (y < 0 || y >= height || x < 0 || x >= width) {
          row.push_back(memory.numbers<std::uint8_t>(op.pad_cell)[c]);
        } else if (picture) {
          row.push_back(memory.at(op.src, static_cast<std::uint32_t>(y), static_cast<std::uint32_t>(x) * 3 + c));
        } else {
          row.push_back(memory.at(op.src, static_cast<std::uint32_t>(y * width + x), c));
        }
      }
    }
  }
  return row;
}

}  // namespace

std::int32_t PlainMemory::result(BufferId dst, std::int32_t value, std::uint32_t max_code) const {
  const bool values = program.buffers[dst].type == DataType::s16;
  return values ? value : std::clamp(value, 0, static_cast<std::int32_t>(max_code));
}

void execute_plainly(const ConvOp& op, const PlainMemory& memory) {
  const Buffer& dst = memory.program.buffers[op.dst];
  const std::int64_t width = op.height == 0 ? memory.program.input.width : op.width;
  const std::int64_t kernel_width = op.kernel_width != 0 ? op.kernel_width : op.kernel;
  const std::int64_t down = op.stride != 0 ? op.stride : op.kernel, right = op.stride != 0 ? op.stride : kernel_width;
  const std::int64_t across = (width + op.pad_left + op.pad_right - kernel_width) / right + 1;
  for (std::uint32_t t = 0; t < dst.rows; ++t) {
    Numbers cells;
    if (t >= op.prefix) {
      const std::int64_t place = t - op.prefix;
      cells = conv_row(op, memory, place / across * down - op.pad_top, place % across * right - op.pad_left);
    }
    for (std::uint32_t c = 0; c < dst.columns; ++c) {
      const std::int32_t init =
          op.init == kNone ? 0 : memory.numbers<std::int16_t>(op.init)[std::size_t{t} * dst.stride + c];
      const std::int32_t value =
          cells.empty() ? init : added(init, requantized(op.linear, memory, cells, c), op.coarse_steps, memory, c);
      memory.at(op.dst, t, c) = memory.result(op.dst, value, op.max_code);
    }
  }
}

void execute_plainly(const LinearOp& op, const PlainMemory& memory) {
  const Buffer& dst = memory.program.buffers[op.dst];
  const LinearConstants& l = op.linear;
  for (std::uint32_t r = 0; r < dst.rows; ++r) {
    const Numbers row = linear_row(op, memory, r);
    for (std::uint32_t c = 0; c < dst.columns; ++c) {
      std::int32_t& out = memory.at(op.dst, r, c);
      if (op.kind == kernels::Epilogue::logits) {
        out = kernels::scale_logit(sum(l, memory, row, c), memory.numbers<std::int32_t>(l.bias)[c],
                                   memory.numbers<std::int32_t>(l.multiplier)[c],
                                   memory.numbers<std::uint8_t>(l.shift)[c]);
        continue;
      }
      std::int16_t x = requantized(l, memory, row, c);
      if (op.kind == kernels::Epilogue::residual) {
        out = added(out, x, op.coarse_steps, memory, c);
        continue;
      }
      if (op.kind == kernels::Epilogue::activation) {
        const std::int16_t* table = memory.numbers<std::int16_t>(op.activation);
        x = kernels::activate_value(
            x,
            {table, table + kernels::kActivationSegments, static_cast<int>(op.activation_segment_bits),
             static_cast<std::int16_t>(op.activation_multiplier), static_cast<std::int16_t>(op.activation_zero_point)});
      }
      if (op.init != kNone) {
        x = kernels::saturate_s16(x + memory.numbers<std::int16_t>(op.init)[std::size_t{r} * dst.stride + c]);
      }
      out = memory.result(op.dst, x, op.max_code);
    }
  }
}

void execute_plainly(const GatherOp& op, const PlainMemory& memory) {
  const std::uint32_t columns = memory.program.buffers[op.src].columns;
  for (std::uint32_t r = 0; r < memory.program.buffers[op.dst].rows; ++r) {
    for (std::uint32_t c = 0; c < op.join * columns; ++c) {
      const std::int32_t row = memory.numbers<std::int32_t>(op.map)[r * op.join + c / columns];
      memory.at(op.dst, r, c) =
          row < 0 ? static_cast<std::int32_t>(op.pad) : memory.at(op.src, static_cast<std::uint32_t>(row), c % columns);
    }
  }
}

}  // namespace intvit::test
