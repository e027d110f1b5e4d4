#include "intvit/model.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "engine/format/codec_parts.h"
#include "engine/format/program_codec.h"
#include "engine/format/program_codec_2.h"
#include "engine/model/model_impl.h"
#include "engine/program/attention_layers.h"
#include "engine/program/memory_plan.h"
#include "engine/program/validate.h"
#include "engine/tensors/limits.h"

namespace intvit {
namespace {

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

Status check_storage(Storage storage, const std::string& name) {
  const int value = static_cast<int>(storage);
  if (value >= 0 && value <= static_cast<int>(Storage::copied)) return {};
  return {Code::invalid_argument, "model '" + name + "': storage " + std::to_string(value) +
                                      " does not exist; allowed are 0 (usual) to 2 (copied)"};
}

Status no_memory_to_open(const std::string& name) {
  return no_memory([&] { return "model '" + name + "': there is not enough memory to open it"; });
}

}  // namespace

void Model::Impl::keep(FileCopy copy) {
  memory = std::move(copy.words);
  bytes = {reinterpret_cast<const std::uint8_t*>(memory.data()), copy.size};
}

std::string Model::Impl::opening_text(const std::string& name) const {
  return "model '" + name + "': " + std::to_string(bytes.size()) + " bytes " +
         (mapping != nullptr ? "mapped"
          : memory.empty()   ? "in place"
                             : "copied") +
         ", op set " + std::to_string(op_set) + ", " + std::to_string(outputs.size()) +
         (outputs.size() == 1 ? " output" : " outputs");
}

Status Model::Impl::load(const Sections& sections) {
  digest = sections.digest;
  op_set = sections.op_set;

  Result<Metadata> facts = decode_metadata(sections.metadata());
  if (!facts.ok()) return facts.status();
  metadata = facts.take();
  const auto decode = op_set == 2 ? decode_program_2 : decode_program;
  Result<Program> decoded = decode(sections.program(), sections.data());
  if (!decoded.ok()) return decoded.status();
  program = decoded.take();
  if (Status status = validate(program); !status.ok()) return status;
  if (op_set < kOpSet && needed_op_set(program) == kOpSet) {
    return corrupt("op set " + std::to_string(op_set) +
                   " has neither weights of 3 and 2 bits nor encode of kind 4 and above, and the program has");
  }
  plan_memory(program);
  if (program.arena_bytes + program.kept_bytes > kMaxArenaBytes) {
    return corrupt("a picture needs " + std::to_string(program.arena_bytes + program.kept_bytes) +
                   " bytes of memory, at most " + std::to_string(kMaxArenaBytes) + " are allowed");
  }
  outputs = outputs_of(program);
  attention_layers = intvit::attention_layers(program);

  if (const auto text = metadata.find("labels"); text != metadata.end()) labels = split_lines(text->second);
  if (!labels.empty() && labels.size() != classes()) {
    return corrupt(std::to_string(labels.size()) + " labels for " + std::to_string(classes()) + " classes");
  }
  return {};
}

Result<std::shared_ptr<const Model>> Model::make(std::unique_ptr<Impl> impl, const std::string& name,
                                                 const LogSink& log) {
  const Result<Sections> sections = find_sections(impl->bytes, DataChecksum::compared);
  if (const Status status = sections.ok() ? impl->load(sections.value()) : sections.status(); !status.ok()) {
    return Status(status.code(), "model '" + name + "': " + without_control_characters(status.message()));
  }
  if (log.write != nullptr) log.write(log.context, LogLevel::info, impl->opening_text(name).c_str());
  return std::shared_ptr<const Model>(new Model(std::move(impl)));
}

Result<std::shared_ptr<const Model>> Model::open(const std::string& path, const ModelOptions& options) try {
  if (Status status = check_storage(options.storage, path); !status.ok()) return status;
  auto impl = std::make_unique<Impl>();
  if (options.storage == Storage::copied) {
    Result<FileCopy> file = copy_file(path);
    if (!file.ok()) return Status(file.status().code(), "model " + file.status().message());
    impl->keep(file.take());
  } else {
    Result<MappedFile> file = MappedFile::open(path);
    if (!file.ok()) return Status(file.status().code(), "model " + file.status().message());
    impl->mapping = std::make_unique<MappedFile>(file.take());
    impl->bytes = impl->mapping->bytes();
  }
  return make(std::move(impl), path, options.log);
} catch (const std::bad_alloc&) {
  return no_memory_to_open(path);
}

Result<std::shared_ptr<const Model>> Model::from_memory(View<const std::uint8_t> bytes, const std::string& name,
                                                        const ModelOptions& options) try {
  if (Status status = check_storage(options.storage, name); !status.ok()) return status;
  if (bytes.data() == nullptr && !bytes.empty()) {
    return Status(Code::invalid_argument,
                  "model '" + name + "': " + std::to_string(bytes.size()) + " bytes at no address");
  }
  auto impl = std::make_unique<Impl>();
  if (options.storage == Storage::in_place) {
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % sizeof(std::uint64_t) != 0) {
      return Status(Code::invalid_argument,
                    "model '" + name +
                        "': bytes that stay in place must begin at a multiple of 8; move them, or "
                        "have them copied");
    }
    impl->bytes = bytes;
  } else {
    FileCopy copy{std::vector<std::uint64_t>((bytes.size() + 7) / 8), bytes.size()};
    if (!bytes.empty()) std::memcpy(copy.words.data(), bytes.data(), bytes.size());
    impl->keep(std::move(copy));
  }
  return make(std::move(impl), name, options.log);
} catch (const std::bad_alloc&) {
  return no_memory_to_open(name);
}

Model::Model(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

const InputGeometry& Model::input() const { return impl_->program.input; }
int Model::input_height() const { return static_cast<int>(impl_->program.input.height); }
int Model::input_width() const { return static_cast<int>(impl_->program.input.width); }
const std::vector<Port>& Model::outputs() const { return impl_->outputs; }
std::optional<std::size_t> Model::output(std::string_view name) const {
  for (std::size_t i = 0; i < impl_->outputs.size(); ++i) {
    if (impl_->outputs[i].name == name) return i;
  }
  return std::nullopt;
}
const std::vector<AttentionLayer>& Model::attention_layers() const { return impl_->attention_layers; }
Result<std::vector<AttentionToken>> Model::attention_tokens(std::size_t layer) const try {
  if (layer >= impl_->attention_layers.size()) {
    return no_attention_layer(static_cast<long long>(layer), impl_->attention_layers);
  }
  return intvit::attention_tokens(impl_->program, impl_->attention_layers, layer);
} catch (const std::bad_alloc&) {
  return no_memory([&] { return "cannot allocate the tokens of attention layer " + std::to_string(layer); });
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
