// Records of the program section: a number of 32-bit fields, to which later versions append. What a file leaves out at
// the end has its default, and what a reader does not know makes it refuse the file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/format/byte_stream.h"
#include "engine/ops/field_visitor.h"
#include "engine/tensors/tensors.h"

namespace intvit {

// Collects the fields of a record.
class FieldList final : public FieldVisitor {
 public:
  void word(std::uint32_t& field) override { fields.push_back(field); }
  std::vector<std::uint32_t> fields;
};

// Reads the first `count` fields; those behind keep their values.
class FieldReader final : public FieldVisitor {
 public:
  FieldReader(ByteReader& reader, std::uint32_t count) : reader_(reader), left_(count) {}
  void word(std::uint32_t& field) override {
    if (left_ == 0) return;
    --left_;
    field = reader_.u32();
  }
  // Fields of the file that the record does not have.
  std::uint32_t left() const { return left_; }

 private:
  ByteReader& reader_;
  std::uint32_t left_;
};

// How many fields have to be written so that those left out are defaults.
inline std::size_t needed_fields(const std::vector<std::uint32_t>& fields, const std::vector<std::uint32_t>& defaults) {
  std::size_t count = fields.size();
  while (count > 0 && fields[count - 1] == defaults[count - 1]) --count;
  return count;
}

// The record types, each with its fields in the order of the file.
struct ConstantRecord {
  DataType type = DataType::u8;
  std::uint32_t offset_low = 0, offset_high = 0, bytes_low = 0, bytes_high = 0;

  void for_each_field(FieldVisitor& v) { v(type), v(offset_low), v(offset_high), v(bytes_low), v(bytes_high); }
};

struct HeadRecord {
  InputGeometry input;

  void for_each_field(FieldVisitor& v) {
    v(input.height), v(input.width), v(input.resize_height), v(input.resize_width), v(input.interpolation);
    v(input.crop_mode);
  }
};

struct BufferRecord {
  Buffer buffer;

  void for_each_field(FieldVisitor& v) { v(buffer.type), v(buffer.rows), v(buffer.columns), v(buffer.stride); }
};

struct PortRecord {
  ProgramPort port;

  void for_each_field(FieldVisitor& v) {
    v(port.kind), v(port.buffer), v(port.first_row), v(port.rows), v(port.mantissa), v(port.exponent), v(port.zero);
    v(port.grid_height), v(port.grid_width);
  }
};

template <typename Record>
std::vector<std::uint32_t> fields_of(Record record) {
  FieldList list;
  record.for_each_field(list);
  return std::move(list.fields);
}

}  // namespace intvit
