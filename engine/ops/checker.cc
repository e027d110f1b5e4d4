#include "engine/ops/checker.h"

#include <algorithm>
#include <numeric>

#include "engine/ops/extremes.h"

namespace intvit {
namespace {

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

// The greatest common divisor of all places of entries that are less than the one before; 0 if there are none. Lists of
// a length ascend if such places are beginnings of lists only, thus if the length divides it.
struct Descents {
  std::size_t divisor;
};

Descents descents(const Constant& constant) {
  const auto values = constant.values<std::int16_t>();
  std::size_t divisor = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (values[i] < values[i - 1]) divisor = std::gcd(divisor, i);
  }
  return {divisor};
}

}  // namespace

bool Checker::require(bool condition, const std::string& complaint) {
  if (ok() && !condition) status_ = Status(Code::corrupt_file, place_() + ": " + complaint);
  return ok();
}

const Buffer* Checker::buffer(BufferId id, DataType type, const char* role) {
  const std::size_t buffers = tensors_.buffers.size();
  const auto missing = [&] {
    return std::string(role) + " is buffer " + std::to_string(id) + " of " + std::to_string(buffers);
  };
  if (!require(id < buffers, missing)) return nullptr;
  const Buffer& b = tensors_.buffers[id];
  const auto other = [&] { return std::string(role) + " is " + type_name(b.type) + ", must be " + type_name(type); };
  if (!require(b.type == type, other)) return nullptr;
  return &b;
}

const Buffer* Checker::codes_or_values(BufferId dst, std::uint32_t max_code) {
  const bool values = dst < tensors_.buffers.size() && tensors_.buffers[dst].type == DataType::s16;
  require(max_code >= 1 && max_code <= 255,
          [&] { return "max_code is " + std::to_string(max_code) + ", must be 1 to 255"; });
  return buffer(dst, values ? DataType::s16 : DataType::u8, "dst");
}

void Checker::planes(const Buffer& buffer, std::uint32_t planes, const char* role) {
  if (!require(planes == 1 || planes == 2, std::to_string(planes) + " planes, must be 1 or 2")) return;
  require(buffer.stride % planes == 0 && buffer.columns <= buffer.stride / planes,
          std::string(role) + "'s rows do not hold " + std::to_string(planes) + " planes");
}

const Constant* Checker::constant(ConstantId id, DataType type, std::uint64_t count, const char* role) {
  const std::size_t constants = tensors_.constants.size();
  const auto missing = [&] {
    return std::string(role) + " is constant " + std::to_string(id) + " of " + std::to_string(constants);
  };
  if (!require(id < constants, missing)) return nullptr;
  const Constant& c = tensors_.constants[id];
  const auto other = [&] {
    return std::string(role) + " '" + c.name + "' is " + std::to_string(c.count()) + " x " + type_name(c.type) +
           ", must be " + std::to_string(count) + " x " + type_name(type);
  };
  if (!require(c.type == type && c.count() == count, other)) return nullptr;
  return &c;
}

template <typename T>
void Checker::within(const Constant* constant, T lowest, T highest, const char* role) {
  if (constant == nullptr || !ok() || constant->count() == 0) return;
  const auto& found = facts().of<Extremes<T>>(*constant, [&] { return extremes(constant->values<T>()); });
  require(found.lowest >= lowest && found.highest <= highest, [&] {
    return std::string(role) + " '" + constant->name + "' has entries outside [" + std::to_string(lowest) + ", " +
           std::to_string(highest) + "]";
  });
}

template void Checker::within(const Constant*, std::uint8_t, std::uint8_t, const char*);
template void Checker::within(const Constant*, std::int16_t, std::int16_t, const char*);
template void Checker::within(const Constant*, std::int32_t, std::int32_t, const char*);

template <typename T>
std::int64_t Checker::magnitude(const Constant& constant) {
  const auto& found = facts().of<Extremes<T>>(constant, [&] { return extremes(constant.values<T>()); });
  return std::max(-std::int64_t{found.lowest}, std::int64_t{found.highest});
}

template std::int64_t Checker::magnitude<std::uint8_t>(const Constant&);
template std::int64_t Checker::magnitude<std::int32_t>(const Constant&);

std::int16_t Checker::largest(const Constant& constant) {
  return facts()
      .of<Extremes<std::int16_t>>(constant, [&] { return extremes(constant.values<std::int16_t>()); })
      .highest;
}

void Checker::ascending(const Constant* constant, std::size_t lists, const char* role) {
  if (constant == nullptr || !ok()) return;
  const std::size_t length = constant->count() / lists;
  const auto& found = facts().of<Descents>(*constant, [&] { return descents(*constant); });
  require(found.divisor % length == 0, std::string(role) + " '" + constant->name + "' do not ascend");
}

}  // namespace intvit
