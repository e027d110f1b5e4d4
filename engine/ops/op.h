// Any operation as a value: a copy of an Op has an operation of its own.
#pragma once

#include <concepts>
#include <memory>
#include <utility>

#include "engine/ops/operation.h"

namespace intvit {

class Op {
 public:
  template <std::derived_from<Operation> T>
  Op(const T& operation)  // NOLINT: implicit on purpose, as in `steps.push_back({layer, linear})`
      : operation_(operation.clone()) {}
  // Not null.
  explicit Op(std::unique_ptr<Operation> operation) : operation_(std::move(operation)) {}
  Op(const Op& other) : operation_(other.operation_->clone()) {}
  Op(Op&&) noexcept = default;
  Op& operator=(Op other) noexcept {
    operation_ = std::move(other.operation_);
    return *this;
  }

  const Operation* operator->() const { return operation_.get(); }
  Operation* operator->() { return operation_.get(); }

  // Null if it is another operation.
  template <typename T>
  const T* as() const {
    return dynamic_cast<const T*>(operation_.get());
  }
  template <typename T>
  T* as() {
    return dynamic_cast<T*>(operation_.get());
  }

 private:
  std::unique_ptr<Operation> operation_;  // null when moved from
};

}  // namespace intvit
