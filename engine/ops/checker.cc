#include "engine/ops/checker.h"

#include <algorithm>

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

}  // namespace

bool Checker::require(bool condition, const std::string& complaint) {
  if (ok() && !condition) status_ = Status(Code::corrupt_file, place_ + ": " + complaint);
  return ok();
}

const Buffer* Checker::buffer(BufferId id, DataType type, const char* role) {
  if (!require(id < tensors_.buffers.size(), std::string(role) + " is buffer " + std::to_string(id) + " of " +
                                                 std::to_string(tensors_.buffers.size()))) {
    return nullptr;
  }
  const Buffer& b = tensors_.buffers[id];
  if (!require(b.type == type, std::string(role) + " is " + type_name(b.type) + ", must be " + type_name(type))) {
    return nullptr;
  }
  return &b;
}

const Buffer* Checker::codes_or_values(BufferId dst, std::uint32_t max_code) {
  const bool values = dst < tensors_.buffers.size() && tensors_.buffers[dst].type == DataType::s16;
  require(max_code >= 1 && max_code <= 255, "max_code is " + std::to_string(max_code) + ", must be 1 to 255");
  return buffer(dst, values ? DataType::s16 : DataType::u8, "dst");
}

void Checker::planes(const Buffer& buffer, std::uint32_t planes, const char* role) {
  if (!require(planes == 1 || planes == 2, std::to_string(planes) + " planes, must be 1 or 2")) return;
  require(buffer.stride % planes == 0 && buffer.columns <= buffer.stride / planes,
          std::string(role) + "'s rows do not hold " + std::to_string(planes) + " planes");
}

const Constant* Checker::constant(ConstantId id, DataType type, std::uint64_t count, const char* role) {
  if (!require(id < tensors_.constants.size(), std::string(role) + " is constant " + std::to_string(id) + " of " +
                                                   std::to_string(tensors_.constants.size()))) {
    return nullptr;
  }
  const Constant& c = tensors_.constants[id];
  const bool matches = c.type == type && c.count() == count;
  if (!require(matches, std::string(role) + " '" + c.name + "' is " + std::to_string(c.count()) + " x " +
                            type_name(c.type) + ", must be " + std::to_string(count) + " x " + type_name(type))) {
    return nullptr;
  }
  return &c;
}

template <typename T>
void Checker::within(const Constant* constant, T lowest, T highest, const char* role) {
  if (constant == nullptr || !ok()) return;
  const T* values = constant->as<T>();
  const bool fine =
      std::all_of(values, values + constant->count(), [&](T value) { return value >= lowest && value <= highest; });
  require(fine, std::string(role) + " '" + constant->name + "' has entries outside [" + std::to_string(lowest) + ", " +
                    std::to_string(highest) + "]");
}

template void Checker::within(const Constant*, std::uint8_t, std::uint8_t, const char*);
template void Checker::within(const Constant*, std::int16_t, std::int16_t, const char*);
template void Checker::within(const Constant*, std::int32_t, std::int32_t, const char*);

void Checker::ascending(const Constant* constant, std::size_t lists, const char* role) {
  if (constant == nullptr || !ok()) return;
  const std::size_t length = constant->count() / lists;
  const auto* values = constant->as<std::int16_t>();
  for (std::size_t i = 0; i < lists; ++i) {
    require(std::is_sorted(values + i * length, values + (i + 1) * length),
            std::string(role) + " '" + constant->name + "' do not ascend");
  }
}

}  // namespace intvit
