#include "engine/ops/patch_embed.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "engine/ops/description.h"
#include "engine/ops/scratch.h"
#include "engine/tensors/limits.h"

namespace intvit {
namespace {

// Patches are gathered and multiplied in blocks of at most this many rows.
constexpr int kPatchBlock = 56;
static_assert(kPatchBlock % 2 == 0);

// A row of a patch: some ten bytes, for which a call of memcpy would take longer than they do.
void copy_pixels(const std::uint8_t* src, std::size_t bytes, std::uint8_t* dst) {
  const auto copy = [&](std::size_t first, auto size) { std::memcpy(dst + first, src + first, size); };
  constexpr std::integral_constant<std::size_t, 8> kFew;
  constexpr std::integral_constant<std::size_t, 16> kMany;
  if (bytes < kFew) {
    for (std::size_t i = 0; i < bytes; ++i) dst[i] = src[i];
  } else if (bytes < kMany) {
    copy(0, kFew);
    copy(bytes - kFew, kFew);
  } else {
    for (std::size_t i = 0; i < bytes - kMany; i += kMany) copy(i, kMany);
    copy(bytes - kMany, kMany);
  }
}

// The pixels of patches [first, first + count), `depth` bytes apart. What is between them has weights of zero.
void gather_patches(const PatchEmbedOp& op, const Execution& e, std::int64_t first, std::int64_t count,
                    std::uint8_t* patches) {
  const std::int64_t patch = op.patch, grid_width = e.tensors.input.width / patch, depth = op.linear.k;
  const std::int64_t row_bytes = patch * 3;
  const std::uint32_t stride = e.buffer(op.src).stride;
  std::int64_t row = first / grid_width, column = first % grid_width;
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint8_t* out = patches + i * depth;
    const std::uint8_t* in = e.row<std::uint8_t>(op.src, row * patch) + column * row_bytes;
    for (std::int64_t y = 0; y < patch; ++y) {
      copy_pixels(in + y * stride, static_cast<std::size_t>(row_bytes), out + y * row_bytes);
    }
    if (++column == grid_width) column = 0, ++row;
  }
}

}  // namespace

std::unique_ptr<Operation> make_patch_embed() { return std::make_unique<PatchEmbedOp>(); }

void PatchEmbedOp::check(Checker& c) const {
  const InputGeometry& input = c.tensors().input;
  c.buffer(src, DataType::u8, "src");
  const Buffer* to = c.buffer(dst, DataType::s16, "dst");
  c.require(src == c.tensors().buffer_of(PortKind::picture), "src must be the picture");
  c.require(patch >= 1 && patch <= 128 && input.height % patch == 0 && input.width % patch == 0,
            "patches of " + std::to_string(patch) + " do not divide the input of " + std::to_string(input.height) +
                " x " + std::to_string(input.width));
  if (!c.ok()) return;
  const std::uint32_t patches = input.height / patch * (input.width / patch);
  const std::uint32_t pixels = patch * patch * 3;
  c.require(prefix <= kMaxRows && to->rows == prefix + patches,
            "dst has " + std::to_string(to->rows) + " rows, must have " + std::to_string(prefix + patches));
  c.require(static_cast<int>(linear.k) == kernels::padded_depth(static_cast<int>(pixels)),
            "weights have " + std::to_string(linear.k) + " inputs for patches of " + std::to_string(patch));
  check_linear(c, linear, *to, false, {linear.k, pixels});
  check_coarse_steps(c, coarse_steps, linear.n);
  if (c.ok()) c.constant(token_init, DataType::s16, std::uint64_t{to->rows} * to->stride, "token_init");
}

std::uint64_t PatchEmbedOp::macs(const Tensors& tensors) const {
  const std::uint64_t patches = tensors.buffers[dst].rows - prefix;
  return patches * linear.n * patch * patch * 3;
}

std::size_t PatchEmbedOp::scratch_bytes(const Tensors&) const {
  return align_scratch(std::size_t{kPatchBlock} * linear.k) +
         align_scratch(kernels::linear_scratch_bytes(static_cast<int>(linear.k)));
}

std::string PatchEmbedOp::describe(const Tensors&) const {
  Description words;
  words.add_weights(linear);
  words.add_coarse_steps(coarse_steps);
  return words.take();
}

void PatchEmbedOp::execute(const Execution& e) const {
  const Buffer& to = e.buffer(dst);
  const std::size_t depth = linear.k;
  auto* patches = static_cast<std::uint8_t*>(e.workspace.scratch);
  const auto* init = e.constant<std::int16_t>(token_init);
  kernels::LinearArgs args = linear_args(linear, e, patches + align_scratch(std::size_t{kPatchBlock} * depth));
  args.requantizer.multiplier = e.constant<std::int16_t>(linear.multiplier);
  args.weights.used = kernels::whole_groups(static_cast<int>(patch * patch * 3));
  args.epilogue = kernels::Epilogue::residual;
  args.src = patches;
  args.src_stride = static_cast<std::ptrdiff_t>(depth);
  args.dst_stride = args.residual_stride = to.stride;
  set_coarse_steps(coarse_steps, e.tensors, args);

  const Range rows = e.share(to.rows);
  for (std::int64_t begin = rows.begin; begin < rows.end;) {
    if (begin < prefix) {
      std::memcpy(e.row<std::int16_t>(dst, begin), init + begin * to.stride, to.stride * sizeof(std::int16_t));
      ++begin;
      continue;
    }
    // Blocks alike, or the last might have all weights read for a row or two; even, as kernels like pairs of rows.
    const std::int64_t left = rows.end - begin;
    const std::int64_t blocks = (left + kPatchBlock - 1) / kPatchBlock;
    const std::int64_t end = std::min(rows.end, begin + (left / blocks + 1) / 2 * 2);
    gather_patches(*this, e, begin - prefix, end - begin, patches);
    args.rows = static_cast<int>(end - begin);
    args.dst = e.row<std::int16_t>(dst, begin);
    args.residual = init + begin * to.stride;
    e.kernels.linear->run(args);
    begin = end;
  }
}

}  // namespace intvit
