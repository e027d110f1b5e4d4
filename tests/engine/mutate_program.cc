#include "tests/engine/mutate_program.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "engine/format/layout.h"
#include "engine/ops/linear_constants.h"
#include "kernels/gemm/tiles.h"

namespace intvit::test {
namespace {

constexpr std::uint32_t kEdges[] = {
    0,     1,     2,        3,        4,          5,        7,          8,          9,          12,        14,
    15,    16,    30,       31,       32,         62,       63,         64,         65,         127,       128,
    255,   256,   257,      511,      512,        4095,     4096,       32766,      32767,      32768,     65472,
    65535, 65536, 1u << 18, 1u << 30, 0x7fffffff, 1u << 31, 0xffff8000, 0xffffff80, 0xfffffffe, 0xffffffff};

std::size_t index_below(std::size_t count, Random& random) {
  return static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(count) - 1));
}

template <typename T>
auto& one_of(T& list, Random& random) {
  return list[index_below(std::size(list), random)];
}

std::uint32_t changed(std::uint32_t number, Random& random) {
  switch (random.integer(0, 3)) {
    case 0:
      return one_of(kEdges, random);
    case 1:
      return number + static_cast<std::uint32_t>(random.integer(-2, 2));
    case 2:
      return static_cast<std::uint32_t>(random.integer(0, 300));
    default:
      return random.chance(50) ? number * 2 : number / 2;
  }
}

// Calls change(field) for the field of that number, and counts all.
template <typename Change>
struct FieldAt final : FieldVisitor {
  FieldAt(std::size_t field, Change function) : wanted(field), change(std::move(function)) {}
  void word(std::uint32_t& field) override {
    if (seen++ == wanted) change(field);
  }
  std::size_t wanted, seen = 0;
  Change change;
};

void change_field(TinyProgram& tiny, Random& random) {
  const Program& p = tiny.program;
  Op& op = one_of(tiny.program.steps, random).op;
  FieldAt count(~std::size_t{0}, [](std::uint32_t&) {});
  op->for_each_field(count);
  FieldAt change(index_below(count.seen, random), [&](std::uint32_t& field) {
    const std::size_t ids = random.chance(50) ? p.buffers.size() : p.constants.size();
    field = random.chance(30) ? static_cast<std::uint32_t>(index_below(ids + 1, random)) : changed(field, random);
  });
  op->for_each_field(change);
}

void change_buffer(TinyProgram& tiny, Random& random) {
  Buffer& buffer = one_of(tiny.program.buffers, random);
  std::uint32_t type = static_cast<std::uint32_t>(buffer.type);
  std::uint32_t* const fields[] = {&buffer.rows, &buffer.columns, &buffer.stride, &type};
  std::uint32_t& field = *one_of(fields, random);
  field = changed(field, random);
  buffer.type = static_cast<DataType>(type);
}

// Rows farther apart, which most operations take.
void change_stride(TinyProgram& tiny, Random& random) {
  constexpr std::int64_t kUnits[] = {1, 2, 16, 64, 64, 128};
  const std::int64_t unit = one_of(kUnits, random);
  one_of(tiny.program.buffers, random).stride += static_cast<std::uint32_t>(unit * random.integer(1, 3));
}

template <typename T>
std::vector<T> values_of(const Constant& constant) {
  return {constant.as<T>(), constant.as<T>() + constant.count()};
}

template <typename T>
void set_values(TinyProgram& tiny, ConstantId id, const std::vector<T>& values) {
  tiny.add("", DataType::u8, values);
  tiny.program.constants[id].bytes = tiny.program.constants.back().bytes;
  tiny.program.constants.pop_back();
}

template <typename T>
void change_values(TinyProgram& tiny, ConstantId id, Random& random) {
  std::vector<T> values = values_of<T>(tiny.program.constants[id]);
  if (values.empty()) return;
  using Limits = std::numeric_limits<T>;
  const auto edge = [&]() -> T {
    if (random.chance(50)) return random.chance(50) ? Limits::max() : Limits::min();
    return static_cast<T>(one_of(kEdges, random));
  };
  const T low = edge(), high = edge();
  const std::int64_t many = random.integer(0, 2);  // few, some or all
  for (T& value : values) {
    if (random.chance(many == 0 ? 2 : many == 1 ? 30 : 100)) value = random.chance(50) ? low : high;
  }
  if (many == 0) one_of(values, random) = edge();
  // Mostly within the range of shifts or numbers without a sign, and in order, where they were: many must be.
  const Constant& before = tiny.program.constants[id];
  const T *begin = before.as<T>(), *end = begin + before.count();
  const T range = *std::min_element(begin, end) < 0    ? static_cast<T>(-1)
                  : *std::max_element(begin, end) < 32 ? T{31}
                                                       : Limits::max();
  if (random.chance(80)) {
    for (T& value : values) value = static_cast<T>(value & range);
  }
  if (random.chance(80) && std::is_sorted(begin, end)) std::sort(values.begin(), values.end());
  set_values(tiny, id, values);
}

ConstantId any_constant(const TinyProgram& tiny, Random& random) {
  return static_cast<ConstantId>(index_below(tiny.program.constants.size(), random));
}

void change_constant(TinyProgram& tiny, Random& random) {
  ConstantId id = any_constant(tiny, random);
  // Padding must stay 0: stretch_weights() is about weights.
  while (random.chance(90) && tiny.program.constants[id].name.ends_with(".weight")) id = any_constant(tiny, random);
  switch (tiny.program.constants[id].type) {
    case DataType::u8:
      return change_values<std::uint8_t>(tiny, id, random);
    case DataType::s8:
      return change_values<std::int8_t>(tiny, id, random);
    case DataType::s16:
      return change_values<std::int16_t>(tiny, id, random);
    case DataType::s32:
      return change_values<std::int32_t>(tiny, id, random);
  }
}

void change_size(TinyProgram& tiny, Random& random) {
  const ConstantId id = any_constant(tiny, random);
  std::vector<std::uint8_t> bytes = values_of<std::uint8_t>({"", DataType::u8, tiny.program.constants[id].bytes});
  const std::size_t unit = byte_size(tiny.program.constants[id].type);
  bytes.resize(random.chance(50) ? bytes.size() + unit : bytes.size() - std::min(unit, bytes.size()));
  set_values(tiny, id, bytes);
}

// Every weight but 0 as far from 0 as it can be: either sign, or one for the whole matrix. Padding stays 0.
void stretch_weights(TinyProgram& tiny, Random& random) {
  const LinearConstants* l = one_of(tiny.program.steps, random).op->weights();
  if (l == nullptr || l->tiles >= tiny.program.constants.size()) return;
  const auto n = static_cast<int>(l->n), depth = static_cast<int>(l->k), bits = static_cast<int>(l->bits);
  const Constant& tiles = tiny.program.constants[l->tiles];
  if (l->n > 4096 || l->k > 65536 || l->k % kernels::kDepthPadding != 0 || l->bits < 2 || l->bits > 8 ||
      kernels::tile_bytes(n, depth, bits) != tiles.bytes.size()) {
    return;
  }
  std::vector<std::uint8_t> zeros;
  if (l->has_zero_points()) {
    if (l->zero_points >= tiny.program.constants.size()) return;
    zeros = values_of<std::uint8_t>(tiny.program.constants[l->zero_points]);
    if (zeros.size() < l->n) return;
  }
  std::vector<std::uint8_t> bytes = values_of<std::uint8_t>({"", DataType::u8, tiles.bytes});
  const std::int64_t negative = std::int64_t{50} * random.integer(0, 2);  // per cent
  for (int column = 0; column < n; ++column) {
    for (int k = 0; k < depth; ++k) {
      const bool low = random.chance(static_cast<int>(negative));
      if (bits == 8) {
        std::uint8_t& weight = bytes[kernels::tile_offset(column, k, depth)];
        if (weight != 0) weight = low ? 0x80 : 0x7f;
      } else if (kernels::stored_number(bytes.data(), bits, column, k, depth) !=
                 zeros[static_cast<std::size_t>(column)]) {
        kernels::store_number(bytes.data(), bits, column, k, depth, low ? 0 : (1 << bits) - 1);
      }
    }
  }
  set_values(tiny, l->tiles, bytes);
}

void change_steps(TinyProgram& tiny, Random& random) {
  std::vector<Step>& steps = tiny.program.steps;
  const std::size_t from = index_below(steps.size(), random), to = index_below(steps.size(), random);
  switch (random.integer(0, 2)) {
    case 0:
      std::swap(steps[from], steps[to]);
      break;
    case 1: {
      const Step copy = steps[from];
      steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(to), copy);
      break;
    }
    default:
      if (steps.size() > 1) steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(from));
  }
}

void change_port(TinyProgram& tiny, Random& random) {
  ProgramPort& port = one_of(tiny.program.ports, random);
  std::uint32_t kind = static_cast<std::uint32_t>(port.kind), exponent = static_cast<std::uint32_t>(port.exponent),
                zero = static_cast<std::uint32_t>(port.zero);
  std::uint32_t* const fields[] = {&port.buffer, &port.first_row,   &port.rows,       &port.mantissa, &kind,
                                   &exponent,    &port.grid_height, &port.grid_width, &zero};
  std::uint32_t& field = *one_of(fields, random);
  field = changed(field, random);
  port.kind = static_cast<PortKind>(kind);
  port.exponent = static_cast<std::int32_t>(exponent), port.zero = static_cast<std::int32_t>(zero);
}

void change_input(TinyProgram& tiny, Random& random) {
  InputGeometry& in = tiny.program.input;
  std::uint32_t* const fields[] = {&in.height, &in.width, &in.resize_height, &in.resize_width};
  std::uint32_t& field = *one_of(fields, random);
  field = changed(field, random);
}

struct Mutation {
  const char* what;
  int percent;
  void (*apply)(TinyProgram&, Random&);
};

constexpr Mutation kMutations[] = {
    {"a field", 25, change_field},       {"a buffer", 8, change_buffer}, {"a stride", 12, change_stride},
    {"a constant", 27, change_constant}, {"a size", 3, change_size},     {"weights", 12, stretch_weights},
    {"steps", 8, change_steps},          {"a port", 3, change_port},     {"the input", 2, change_input}};

}  // namespace

std::string mutate_program(TinyProgram& tiny, Random& random) {
  std::int64_t left = random.integer(0, 99);
  for (const Mutation& mutation : kMutations) {
    if ((left -= mutation.percent) >= 0) continue;
    mutation.apply(tiny, random);
    return mutation.what;
  }
  return {};
}

void show_buffers(Program& program) {
  std::vector<bool> shown(program.buffers.size());
  std::vector<BufferId> ids;
  for (const ProgramPort& port : program.ports) {
    if (port.buffer < shown.size()) shown[port.buffer] = true;
  }
  for (const Step& step : program.steps) {
    for (const Operand& operand : step.op->operands()) {
      if (!operand.writes() || operand.buffer >= shown.size() || operand.leaves.planes > 1) continue;
      if (!shown[operand.buffer]) ids.push_back(operand.buffer);
      shown[operand.buffer] = true;
    }
  }
  if (ids.size() + program.ports.size() > kMaxPorts) ids.resize(kMaxPorts - program.ports.size());
  for (const BufferId id : ids) program.add_port("b" + std::to_string(id), PortKind::tokens, id);
}

}  // namespace intvit::test
