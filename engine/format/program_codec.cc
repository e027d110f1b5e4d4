#include "engine/format/program_codec.h"

#include <algorithm>

#include "engine/format/codec_parts.h"
#include "engine/format/layout.h"
#include "engine/format/records.h"
#include "engine/ops/registry.h"

namespace intvit {
namespace {

const std::string kFunction = "main";

std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }
std::uint64_t both(std::uint32_t low, std::uint32_t high) { return low | std::uint64_t{high} << 32; }

// Records of one type, whose lengths are that of the longest.
template <typename Record>
class TableWriter {
 public:
  void add(const Record& record) { add(nullptr, record); }
  void add(const std::string& name, const Record& record) { add(&name, record); }

  void write(ByteWriter& writer) const {
    writer.u32(static_cast<std::uint32_t>(rows_.size()));
    write_rows(writer);
  }
  // Of a table that always has one record.
  void write_rows(ByteWriter& writer) const {
    writer.u32(static_cast<std::uint32_t>(fields_));
    for (const Row& row : rows_) {
      if (row.name != nullptr) writer.string(*row.name);
      for (std::size_t i = 0; i < fields_; ++i) writer.u32(row.fields[i]);
    }
  }

 private:
  struct Row {
    const std::string* name;
    std::vector<std::uint32_t> fields;
  };
  void add(const std::string* name, const Record& record) {
    rows_.push_back({name, fields_of(record)});
    fields_ = std::max(fields_, needed_fields(rows_.back().fields, defaults_));
  }

  const std::vector<std::uint32_t> defaults_ = fields_of(Record());
  std::vector<Row> rows_;
  std::size_t fields_ = 0;
};

void write_step(const Step& step, ByteWriter& writer) {
  FieldList list, defaults;
  Op(step.op)->for_each_field(list);
  // One that the registry does not have leaves nothing out.
  const std::unique_ptr<Operation> fresh = make_operation(step.op->op_kind());
  if (fresh != nullptr) fresh->for_each_field(defaults);
  const std::size_t count = fresh != nullptr ? needed_fields(list.fields, defaults.fields) : list.fields.size();
  writer.string(step.layer);
  writer.u32(step.op->op_kind());
  writer.u32(static_cast<std::uint32_t>(count * sizeof(std::uint32_t)));
  writer.u32(static_cast<std::uint32_t>(count));
  for (std::size_t i = 0; i < count; ++i) writer.u32(list.fields[i]);
}

// Reads a section and remembers the first complaint.
class Decoder {
 public:
  Decoder(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> data) : reader_(bytes), data_(data) {}

  Result<Program> run() {
    const std::uint32_t functions = reader_.u32();
    if (functions > 1) return newer(std::to_string(functions) + " functions, this version runs one");
    if (functions == 0) return damaged("no function", reader_);
    constants();
    function();
    if (!status_.ok()) return status_;
    if (reader_.failed()) return damaged("it ends too early", reader_);
    if (!reader_.at_end()) return damaged("bytes after its end", reader_);
    return std::move(program_);
  }

 private:
  bool going_on() const { return status_.ok() && !reader_.failed(); }

  template <typename Record>
  Record record(std::uint32_t fields) {
    Record record;
    FieldReader reader(reader_, fields);
    record.for_each_field(reader);
    return record;
  }

  // The length of a table's records.
  template <typename Record>
  std::uint32_t fields(const std::string& what) {
    static const auto known = static_cast<std::uint32_t>(fields_of(Record()).size());
    const std::uint32_t fields = reader_.u32();
    if (going_on() && fields > known) {
      status_ = newer(what + " of " + std::to_string(fields) + " fields, this version knows " + std::to_string(known));
    }
    return fields;
  }

  std::uint32_t count(std::uint32_t most, const std::string& what) {
    const std::uint32_t count = reader_.u32();
    if (going_on() && count > most) status_ = damaged(std::to_string(count) + " " + what, reader_);
    return count;
  }

  void constants() {
    const std::uint32_t count = this->count(kMaxConstants, "constants");
    const std::uint32_t fields = this->fields<ConstantRecord>("constants");
    std::vector<ConstantPlace> places;
    for (std::uint32_t i = 0; i < count && going_on(); ++i) {
      Constant constant;
      constant.name = reader_.string(kMaxNameBytes);
      const auto record = this->record<ConstantRecord>(fields);
      constant.type = record.type;
      program_.constants.push_back(std::move(constant));
      places.push_back({both(record.offset_low, record.offset_high), both(record.bytes_low, record.bytes_high)});
    }
    if (going_on()) status_ = set_bytes(places, data_, program_.constants);
  }

  void function() {
    reader_.string(kMaxNameBytes);
    program_.input = record<HeadRecord>(fields<HeadRecord>("a head")).input;
    buffers();
    ports();
    const std::uint32_t count = this->count(kMaxSteps, "steps");
    for (std::uint32_t i = 0; i < count && going_on(); ++i) step(i);
  }

  void buffers() {
    const std::uint32_t count = this->count(kMaxBuffers, "buffers");
    const std::uint32_t fields = this->fields<BufferRecord>("buffers");
    for (std::uint32_t i = 0; i < count && going_on(); ++i) {
      program_.buffers.push_back(record<BufferRecord>(fields).buffer);
    }
  }

  void ports() {
    const std::uint32_t count = this->count(kMaxPorts, "ports");
    const std::uint32_t fields = this->fields<PortRecord>("ports");
    for (std::uint32_t i = 0; i < count && going_on(); ++i) {
      std::string name = reader_.string(kMaxNameBytes);
      ProgramPort port = record<PortRecord>(fields).port;
      port.name = std::move(name);
      if (going_on() && port.kind > PortKind::features) {
        status_ = newer("port '" + port.name + "' is of kind " + std::to_string(static_cast<std::uint32_t>(port.kind)) +
                        ", which this version does not know");
      }
      program_.ports.push_back(std::move(port));
    }
  }

  void step(std::uint32_t i) {
    std::string layer = reader_.string(kMaxNameBytes);
    const std::uint32_t kind = reader_.u32();
    const std::uint32_t bytes = reader_.u32();
    const std::uint32_t count = reader_.u32();
    if (reader_.failed()) return;
    const auto place = [&] { return "step " + std::to_string(i) + " ('" + layer + "') "; };
    if (bytes != std::uint64_t{count} * sizeof(std::uint32_t)) {
      status_ =
          damaged(place() + "has " + std::to_string(count) + " fields in " + std::to_string(bytes) + " bytes", reader_);
      return;
    }
    std::unique_ptr<Operation> operation = make_operation(kind);
    if (operation == nullptr) {
      status_ = newer(place() + "has operation " + std::to_string(kind) + ", which this version does not know");
      return;
    }
    FieldReader fields(reader_, count);
    operation->for_each_field(fields);
    if (fields.left() > 0 && !reader_.failed()) {
      status_ = newer(place() + "has " + std::to_string(count) + " fields, " + std::string(operation->name()) +
                      " in this version " + std::to_string(count - fields.left()));
      return;
    }
    program_.steps.push_back({std::move(layer), Op(std::move(operation))});
  }

  ByteReader reader_;
  std::span<const std::uint8_t> data_;
  Program program_;
  Status status_;
};

}  // namespace

std::uint32_t needed_op_set(const Program& program) {
  std::uint32_t needed = 3;
  for (const Step& step : program.steps) needed = std::max(needed, step.op->op_set());
  return needed;
}

std::vector<std::uint8_t> encode_program(const Program& program, std::span<const std::uint64_t> offsets) {
  ByteWriter writer;
  writer.u32(1);  // functions
  TableWriter<ConstantRecord> constants;
  for (std::size_t i = 0; i < program.constants.size(); ++i) {
    const Constant& c = program.constants[i];
    constants.add(c.name, {c.type, low(offsets[i]), high(offsets[i]), low(c.bytes.size()), high(c.bytes.size())});
  }
  constants.write(writer);
  writer.string(kFunction);
  TableWriter<HeadRecord> head;
  head.add({program.input});
  head.write_rows(writer);
  TableWriter<BufferRecord> buffers;
  for (const Buffer& buffer : program.buffers) buffers.add({buffer});
  buffers.write(writer);
  TableWriter<PortRecord> ports;
  for (const ProgramPort& port : program.ports) ports.add(port.name, {port});
  ports.write(writer);
  writer.u32(static_cast<std::uint32_t>(program.steps.size()));
  for (const Step& step : program.steps) write_step(step, writer);
  return writer.take();
}

Result<Program> decode_program(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> data) {
  return Decoder(bytes, data).run();
}

}  // namespace intvit
