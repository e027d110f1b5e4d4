// Collects buffers, constants and steps of a program that is being compiled, and the first thing that it cannot have.
#pragma once

#include <cstring>
#include <span>
#include <string>

#include "converter/lower/lower.h"

namespace intvit {

class ProgramBuilder {
 public:
  // Rows are padded to a multiple of 64 elements, as operations that read them as codes expect; `exact` ones are not.
  // Rows of several planes are as many times as long.
  BufferId buffer(DataType type, int rows, int columns, bool exact = false, int planes = 1) {
    Buffer b;
    b.type = type;
    b.rows = static_cast<std::uint32_t>(rows);
    b.columns = static_cast<std::uint32_t>(columns);
    b.stride = exact ? b.columns : (b.columns + 63) / 64 * 64 * static_cast<std::uint32_t>(planes);
    model_.program.buffers.push_back(b);
    return static_cast<BufferId>(model_.program.buffers.size() - 1);
  }
  const Buffer& at(BufferId id) const { return model_.program.buffers[id]; }

  template <typename T>
  ConstantId constant(const std::string& name, DataType type, std::span<const T> values) {
    std::vector<std::uint8_t>& bytes = model_.storage.emplace_back(values.size_bytes());
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    model_.program.constants.push_back({name, type, bytes});
    return static_cast<ConstantId>(model_.program.constants.size() - 1);
  }
  template <typename T>
  ConstantId constant(const std::string& name, DataType type, const std::vector<T>& values) {
    return constant(name, type, std::span<const T>(values));
  }

  // The same, but for one that is there already, whatever its name.
  ConstantId shared_constant(const std::string& name, DataType type, const std::vector<std::int16_t>& values) {
    const std::span<const std::int16_t> wanted(values);
    for (std::size_t i = 0; i < model_.program.constants.size(); ++i) {
      const Constant& c = model_.program.constants[i];
      if (c.type == type && c.bytes.size() == wanted.size_bytes() && !values.empty() &&
          std::memcmp(c.bytes.data(), values.data(), c.bytes.size()) == 0) {
        return static_cast<ConstantId>(i);
      }
    }
    return constant(name, type, wanted);
  }

  void step(const std::string& layer, const Op& op) { model_.program.steps.push_back({layer, op}); }

  // "'layer' needs ...". What is compiled after a failure is never run.
  void fail(const std::string& layer, const Status& status) {
    if (error_.ok()) error_ = Status(status.code(), "'" + layer + "' needs " + status.message());
  }
  const Status& error() const { return error_; }

  Program& program() { return model_.program; }
  LoweredModel take() { return std::move(model_); }

 private:
  LoweredModel model_;
  Status error_;
};

}  // namespace intvit
