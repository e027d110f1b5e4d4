// The model file: what is written can be read, and no damaged or hostile file gets past the reader into the kernels.
// Run it under the address and undefined-behaviour sanitizers too (preset asan-ubsan): several tests only ask that
// nothing leaves its memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "engine/format/checksum.h"
#include "engine/format/layout.h"
#include "engine/format/writer.h"
#include "engine/model.h"
#include "engine/program/plan.h"
#include "engine/session.h"
#include "tests/engine/repair_checksums.h"
#include "tests/engine/tiny_program.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint64_t checksum_of(const std::string& text, std::uint64_t seed = 0) {
  return checksum64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, seed);
}

Result<std::shared_ptr<const Model>> load(const Bytes& bytes) { return Model::from_memory(bytes, "test"); }

std::vector<std::int32_t> logits_of(const std::shared_ptr<const Model>& model, Isa isa, int threads = 1) {
  Result<std::unique_ptr<Session>> session = Session::create(model, {threads, 1, isa, false});
  REQUIRE(session.ok());
  const InputGeometry& in = model->program().input;
  std::uint8_t* pixels = session.value()->picture(0);
  for (std::size_t i = 0; i < std::size_t{in.height} * in.width * 3; ++i) pixels[i] = static_cast<std::uint8_t>(37 * i);
  session.value()->run();
  const std::span<const std::int32_t> logits = session.value()->logits(0);
  return {logits.begin(), logits.end()};
}

// Counts what becomes of damaged files. A file that is accepted must run, and alike on every instruction set.
struct Fates {
  int refused = 0, ran = 0, too_large = 0;

  void judge(const Bytes& bytes) {
    const auto model = load(bytes);
    if (!model.ok()) {
      ++refused;
      CHECK(!model.status().message().empty());
      CHECK((model.status().code() == Code::corrupt_file || model.status().code() == Code::unsupported));
      return;
    }
    if (model.value()->program().arena_bytes > std::uint64_t{16} << 20) {
      ++too_large;
      return;
    }
    ++ran;
    const std::vector<std::int32_t> scalar = logits_of(model.value(), Isa::scalar);
    // Starting threads takes longer than the whole model.
    CHECK(logits_of(model.value(), available_isas().back(), ran % 16 == 0 ? 2 : 1) == scalar);
  }
};

std::vector<TinyOptions> variants() {
  TinyOptions plain, mean, two;
  mean.head = TinyHead::mean;
  two.head = TinyHead::two_tokens;
  two.weight_bits = 4;
  return {plain, mean, two};
}

TEST_CASE("checksum64 is XXH64") {
  CHECK(checksum_of("") == 0xEF46DB3751D8E999ull);
  CHECK(checksum_of("a") == 0xD24EC4F1A98C6E5Bull);
  CHECK(checksum_of("abc") == 0x44BC2CF5AD770999ull);
  // From xxHash's own documentation; more than 32 bytes, so that the four lanes are used.
  CHECK(checksum_of("Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1ull);
  CHECK(checksum_of("abc", 1) != checksum_of("abc"));
}

TEST_CASE("format: a model survives the round trip to the byte") {
  for (const TinyOptions& options : variants()) {
    const Bytes bytes = tiny_model_bytes(options);
    const auto model = load(bytes);
    INFO(model.status().message());
    REQUIRE(model.ok());
    const Program& program = model.value()->program();
    CHECK(encode_model(program, model.value()->metadata()) == bytes);
    const TinyProgram original = make_tiny_program(options);
    CHECK(program.steps.size() == original.program.steps.size());
    CHECK(program.buffers.size() == original.program.buffers.size());
    CHECK(program.constants.size() == original.program.constants.size());
    for (std::size_t i = 0; i < program.constants.size(); ++i) {
      CHECK(program.constants[i].name == original.program.constants[i].name);
      CHECK(reinterpret_cast<std::uintptr_t>(program.constants[i].bytes.data()) % 4 == 0);
    }
    CHECK(model.value()->labels().size() == options.classes);
    CHECK(model.value()->classes() == static_cast<int>(options.classes));
    CHECK(model.value()->file_bytes() == bytes.size());
    CHECK(tiny_model_bytes(options) == bytes);  // the same input, the same bytes
  }
}

TEST_CASE("format: truncated files are refused") {
  const Bytes bytes = tiny_model_bytes();
  const std::size_t tables = sizeof(FileHeader) + kSectionCount * sizeof(SectionRecord);
  for (std::size_t size = 0; size < bytes.size(); size += size < tables ? 1 : 64) {
    Bytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(!load(cut).ok());
    repair_checksums(cut);  // now its size is right, but a section is missing
    CHECK(!load(cut).ok());
  }
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK(!load(longer).ok());
}

TEST_CASE("format: any flipped byte of the header") {
  const Bytes bytes = tiny_model_bytes();
  const std::vector<std::int32_t> expected = logits_of(load(bytes).value(), Isa::scalar);
  for (std::size_t i = 0; i < sizeof(FileHeader); ++i) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      Bytes damaged = bytes;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ flip);
      const auto model = load(damaged);
      // Reserved bytes and the minor version may be anything.
      const bool ignored = (i >= offsetof(FileHeader, container_minor) && i < offsetof(FileHeader, op_set)) ||
                           (i >= offsetof(FileHeader, reserved0) && i < offsetof(FileHeader, section_table_checksum)) ||
                           i >= offsetof(FileHeader, reserved);
      CHECK_MESSAGE(model.ok() == ignored, "header byte " << i);
      if (model.ok()) CHECK(logits_of(model.value(), Isa::scalar) == expected);
    }
  }
}

TEST_CASE("format: any flipped byte of a section or of the table is noticed") {
  Bytes bytes = tiny_model_bytes();
  const auto check = [&](std::size_t at) {
    bytes[at] ^= 0x10;
    CHECK_MESSAGE(!load(bytes).ok(), "byte " << at);
    bytes[at] ^= 0x10;
  };
  const std::size_t table_end = sizeof(FileHeader) + kSectionCount * sizeof(SectionRecord);
  for (std::size_t i = sizeof(FileHeader); i < table_end; ++i) check(i);
  for (const SectionId id : {SectionId::metadata, SectionId::program, SectionId::data}) {
    const std::span<std::uint8_t> section = section_of(bytes, id);
    REQUIRE(!section.empty());
    const auto begin = static_cast<std::size_t>(section.data() - bytes.data());
    for (std::size_t i = 0; i < section.size(); i += 7) check(begin + i);
    check(begin + section.size() - 1);
  }
}

TEST_CASE("format: any flipped byte with repaired checksums is refused or runs") {
  for (const TinyOptions& options : variants()) {
    Fates fates;
    Bytes bytes = tiny_model_bytes(options);
    REQUIRE(load(bytes).ok());
    const auto flip_all = [&](SectionId id, std::size_t step) {
      const std::size_t size = section_of(bytes, id).size();
      for (std::size_t i = 0; i < size; i += step) {
        for (const int flip : {0x01, 0x40, 0x80, 0xff}) {
          Bytes damaged = bytes;
          section_of(damaged, id)[i] ^= static_cast<std::uint8_t>(flip);
          repair_checksums(damaged);
          fates.judge(damaged);
        }
      }
    };
    flip_all(SectionId::program, 1);
    flip_all(SectionId::metadata, 1);
    flip_all(SectionId::data, 97);
    // The section table itself.
    for (std::size_t i = sizeof(FileHeader); i < sizeof(FileHeader) + kSectionCount * sizeof(SectionRecord); ++i) {
      Bytes damaged = bytes;
      damaged[i] ^= 0xff;
      repair_checksums(damaged);
      fates.judge(damaged);
    }
    MESSAGE(fates.refused << " damaged files refused, " << fates.ran << " ran, " << fates.too_large
                          << " too large to run");
    CHECK(fates.refused > 1000);
    CHECK(fates.ran > 100);  // names, flipped weights, ...
  }
}

// Extreme 32-bit values in every word of the program section.
TEST_CASE("format: any word of the program replaced by an extreme one is refused or runs") {
  for (const TinyOptions& options : variants()) {
    Fates fates;
    Bytes bytes = tiny_model_bytes(options);
    const std::size_t size = section_of(bytes, SectionId::program).size();
    for (std::size_t i = 0; i + 4 <= size; i += 4) {
      for (const std::uint32_t value : {0u, 1u, 63u, 64u, 65535u, 65536u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
        Bytes damaged = bytes;
        std::memcpy(section_of(damaged, SectionId::program).data() + i, &value, sizeof value);
        repair_checksums(damaged);
        fates.judge(damaged);
      }
    }
    MESSAGE(fates.refused << " damaged files refused, " << fates.ran << " ran, " << fates.too_large
                          << " too large to run");
  }
}

// Builds the tiny program, changes it, and expects validation to refuse it for the reason given.
void refuses(const std::string& reason, const std::function<void(TinyProgram&)>& change,
             const TinyOptions& options = {}) {
  TinyProgram tiny = make_tiny_program(options);
  change(tiny);
  const auto model = load(encode_model(tiny.program, tiny_metadata(options)));
  INFO("expected to be refused because of: " << reason);
  REQUIRE(!model.ok());
  CHECK(model.status().code() == Code::corrupt_file);
  CHECK_MESSAGE(model.status().message().find(reason) != std::string::npos, model.status().message());
}

template <typename T>
T& op(TinyProgram& tiny, const std::string& layer) {
  for (Step& step : tiny.program.steps) {
    if (step.layer == layer) return std::get<T>(step.op);
  }
  FAIL("no layer " << layer);
  return std::get<T>(tiny.program.steps[0].op);
}

// A copy of a constant in which one entry has another value.
template <typename T>
ConstantId with_entry(TinyProgram& tiny, ConstantId id, std::size_t entry, T value) {
  const Constant original = tiny.program.constants[id];
  std::vector<T> values(original.as<T>(), original.as<T>() + original.count());
  values[entry] = value;
  return tiny.add(original.name, original.type, values);
}

const std::string kQkv = "blocks.0.attn.qkv", kAttn = "blocks.0.attn", kProj = "blocks.0.attn.proj",
                  kNorm = "blocks.0.norm1", kFc1 = "blocks.0.mlp.fc1";

TEST_CASE("format: zero dimensions are refused") {
  refuses("buffer 1 is 0 x", [](TinyProgram& t) { t.program.buffers[1].rows = 0; });
  refuses("x 0 in rows", [](TinyProgram& t) { t.program.buffers[2].columns = 0; });
  refuses("in rows of 0", [](TinyProgram& t) { t.program.buffers[2].stride = 0; });
  refuses("0 outputs", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.n = 0; });
  refuses("0 inputs", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.k = 0; });
  refuses("0 heads", [](TinyProgram& t) { op<AttentionOp>(t, kAttn).heads = 0; });
  refuses("heads of 0", [](TinyProgram& t) { op<AttentionOp>(t, kAttn).head_dim = 0; });
  refuses("patches of 0", [](TinyProgram& t) { op<PatchEmbedOp>(t, "patch_embed").patch = 0; });
  refuses("input geometry", [](TinyProgram& t) { t.program.input.height = 0; });
  refuses("input geometry", [](TinyProgram& t) { t.program.input.resize_width = 0; });
  refuses("no steps", [](TinyProgram& t) { t.program.steps.clear(); });
  refuses("0-bit weights", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.bits = 0; });
  refuses("epsilon", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).epsilon_low = 0; });
  refuses("rows out of range", [](TinyProgram& t) { op<MeanRowsOp>(t, "pool").row_count = 0; },
          {.head = TinyHead::mean});
}

TEST_CASE("format: huge dimensions are refused") {
  for (const std::uint32_t huge : {0x7fffffffu, 0x80000000u, 0xfffffff0u, 0xffffffffu}) {
    refuses("buffer 1", [&](TinyProgram& t) { t.program.buffers[1].rows = huge; });
    refuses("buffer 2", [&](TinyProgram& t) { t.program.buffers[2].stride = huge; });
    refuses("buffer 2", [&](TinyProgram& t) { t.program.buffers[2].columns = t.program.buffers[2].stride = huge; });
    refuses("outputs", [&](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.n = huge; });
    refuses("inputs", [&](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.k = huge; });
    refuses("heads", [&](TinyProgram& t) { op<AttentionOp>(t, kAttn).heads = huge; });
    refuses("heads", [&](TinyProgram& t) { op<AttentionOp>(t, kAttn).head_dim = huge; });
    refuses("patches", [&](TinyProgram& t) { op<PatchEmbedOp>(t, "patch_embed").patch = huge; });
    refuses("rows", [&](TinyProgram& t) { op<PatchEmbedOp>(t, "patch_embed").prefix = huge; });
    refuses("rows", [&](TinyProgram& t) { op<LayerNormOp>(t, kNorm).first_row = huge; });
    refuses("rows", [&](TinyProgram& t) { op<MeanRowsOp>(t, "pool").row_count = huge; }, {.head = TinyHead::mean});
    refuses("rows", [&](TinyProgram& t) { op<MeanRowsOp>(t, "pool").first_row = huge; }, {.head = TinyHead::mean});
    refuses("input geometry", [&](TinyProgram& t) { t.program.input.width = huge; });
  }
  refuses("arena", [](TinyProgram& t) { t.program.arena_bytes = kMaxArenaBytes + 1; });
  refuses("arena", [](TinyProgram& t) { t.program.buffers[2].offset = ~std::uint64_t{63}; });
  refuses("arena", [](TinyProgram& t) { t.program.arena_bytes = 64; });
  refuses("multiple of 64", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.k = 65536; });
}

TEST_CASE("format: constants outside their ranges are refused") {
  refuses("shift", [](TinyProgram& t) {
    LinearConstants& l = op<LinearOp>(t, kQkv).linear;
    l.shift = with_entry<std::uint8_t>(t, l.shift, 3, 32);
  });
  refuses("shift", [](TinyProgram& t) {
    LinearConstants& l = op<LinearOp>(t, "head").linear;
    l.shift = with_entry<std::uint8_t>(t, l.shift, 15, 63);
  });
  refuses("shift", [](TinyProgram& t) {
    LinearConstants& l = op<LinearOp>(t, "head").linear;
    l.shift = with_entry<std::uint8_t>(t, l.shift, 15, 0);
  });
  refuses("multiplier", [](TinyProgram& t) {
    LinearConstants& l = op<LinearOp>(t, kQkv).linear;
    l.multiplier = with_entry<std::int16_t>(t, l.multiplier, 47, -1);
  });
  refuses("multiplier", [](TinyProgram& t) {
    LinearConstants& l = op<LinearOp>(t, "head").linear;
    l.multiplier = with_entry<std::int32_t>(t, l.multiplier, 0, -1);
  });
  refuses("zero points",
          [](TinyProgram& t) {
            LinearConstants& l = op<LinearOp>(t, kQkv).linear;
            l.zero_points = with_entry<std::uint8_t>(t, l.zero_points, 5, 16);
          },
          {.weight_bits = 4});
  refuses("shift out of range", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).shift = 31; });
  refuses("shift out of range", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).shift = 0; });
  refuses("shift out of range", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).beta_shift = 15; });
  refuses("epsilon", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).epsilon_high = 1u << 30; });
  refuses("activation", [](TinyProgram& t) { op<LinearOp>(t, kFc1).activation_segment_bits = 10; });
  refuses("activation", [](TinyProgram& t) { op<LinearOp>(t, kFc1).activation_multiplier = 32768; });
  refuses("activation", [](TinyProgram& t) { op<LinearOp>(t, kFc1).activation_zero_point = 256; });
  const std::pair<AttentionParameter, std::int32_t> wrong[] = {{kQZero, -1},
                                                               {kQZero, 256},
                                                               {kVZero, 256},
                                                               {kOutZero, -1},
                                                               {kSoftmaxLeftShift, 16},
                                                               {kSoftmaxRightShift, 32},
                                                               {kSoftmaxMultiplier, 65536},
                                                               {kSoftmaxMultiplier, -1},
                                                               {kRatio, (1 << 30) - 1},
                                                               {kRatio, -1},
                                                               {kRatioShift, 63},
                                                               {kRatioShift, -1}};
  for (const auto& [parameter, value] : wrong) {
    refuses("parameter", [&, p = parameter, v = value](TinyProgram& t) {
      AttentionOp& attention = op<AttentionOp>(t, kAttn);
      attention.parameters =
          with_entry<std::int32_t>(t, attention.parameters, kAttentionParameters + static_cast<std::size_t>(p), v);
    });
  }
  // 8 * 255 * 255 * 2^13 reaches 2^31.
  refuses("overflow", [](TinyProgram& t) {
    AttentionOp& attention = op<AttentionOp>(t, kAttn);
    attention.parameters = with_entry<std::int32_t>(t, attention.parameters, kSoftmaxLeftShift, 13);
  });
}

TEST_CASE("format: constants of the wrong size, type or place are refused") {
  refuses("bias", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.bias = op<LinearOp>(t, kProj).linear.bias; });
  refuses("weights", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.tiles = op<LinearOp>(t, kProj).linear.tiles; });
  refuses("constant 4294967295", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.tiles = kNone; });
  refuses("zero points", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.zero_points = kNone; }, {.weight_bits = 4});
  refuses("shift", [](TinyProgram& t) { op<LinearOp>(t, kQkv).linear.shift = op<LinearOp>(t, kQkv).linear.bias; });
  refuses("affine", [](TinyProgram& t) { op<LayerNormOp>(t, kNorm).affine = 0; });
  refuses("token_init", [](TinyProgram& t) { op<PatchEmbedOp>(t, "patch_embed").token_init = 1; });
  refuses("activation", [](TinyProgram& t) { op<LinearOp>(t, kFc1).activation = kNone; });

  // The place of a constant is in the file, not in the program: edit its record, which follows its name.
  const std::string name = "pos_embed";
  for (const std::uint64_t offset : {std::uint64_t{1} << 40, ~std::uint64_t{63}, std::uint64_t{1}}) {
    for (const bool edit_size : {false, true}) {
      Bytes bytes = tiny_model_bytes();
      const std::span<std::uint8_t> section = section_of(bytes, SectionId::program);
      auto at = std::search(section.begin(), section.end(), name.begin(), name.end());
      REQUIRE(at != section.end());
      std::uint8_t* record = &*at + 12;  // the name padded to a multiple of 4; then type, offset, size
      std::memcpy(record + 4 + (edit_size ? 8 : 0), &offset, sizeof offset);
      repair_checksums(bytes);
      const auto model = load(bytes);
      REQUIRE(!model.ok());
      CHECK(model.status().message().find("does not lie in the data section") != std::string::npos);
    }
  }
}

TEST_CASE("format: buffers that overlap, or are of the wrong shape or type, are refused") {
  refuses("overlap", [](TinyProgram& t) {
    for (Buffer& buffer : t.program.buffers) buffer.offset = 0;
  });
  refuses("overlap", [](TinyProgram& t) { t.program.buffers[3].offset = t.program.buffers[2].offset; });
  refuses("arena", [](TinyProgram& t) { t.program.buffers[2].offset += 1; });
  refuses("must be u8", [](TinyProgram& t) { t.program.buffers[2].type = DataType::s16; });
  refuses("unknown type", [](TinyProgram& t) { t.program.buffers[2].type = static_cast<DataType>(4); });
  refuses("src is buffer 4294967295", [](TinyProgram& t) { op<LinearOp>(t, kQkv).src = kNone; });
  refuses("dst is buffer 99", [](TinyProgram& t) { op<AttentionOp>(t, kAttn).dst = 99; });
  refuses("the picture", [](TinyProgram& t) { t.program.picture = 99; });
  refuses("logits", [](TinyProgram& t) { t.program.logits = 99; });
  refuses("unknown kind", [](TinyProgram& t) { op<LinearOp>(t, kQkv).kind = static_cast<LinearKind>(4); });
  refuses("columns do not match", [](TinyProgram& t) { op<AttentionOp>(t, kAttn).heads = 3; });
  // Rows too short for the padding that the kernels write.
  refuses("rows of 40", [](TinyProgram& t) {
    t.program.buffers[op<LinearOp>(t, kFc1).dst].stride = 40;
    plan_memory(t.program);
  });
}

TEST_CASE("format: programs that read what nothing has written are refused") {
  refuses("nothing has written", [](TinyProgram& t) { t.program.steps.erase(t.program.steps.begin()); });
  refuses("nothing writes the logits", [](TinyProgram& t) { t.program.steps.pop_back(); });
  // A residual operation reads its dst, too.
  refuses("nothing has written", [](TinyProgram& t) {
    t.program.buffers.push_back(t.program.buffers[1]);
    const auto fresh = static_cast<BufferId>(t.program.buffers.size() - 1);
    op<LinearOp>(t, kProj).dst = fresh;
    plan_memory(t.program);
  });
}

TEST_CASE("format: the message names the file, the layer and what is wrong") {
  TinyProgram tiny = make_tiny_program();
  op<AttentionOp>(tiny, kAttn).heads = 5;
  const auto model = Model::from_memory(encode_model(tiny.program, {}), "some.bin");
  REQUIRE(!model.ok());
  for (const char* part : {"some.bin", "attention", "blocks.0.attn"}) {
    CHECK(model.status().message().find(part) != std::string::npos);
  }
}

TEST_CASE("format: labels must be as many as classes") {
  const TinyProgram tiny = make_tiny_program();
  CHECK(load(encode_model(tiny.program, {})).ok());
  CHECK(!load(encode_model(tiny.program, {{"labels", "one\ntwo"}})).ok());
}

}  // namespace
}  // namespace intvit::test
