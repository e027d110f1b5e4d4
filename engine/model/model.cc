#include "intvit/model.h"

#include <algorithm>
#include <cstring>

#include "engine/format/checksum.h"
#include "engine/format/codec_parts.h"
#include "engine/format/layout.h"
#include "engine/format/mapped_file.h"
#include "engine/format/metadata.h"
#include "engine/format/program_codec.h"
#include "engine/format/program_codec_2.h"
#include "engine/program/memory_plan.h"
#include "engine/program/validate.h"
#include "engine/tensors/limits.h"

namespace intvit {
namespace {

struct Sections {
  std::span<const std::uint8_t> contents[kSectionCount];
  std::uint64_t digest = 0;
  std::uint32_t op_set = 0;
};

Status corrupt(const std::string& message) { return {Code::corrupt_file, message}; }

Result<Sections> find_sections(std::span<const std::uint8_t> bytes) {
  FileHeader header;
  if (bytes.size() < kMagic.size() || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return corrupt("not an intvit model (its first bytes are not INTVIT)");
  }
  if (bytes.size() < sizeof header) return corrupt("truncated: " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.container_major != kContainerMajor) {
    return Status(Code::unsupported, "container version " + std::to_string(header.container_major) +
                                         ", this build reads version " + std::to_string(kContainerMajor) +
                                         "; convert the checkpoint again or use the matching release");
  }
  if (header.op_set > kOpSet) {
    return newer("op set " + std::to_string(header.op_set) + ", this build runs op sets " +
                 std::to_string(kOldestOpSet) + " to " + std::to_string(kOpSet));
  }
  if (header.op_set < kOldestOpSet) {
    return Status(Code::unsupported, "op set " + std::to_string(header.op_set) + ", this build runs op sets " +
                                         std::to_string(kOldestOpSet) + " to " + std::to_string(kOpSet) +
                                         "; convert the checkpoint again");
  }
  if (header.file_size != bytes.size()) {
    return corrupt("it should have " + std::to_string(header.file_size) + " bytes but has " +
                   std::to_string(bytes.size()) + "; copy or convert it again");
  }
  const std::uint64_t table_bytes = std::uint64_t{header.section_count} * sizeof(SectionRecord);
  if (header.section_count < 1 || header.section_count > kMaxSections || table_bytes > bytes.size() - sizeof header) {
    return corrupt(std::to_string(header.section_count) + " sections");
  }
  const auto table = bytes.subspan(sizeof header, table_bytes);
  if (checksum64(table) != header.section_table_checksum) return corrupt("the section table's checksum is wrong");

  Sections sections;
  sections.digest = header.section_table_checksum;
  sections.op_set = header.op_set;
  bool found[kSectionCount] = {};
  std::uint64_t end_of_last = sizeof header + table_bytes;
  for (std::uint32_t i = 0; i < header.section_count; ++i) {
    SectionRecord record;
    std::memcpy(&record, table.data() + i * sizeof record, sizeof record);
    if (record.offset % kSectionAlignment != 0 || record.offset < end_of_last || record.offset > bytes.size() ||
        record.size > bytes.size() - record.offset) {
      return corrupt("section " + std::to_string(record.id) + " lies outside the file or over another one");
    }
    end_of_last = record.offset + record.size;
    if (record.id < 1 || record.id > kSectionCount) continue;  // of a newer minor version
    const auto contents = bytes.subspan(record.offset, record.size);
    if (checksum64(contents) != record.checksum) {
      return corrupt("section " + std::to_string(record.id) +
                     " is damaged (its checksum is wrong); copy or convert it again");
    }
    if (found[record.id - 1]) return corrupt("section " + std::to_string(record.id) + " appears twice");
    found[record.id - 1] = true;
    sections.contents[record.id - 1] = contents;
  }
  for (std::uint32_t i = 0; i < kSectionCount; ++i) {
    if (!found[i]) return corrupt("section " + std::to_string(i + 1) + " is missing");
  }
  if (sections.contents[0].size() > kMaxMetadataBytes || sections.contents[1].size() > kMaxProgramBytes) {
    return corrupt("the metadata or program section is too large");
  }
  return sections;
}

// A message is one line, whatever names the file has.
std::string without_control_characters(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::vector<Port> outputs_of(const Program& program) {
  std::vector<Port> outputs;
  for (const ProgramPort& from : program.ports) {
    if (from.kind == PortKind::picture) continue;
    const Buffer& buffer = program.buffers[from.buffer];
    Port port;
    port.name = from.name;
    port.kind = from.kind;
    port.type = buffer.type;
    port.rows = static_cast<int>(from.rows);
    port.columns = static_cast<int>(buffer.columns);
    port.grid_height = static_cast<int>(from.grid_height);
    port.grid_width = static_cast<int>(from.grid_width);
    port.zero = from.zero;
    port.mantissa = from.mantissa;
    port.exponent = from.exponent;
    outputs.push_back(std::move(port));
  }
  return outputs;
}

}  // namespace

struct Model::Impl {
  std::unique_ptr<MappedFile> mapping;
  std::vector<std::uint64_t> memory;  // 64-bit words, for alignment
  std::span<const std::uint8_t> bytes;
  Program program;
  Metadata metadata;
  std::vector<std::string> labels;
  std::vector<Port> outputs;
  std::uint64_t digest = 0;
  std::uint32_t op_set = 0;

  // All of it from `bytes`.
  Status load();
  std::uint32_t classes() const {
    const BufferId logits = program.buffer_of(PortKind::logits);
    return logits == kNone ? 0 : program.buffers[logits].columns;
  }
};

Status Model::Impl::load() {
  const Result<Sections> sections = find_sections(bytes);
  if (!sections.ok()) return sections.status();
  digest = sections.value().digest;
  op_set = sections.value().op_set;

  Result<Metadata> facts = decode_metadata(sections.value().contents[0]);
  if (!facts.ok()) return facts.status();
  metadata = facts.take();
  const auto decode = op_set == 2 ? decode_program_2 : decode_program;
  Result<Program> decoded = decode(sections.value().contents[1], sections.value().contents[2]);
  if (!decoded.ok()) return decoded.status();
  program = decoded.take();
  if (Status status = validate(program); !status.ok()) return status;
  plan_memory(program);
  if (program.arena_bytes + program.kept_bytes > kMaxArenaBytes) {
    return corrupt("a picture needs " + std::to_string(program.arena_bytes + program.kept_bytes) +
                   " bytes of memory, at most " + std::to_string(kMaxArenaBytes) + " are allowed");
  }
  outputs = outputs_of(program);

  if (const auto text = metadata.find("labels"); text != metadata.end()) labels = split_lines(text->second);
  if (!labels.empty() && labels.size() != classes()) {
    return corrupt(std::to_string(labels.size()) + " labels for " + std::to_string(classes()) + " classes");
  }
  return {};
}

Result<std::shared_ptr<const Model>> Model::make(std::unique_ptr<Impl> impl, const std::string& name) {
  if (const Status status = impl->load(); !status.ok()) {
    return Status(status.code(), "model '" + name + "': " + without_control_characters(status.message()));
  }
  return std::shared_ptr<const Model>(new Model(std::move(impl)));
}

Result<std::shared_ptr<const Model>> Model::open(const std::string& path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return Status(file.status().code(), "model " + file.status().message());
  auto impl = std::make_unique<Impl>();
  impl->mapping = std::make_unique<MappedFile>(file.take());
  impl->bytes = impl->mapping->bytes();
  return make(std::move(impl), path);
}

Result<std::shared_ptr<const Model>> Model::from_memory(std::span<const std::uint8_t> bytes, const std::string& name) {
  auto impl = std::make_unique<Impl>();
  impl->memory.resize((bytes.size() + 7) / 8);
  if (!bytes.empty()) std::memcpy(impl->memory.data(), bytes.data(), bytes.size());
  impl->bytes = {reinterpret_cast<const std::uint8_t*>(impl->memory.data()), bytes.size()};
  return make(std::move(impl), name);
}

Model::Model(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

int Model::input_height() const { return static_cast<int>(impl_->program.input.height); }
int Model::input_width() const { return static_cast<int>(impl_->program.input.width); }
const std::vector<Port>& Model::outputs() const { return impl_->outputs; }
std::optional<std::size_t> Model::output(std::string_view name) const {
  for (std::size_t i = 0; i < impl_->outputs.size(); ++i) {
    if (impl_->outputs[i].name == name) return i;
  }
  return std::nullopt;
}
int Model::classes() const { return static_cast<int>(impl_->classes()); }
const std::vector<std::string>& Model::labels() const { return impl_->labels; }
int Model::logit_fraction_bits() const {
  const ProgramPort* logits = impl_->program.port(PortKind::logits);
  return logits == nullptr ? 0 : -logits->exponent;
}
const Metadata& Model::metadata() const { return impl_->metadata; }
std::uint64_t Model::file_bytes() const { return impl_->bytes.size(); }
std::uint64_t Model::digest() const { return impl_->digest; }
int Model::op_set() const { return static_cast<int>(impl_->op_set); }
const Program& Model::program() const { return impl_->program; }

}  // namespace intvit
