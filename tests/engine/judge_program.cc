#include "tests/engine/judge_program.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

#include "engine/format/layout.h"
#include "engine/format/writer.h"
#include "intvit/session.h"
#include "tests/engine/plain_execution.h"
#include "tests/engine/program_work.h"
#include "tests/engine/repair_checksums.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using FileBytes = std::vector<std::uint8_t>;

struct GeneratedRun {
  std::uint64_t first = 1, count = 0;
  std::vector<Isa> isas;
  std::string file;
};

GeneratedRun run_wanted(std::uint64_t usual_count) {
  const auto text = [](const char* name) { return std::string(std::getenv(name) ? std::getenv(name) : ""); };
  GeneratedRun wanted;
  wanted.count = usual_count;
  if (const std::string count = text("INTVIT_PROGRAMS"); !count.empty()) wanted.count = std::stoull(count);
  if (const std::string seed = text("INTVIT_PROGRAMS_SEED"); !seed.empty()) wanted.first = std::stoull(seed);
  const std::string isa = text("INTVIT_PROGRAMS_ISA");
  wanted.isas = {Isa::scalar};
  for (const Isa one : vector_isas()) {
    if (isa.empty() || isa_name(one) == isa) wanted.isas.push_back(one);
  }
  REQUIRE_MESSAGE((isa.empty() || isa == "scalar" || wanted.isas.size() == 2), "there is no " << isa);
  wanted.file = text("INTVIT_PROGRAMS_FILE");
  return wanted;
}

// A plain execution has all buffers side by side.
bool is_plain_size(const Program& program) {
  std::uint64_t elements = 0;
  for (const Buffer& b : program.buffers) elements += std::uint64_t{b.rows} * b.columns;
  return elements < std::uint64_t{1} << 22 && is_small(program, 3'000'000, std::uint64_t{16} << 20);
}

std::vector<std::int32_t> plain_outputs_of(const Program& program, std::span<const std::uint8_t> picture) {
  const PlainBuffers buffers = execute_plainly(program, picture);
  std::vector<std::int32_t> outputs;
  for (const ProgramPort& port : program.ports) {
    if (port.kind == PortKind::picture) continue;
    const std::size_t columns = program.buffers[port.buffer].columns;
    const auto begin = buffers[port.buffer].begin() + static_cast<std::ptrdiff_t>(port.first_row * columns);
    outputs.insert(outputs.end(), begin, begin + static_cast<std::ptrdiff_t>(port.rows * columns));
  }
  return outputs;
}

// The place of the first number that is another one; empty where there is none.
std::string first_difference(const Session& session, int picture, std::span<const std::int32_t> expected) {
  std::size_t i = 0;
  for (std::size_t port = 0; port < session.model().outputs().size(); ++port) {
    const OutputView output = session.output(picture, port);
    for (int r = 0; r < output.rows; ++r) {
      for (int c = 0; c < output.columns; ++c, ++i) {
        if (output.at(r, c) == expected[i]) continue;
        return "output " + session.model().outputs()[port].name + ", row " + std::to_string(r) + ", column " +
               std::to_string(c) + ": " + std::to_string(output.at(r, c)) + ", not " + std::to_string(expected[i]);
      }
    }
  }
  return {};
}

// Noise, or one of the two extremes.
FileBytes any_picture(const Program& program, Random& random) {
  FileBytes pixels(std::size_t{program.input.height} * program.input.width * 3);
  const std::int64_t kind = random.integer(0, 3);
  for (std::uint8_t& pixel : pixels) {
    pixel = static_cast<std::uint8_t>(kind == 0 ? 0 : kind == 1 ? 255 : random.integer(0, 255));
  }
  return pixels;
}

struct Fate {
  int refused = 0, ran = 0, too_large = 0;
};

// Of two runs: what is in memory from the pictures before must not matter.
constexpr int kRuns = 2, kMostBatch = 2;

struct Pictures {
  std::vector<FileBytes> all;          // kRuns * kMostBatch
  std::vector<std::int32_t> expected;  // outputs of the last one
};

void check_run(const std::shared_ptr<const Model>& model, const SessionOptions& options, const Pictures& pictures,
               const std::string& name) {
  Result<std::unique_ptr<Session>> created = Session::create(model, options);
  REQUIRE_MESSAGE(created.ok(), name << ": " << created.status().message());
  Session& session = *created.value();
  auto picture = pictures.all.end() - kRuns * options.batch;
  for (int run = 0; run < kRuns; ++run) {
    for (int i = 0; i < options.batch; ++i, ++picture) std::copy(picture->begin(), picture->end(), session.picture(i));
    session.run(options.batch);
  }
  CHECK_MESSAGE(first_difference(session, options.batch - 1, pictures.expected) == "",
                name << " on " << describe(*options.isa));
}

void run_on_all(const std::shared_ptr<const Model>& model, const GeneratedRun& wanted, const std::string& name,
                Random& random) {
  Pictures pictures;
  for (int i = 0; i < kRuns * kMostBatch; ++i) pictures.all.push_back(any_picture(model->program(), random));
  pictures.expected = plain_outputs_of(model->program(), pictures.all.back());
  const bool alone = random.chance(85);  // starting threads takes longer than most programs
  for (const Isa isa : wanted.isas) {
    check_run(model, {.threads = alone ? 1 : 3, .batch = alone ? 1 : kMostBatch, .isa = isa}, pictures, name);
  }
}

void judge(const GeneratedFile& file, const GeneratedRun& wanted, const std::string& name, Random& random, Fate& fate) {
  const auto model = Model::from_memory(file.bytes, "generated");
  if (!model.ok()) {
    ++fate.refused;
    CHECK_MESSAGE(!file.changes.empty(), name << ": " << model.status().message());
    const Code code = model.status().code();
    CHECK_MESSAGE((code == Code::corrupt_file || code == Code::unsupported), name << ": " << model.status().message());
    return;
  }
  if (!is_plain_size(model.value()->program())) {
    ++fate.too_large;
    return;
  }
  ++fate.ran;
  run_on_all(model.value(), wanted, name, random);
}

}  // namespace

void flip_bit(FileBytes& bytes, Random& random) {
  constexpr SectionId kSections[] = {SectionId::program, SectionId::program, SectionId::data, SectionId::metadata};
  const std::span<std::uint8_t> section = section_of(bytes, kSections[random.integer(0, 3)]);
  if (section.empty()) return;
  const auto at = static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(section.size()) - 1));
  section[at] ^= static_cast<std::uint8_t>(1 << random.integer(0, 7));
  repair_checksums(bytes);
}

void judge_programs(std::uint64_t usual_count, const std::function<GeneratedFile(Random&)>& generate) {
  const GeneratedRun wanted = run_wanted(usual_count);
  Fate fate;
  for (std::uint64_t i = wanted.first; i < wanted.first + wanted.count; ++i) {
    Random random(i * 0x9e3779b97f4a7c15ull);
    const GeneratedFile file = generate(random);
    if (!wanted.file.empty()) REQUIRE(write_file_atomically(wanted.file, file.bytes).ok());
    judge(file, wanted, file.name + " " + std::to_string(i) + " (" + file.changes + ")", random, fate);
  }
  MESSAGE(fate.ran << " generated programs ran on " << wanted.isas.size() << " instruction sets, " << fate.refused
                   << " were refused, " << fate.too_large << " too large to run");
  CHECK(fate.ran + fate.refused + fate.too_large == static_cast<int>(wanted.count));
  if (wanted.count >= 100) CHECK(fate.ran > static_cast<int>(wanted.count / 4));
}

}  // namespace intvit::test
