// An operation of a program: everything that anybody wants to know of it. What it computes is in docs/arithmetic.md,
// what its fields mean beside them, in a file of its own. A new one is a pair of files and a line in ops.inc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ops/field_visitor.h"
#include "engine/ops/operand.h"
#include "engine/tensors/tensors.h"

namespace intvit {

class Checker;
struct Execution;
struct LinearConstants;

class Operation {
 public:
  virtual ~Operation() = default;

  virtual std::uint32_t op_kind() const = 0;  // in the file
  virtual std::string_view name() const = 0;
  virtual std::unique_ptr<Operation> clone() const = 0;
  // All of them, in the order of the file.
  virtual void for_each_field(FieldVisitor& visit) = 0;

  // The oldest op set that has the values of its fields.
  virtual std::uint32_t op_set() const { return 3; }

  virtual std::vector<Operand> operands() const = 0;
  // Of what it writes in two planes, at most. Asked of operations that nobody has checked.
  virtual std::uint32_t highest_value(const Tensors&) const { return 255; }
  // Everything that execute() relies on. Dimensions of buffers and the picture have been checked before.
  virtual void check(Checker& checker) const = 0;

  // The following are asked of operations that have passed check(), but for row_local_rows().

  // Multiply-accumulates for one picture; 0 for what multiplies no matrices.
  virtual std::uint64_t macs(const Tensors&) const { return 0; }
  virtual const LinearConstants* weights() const { return nullptr; }
  // If row r of what it writes depends on nothing but row r of what it reads: so many rows are split over threads.
  virtual std::uint32_t row_local_rows(const Tensors&) const { return 0; }
  // The same where it holds for so many rows together: a divisor of row_local_rows().
  virtual std::uint32_t row_local_unit() const { return 1; }
  // Of each thread; aligned to kScratchAlignment.
  virtual std::size_t scratch_bytes(const Tensors&) const { return 0; }
  // Its number formats in a few words, "4-bit weights, 16 codes"; empty where there is nothing to say.
  virtual std::string describe(const Tensors&) const { return {}; }

  // The share of one thread. Allocates nothing.
  virtual void execute(const Execution& execution) const = 0;

 protected:
  Operation() = default;
  Operation(const Operation&) = default;
  Operation& operator=(const Operation&) = default;
};

// What follows from T::kKind and T::kName.
template <typename T>
class OperationOf : public Operation {
 public:
  std::uint32_t op_kind() const final { return T::kKind; }
  std::string_view name() const final { return T::kName; }
  std::unique_ptr<Operation> clone() const final { return std::make_unique<T>(static_cast<const T&>(*this)); }
};

}  // namespace intvit
