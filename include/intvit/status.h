// Errors as values. Everything that can fail because of a file, a user or the machine returns a Status or a
// Result<T>; the message is one line that says what failed, with which value, what is allowed and what to do.
// Kernels do not use these: they are noexcept and their callers have checked everything.
#pragma once

#include <optional>
#include <string>
#include <utility>

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

// Either a value or the reason why there is none. value(), and take(), which moves it out, are for after ok().
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit on purpose, as in `return model;`
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: implicit on purpose, as in `return error;`
  Result(Code code, std::string message) : status_(code, std::move(message)) {}

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() { return *value_; }
  const T& value() const { return *value_; }
  T take() { return std::move(*value_); }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace intvit
