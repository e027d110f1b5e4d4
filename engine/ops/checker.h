// What the checks of all operations share: the first complaint, and buffers and constants that are looked up and found
// to be what an operation needs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/ops/constant_facts.h"
#include "engine/ops/operand.h"
#include "engine/tensors/tensors.h"
#include "intvit/status.h"

namespace intvit {

// Collects the first complaint; the checks after it are skipped.
class Checker {
 public:
  // `place` begins every complaint. `contents` are of all buffers; `facts` may be null where no constant is looked
  // into.
  Checker(const Tensors& tensors, const std::vector<BufferContents>& contents, std::string place,
          ConstantFacts* facts = nullptr)
      : Checker(
            tensors, contents, [place = std::move(place)] { return place; }, facts) {}
  // place() makes the text, if there is a complaint.
  Checker(const Tensors& tensors, const std::vector<BufferContents>& contents, std::function<std::string()> place,
          ConstantFacts* facts)
      : tensors_(tensors), contents_(contents), place_(std::move(place)), facts_(facts) {}

  bool ok() const { return status_.ok(); }
  Status take() { return std::move(status_); }
  const Tensors& tensors() const { return tensors_; }
  // Of a buffer that exists: what all operations that write it leave in it, whichever of them ran last.
  const BufferContents& contents(BufferId id) const { return contents_[id]; }

  // What checks look into constants by, so that none is read once a step.
  ConstantFacts& facts() { return *facts_; }

  bool require(bool condition, const std::string& complaint);
  bool require(bool condition, const char* complaint) {
    return condition ? ok() : require(false, std::string(complaint));
  }
  // complaint() makes the text, if it is needed: for the many checks that each buffer, constant and entry goes through.
  template <typename Complaint>
  requires std::is_invocable_v<Complaint>
  bool require(bool condition, Complaint complaint) { return condition ? ok() : require(false, complaint()); }

  // The buffer if it exists and has this type, else null.
  const Buffer* buffer(BufferId id, DataType type, const char* role);
  // Where codes or values are made: the buffer's type tells which.
  const Buffer* codes_or_values(BufferId dst, std::uint32_t max_code);
  // Rows of a buffer in `planes` planes of bytes.
  void planes(const Buffer& buffer, std::uint32_t planes, const char* role);

  // The constant if it exists and has this type and so many entries, else null.
  const Constant* constant(ConstantId id, DataType type, std::uint64_t count, const char* role);
  // All entries are in [lowest, highest]. T is u8, s16 or s32, the constant's type. Null: already complained about.
  template <typename T>
  void within(const Constant* constant, T lowest, T highest, const char* role);
  // The largest |entry| of a constant that is not empty.
  template <typename T>
  std::int64_t magnitude(const Constant& constant);
  // The largest entry of an s16 constant, which is not empty.
  std::int16_t largest(const Constant& constant);
  // An s16 constant is so many lists of equal length, and in each no entry is less than the one before it.
  void ascending(const Constant* constant, std::size_t lists, const char* role);

 private:
  const Tensors& tensors_;
  const std::vector<BufferContents>& contents_;
  std::function<std::string()> place_;
  ConstantFacts* facts_;
  Status status_;
};

}  // namespace intvit
