// Errors as values. Everything that can fail because of a file, a user or the machine returns a Status or a
// Result<T>; the message is one line that says what failed, with which value, what is allowed and what to do.
// Kernels do not use these: they are noexcept and their callers have checked everything.
#pragma once

#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "intvit/rules.h"

namespace intvit {

enum class Code {
  ok = 0,
  invalid_argument,  // the caller passed something that can never work
  not_found,         // a file or name does not exist
  io,                // the operating system refused to read or write
  corrupt_file,      // a file that is damaged, truncated or not what it claims to be
  unsupported,       // valid, but this version cannot do it
  unsupported_cpu,   // this CPU lacks what was asked for
  out_of_memory,
  check_failed,  // a verification did not hold
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::ok; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  Code code_ = Code::ok;
  std::string message_;
};

// Memory is short, perhaps too short for the text that `describe` would make.
template <typename Describe>
Status no_memory(const Describe& describe) noexcept {
  try {
    return {Code::out_of_memory, describe()};
  } catch (const std::bad_alloc&) {
    return {Code::out_of_memory, "out of memory"};  // so short that no string needs the heap for it
  }
}

// Either a value or the reason why there is none. value(), and take(), which moves it out, are for after ok(): without
// a value they end the process. A Result that was moved from, or whose value was taken, is not ok() any more.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit on purpose, as in `return model;`
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: implicit on purpose, as in `return error;`
  Result(Code code, std::string message) : status_(code, std::move(message)) {}

  Result(const Result&) = default;
  Result& operator=(const Result&) = default;
  Result(Result&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : value_(std::move(other.value_)), status_(std::move(other.status_)) {
    other.leave();
  }
  Result& operator=(Result&& other) noexcept(
      std::is_nothrow_move_constructible_v<T>&& std::is_nothrow_move_assignable_v<T>) {
    if (this == &other) return *this;
    value_ = std::move(other.value_);
    status_ = std::move(other.status_);
    other.leave();
    return *this;
  }
  ~Result() = default;

  bool ok() const { return value_.has_value(); }
  // Why there is no value; ok() where there is one.
  const Status& status() const { return status_; }
  T& value() { return require_value("Result::value()"), *value_; }
  const T& value() const { return require_value("Result::value()"), *value_; }
  T take() {
    require_value("Result::take()");
    T value = std::move(*value_);
    leave();
    return value;
  }

 private:
  static constexpr const char* kMoved = "moved from";  // so short that no string needs the heap for it

  void leave() {
    value_.reset();
    status_ = Status(Code::invalid_argument, kMoved);
  }
  void require_value(const char* function) const {
    if (value_.has_value()) return;
    const bool moved = status_.message() == kMoved;
    rules::broken(
        (std::string(function) + (moved ? " needs a value, and this one was moved out before"
                                        : " needs a value; ask ok() first. The error was: " + status_.message()))
            .c_str());
  }

  std::optional<T> value_;
  Status status_;
};

}  // namespace intvit
