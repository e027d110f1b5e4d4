// Encodings and operations from Intel's Software Developer's Manual, volume 2: ldtilecfg, tilerelease, tilezero,
// tileloadd, tilestored and tdpbusd. All are VEX.128 0F38 W0: C4, two bytes of prefix, opcode, ModRM, and where there
// is memory SIB and displacement.
#include "tests/kernels/tile_emulator.h"

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "kernels/simd/amx_tiles.h"

namespace intvit::test {
namespace {

using kernels::kTileRowBytes;
using kernels::kTileRows;
using kernels::kTiles;
using kernels::TileShapes;

struct Tile {
  int rows, row_bytes;                           // 0: not configured
  std::uint8_t bytes[kTileRows][kTileRowBytes];  // zero beyond its shape
  bool has_shape() const { return rows > 0 && row_bytes > 0; }
};
thread_local Tile tiles[kTiles];

bool configure(const TileShapes& shapes) {
  if (shapes.palette != 1 || shapes.start_row != 0) return false;
  std::memset(tiles, 0, sizeof tiles);
  for (int i = 0; i < kTiles; ++i) {
    if (shapes.rows[i] > kTileRows || shapes.row_bytes[i] > kTileRowBytes) return false;
    tiles[i].rows = shapes.rows[i];
    tiles[i].row_bytes = shapes.row_bytes[i];
  }
  return true;
}

bool zero(Tile& tile) {
  std::memset(tile.bytes, 0, sizeof tile.bytes);
  return tile.has_shape();
}

bool load(Tile& tile, const std::uint8_t* rows, std::ptrdiff_t stride) {
  if (!zero(tile)) return false;
  for (int r = 0; r < tile.rows; ++r) {
    std::memcpy(tile.bytes[r], rows + r * stride, static_cast<std::size_t>(tile.row_bytes));
  }
  return true;
}

bool store(const Tile& tile, std::uint8_t* rows, std::ptrdiff_t stride) {
  if (!tile.has_shape()) return false;
  for (int r = 0; r < tile.rows; ++r) {
    std::memcpy(rows + r * stride, tile.bytes[r], static_cast<std::size_t>(tile.row_bytes));
  }
  return true;
}

// Optimised in every build: a call is 16384 products.
#ifdef __clang__
__attribute__((no_sanitize("address", "undefined")))
#else
__attribute__((optimize("O3"), no_sanitize("address", "undefined")))
#endif
bool dot_u8s8(Tile& sums, const Tile& codes, const Tile& weights) {
  if (!sums.has_shape() || !codes.has_shape() || !weights.has_shape()) return false;
  if (&sums == &codes || &sums == &weights || &codes == &weights) return false;
  if (sums.rows != codes.rows || sums.row_bytes != weights.row_bytes || codes.row_bytes != 4 * weights.rows) {
    return false;
  }
  for (int r = 0; r < sums.rows; ++r) {
    std::uint32_t row[kTileRowBytes / 4];
    std::memcpy(row, sums.bytes[r], sizeof row);
    for (int k = 0; k < codes.row_bytes; ++k) {
      for (int c = 0; c < sums.row_bytes / 4; ++c) {
        const int weight = static_cast<std::int8_t>(weights.bytes[k / 4][4 * c + k % 4]);
        row[c] += static_cast<std::uint32_t>(codes.bytes[r][k] * weight);
      }
    }
    std::memcpy(sums.bytes[r], row, sizeof row);
  }
  return true;
}

std::uint64_t register_of(const greg_t* registers, int number) {
  constexpr int kGregs[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return static_cast<std::uint64_t>(registers[kGregs[number]]);
}

// One instruction, as far as the six need it.
struct Instruction {
  enum Prefix { kNone, k66, kF3, kF2 };
  Prefix prefix;
  int opcode;
  int reg, rm, vvvv;
  bool has_memory;
  bool has_index;  // SIB, of which tileloadd and tilestored take the index for the stride
  std::uint64_t address, stride;
  std::size_t length;
};

std::optional<Instruction> decode(const std::uint8_t* code, const greg_t* registers) {
  constexpr int kMap0f38 = 2;
  if (code[0] != 0xc4 || (code[1] & 31) != kMap0f38) return std::nullopt;
  const bool wide = (code[2] & 0x80) != 0, long_vector = (code[2] & 4) != 0;
  if (wide || long_vector) return std::nullopt;
  const int high_index = (code[1] & 0x40) == 0 ? 8 : 0, high_base = (code[1] & 0x20) == 0 ? 8 : 0;  // stored inverted
  Instruction i{};
  i.prefix = static_cast<Instruction::Prefix>(code[2] & 3);
  i.vvvv = ~code[2] >> 3 & 15;
  i.opcode = code[3];
  const int mod = code[4] >> 6;
  i.reg = (code[4] >> 3 & 7) + ((code[1] & 0x80) == 0 ? 8 : 0);
  i.rm = code[4] & 7;
  std::size_t at = 5;
  i.has_memory = mod != 3;
  if (i.has_memory) {
    int base = i.rm;
    i.has_index = i.rm == 4;
    if (i.has_index) {
      const std::uint8_t sib = code[at++];
      const int index = (sib >> 3 & 7) + high_index;
      i.stride = index == 4 ? 0 : register_of(registers, index) << (sib >> 6);
      base = sib & 7;
    }
    const bool no_base = mod == 0 && base == 5;  // rip for ModRM alone, nothing for SIB
    std::int32_t displacement = 0;
    if (mod == 1) {
      displacement = static_cast<std::int8_t>(code[at++]);
    } else if (mod == 2 || no_base) {
      std::memcpy(&displacement, code + at, sizeof displacement);
      at += sizeof displacement;
    }
    const std::uint64_t start = !no_base       ? register_of(registers, base + high_base)
                                : !i.has_index ? reinterpret_cast<std::uintptr_t>(code) + at
                                               : 0;
    i.address = start + static_cast<std::uint64_t>(std::int64_t{displacement});
  }
  i.length = at;
  return i;
}

// Whether it is one of the six, and had nothing to refuse.
bool execute(const Instruction& i) {
  // Memory that the program gave by address only.
  auto* const memory = reinterpret_cast<std::uint8_t*>(i.address);  // NOLINT(performance-no-int-to-ptr)
  const auto stride = static_cast<std::ptrdiff_t>(i.stride);
  if (i.reg >= kTiles) return false;
  Tile& tile = tiles[i.reg];
  switch (i.opcode) {
    case 0x49:
      if (i.prefix == Instruction::kF2) return !i.has_memory && i.rm == 0 && zero(tile);
      if (i.prefix != Instruction::kNone || i.reg != 0) return false;
      if (i.has_memory) {
        TileShapes shapes;
        std::memcpy(&shapes, memory + i.stride, sizeof shapes);
        return configure(shapes);
      }
      std::memset(tiles, 0, sizeof tiles);
      return i.rm == 0;
    case 0x4b:
      if (!i.has_index) return false;
      if (i.prefix == Instruction::kF2) return load(tile, memory, stride);
      return i.prefix == Instruction::kF3 && store(tile, memory, stride);
    case 0x5e:
      if (i.prefix != Instruction::k66 || i.has_memory || i.vvvv >= kTiles) return false;
      return dot_u8s8(tile, tiles[i.rm], tiles[i.vvvv]);
    default:
      return false;
  }
}

struct sigaction previous;

// Does the instruction that raised the signal, and all of the six that follow it at once: signals are slow.
void on_illegal_instruction(int, siginfo_t*, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  for (int done = 0;; ++done) {
    const auto* code = reinterpret_cast<const std::uint8_t*>(registers[REG_RIP]);  // NOLINT(performance-no-int-to-ptr)
    const std::optional<Instruction> instruction = decode(code, registers);
    if (!instruction || !execute(*instruction)) {
      // Tried again, it is reported by whoever reports crashes.
      if (done == 0) sigaction(SIGILL, &previous, nullptr);
      return;
    }
    registers[REG_RIP] += static_cast<greg_t>(instruction->length);
  }
}

}  // namespace

void emulate_tiles() {
  struct sigaction action {};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_SIGINFO;
  struct sigaction before {};
  sigaction(SIGILL, &action, &before);
  if ((before.sa_flags & SA_SIGINFO) == 0 || before.sa_sigaction != on_illegal_instruction) previous = before;
}

}  // namespace intvit::test
