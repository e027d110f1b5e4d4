// Guards that others stand in front of: what is wrong here is wrong in one way only.
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/ops/attention.h"
#include "engine/ops/encode.h"
#include "engine/ops/gather.h"
#include "engine/ops/linear.h"
#include "engine/program/validate.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

BufferId fresh_buffer(TinyProgram& t, const Buffer& buffer) {
  t.program.buffers.push_back(buffer);
  return static_cast<BufferId>(t.program.buffers.size() - 1);
}

// The layer once more, behind all others, after a change.
void again(TinyProgram& t, const std::string& layer, const std::function<void(LinearOp&)>& change) {
  LinearOp copy = op<LinearOp>(t, layer);
  change(copy);
  t.program.steps.push_back({"again", copy});
}

// 48 outputs and 47 are as many bytes of weights.
void with_outputs(TinyProgram& t, std::uint32_t n, std::uint32_t stride) {
  const BufferId dst = fresh_buffer(t, {DataType::u8, 5, n, stride});
  again(t, kQkv, [&](LinearOp& copy) { copy.linear.n = n, copy.dst = dst; });
}

// Half as many bits of twice as many inputs, two rows side by side, are as many bytes of weights.
void with_two_bits(TinyProgram& t) {
  const LinearOp& qkv = op<LinearOp>(t, kQkv);
  const std::uint32_t columns = t.program.buffers[qkv.src].columns;
  GatherOp gather;
  gather.src = qkv.src;
  gather.dst = fresh_buffer(t, {DataType::u8, 5, 2 * columns, 128});
  gather.join = 2;
  gather.map = t.add("map", DataType::s32, std::vector<std::int32_t>(10));
  const std::size_t outputs = t.program.constants[qkv.linear.zero_points].count();
  const ConstantId zeros = t.add("zeros", DataType::u8, std::vector<std::uint8_t>(outputs));
  again(t, kQkv, [&](LinearOp& copy) {
    copy.src = gather.dst;
    copy.linear.bits = 2, copy.linear.k = 128, copy.linear.zero_points = zeros;
  });
  t.program.steps.insert(t.program.steps.end() - 1, Step{"gather", gather});
}

TEST_CASE("validate: constants of as many entries, but of another type") {
  refuses("bias 'numbers' is 48 x s16, must be 48 x s32", [](TinyProgram& t) {
    op<LinearOp>(t, kQkv).linear.bias = t.add("numbers", DataType::s16, std::vector<std::int16_t>(48));
  });
}

TEST_CASE("validate: weights with padding have one shape") {
  const std::string reason = "are read in another shape than before";
  accepts([](TinyProgram& t) { with_outputs(t, 48, 48); });
  refuses(reason, [](TinyProgram& t) { with_outputs(t, 47, 48); });
  refuses(reason, [](TinyProgram& t) { with_two_bits(t); }, {.weight_bits = 4});
  // Two rows of 64, with half as many bits, read as one.
  refuses(reason,
          [](TinyProgram& t) {
            const BufferId src = fresh_buffer(t, {DataType::u8, 10, 16, 64});
            const ConstantId zeros = t.add("zeros", DataType::u8, std::vector<std::uint8_t>(48));
            again(t, kQkv, [&](LinearOp& copy) {
              copy.src = src;
              copy.linear.bits = 2, copy.linear.k = 128, copy.linear.zero_points = zeros;
            });
          },
          {.weight_bits = 4});
  // Two rows of 64 read as one, and one of 128.
  refuses(reason,
          [](TinyProgram& t) {
            const BufferId src = fresh_buffer(t, {DataType::u8, 1, 16, 128});
            again(t, "head", [&](LinearOp& copy) { copy.src = src; });
          },
          {.head = TinyHead::two_tokens});
}

TEST_CASE("validate: weights whose sums are looked into have one shape") {
  const std::string reason = "read in another shape or with too many biases";
  const auto with_bias = [](const std::function<void(TinyProgram&)>& change) {
    return [=](TinyProgram& t) {
      LinearConstants& l = op<LinearOp>(t, kQkv).linear;
      constexpr std::int32_t kBias = INT32_MAX - 1200000;  // which only what the weights are leaves room for
      l.bias = with_entry<std::int32_t>(t, l.bias, 5, kBias);
      change(t);
    };
  };
  // Rows without padding.
  const TinyOptions bytes{.channels = 64}, nibbles{.channels = 64, .weight_bits = 4};
  accepts(with_bias([](TinyProgram& t) { with_outputs(t, 192, 192); }), bytes);
  refuses(reason, with_bias([](TinyProgram& t) { with_outputs(t, 191, 192); }), bytes);
  refuses(reason, with_bias([](TinyProgram& t) { with_two_bits(t); }), nibbles);
}

TEST_CASE("validate: attention does not write what it reads, and has no parts of sets without them") {
  const TinyOptions apart{.apart = true};
  const auto attention = [](TinyProgram& t) -> AttentionOp& { return op<AttentionOp>(t, kAttn); };
  const std::string reason = "dst is what it reads";
  refuses(
      reason, [&](TinyProgram& t) { attention(t).dst = attention(t).src; }, apart);
  refuses(
      reason, [&](TinyProgram& t) { attention(t).key_src = attention(t).dst, attention(t).key_column = 0; }, apart);
  const std::string parts = "a pad row or local rows without sets";
  refuses(parts, [&](TinyProgram& t) { attention(t).pad_row = 0; });
  refuses(parts, [&](TinyProgram& t) { attention(t).local_rows = 5; });
}

TEST_CASE("validate: values aside of rows that are too long for their lists") {
  const auto with_columns = [](std::uint32_t columns) {
    return [columns](TinyProgram& t) {
      EncodeOp encode = op<EncodeOp>(t, kNormEncode);
      encode.src = fresh_buffer(t, {DataType::s16, 1, columns, columns});
      encode.dst = fresh_buffer(t, {DataType::u8, 1, columns, columns});
      encode.aside = fresh_buffer(t, {DataType::s16, 1, 3, 3});
      t.program.steps.push_back({"long", encode});
    };
  };
  const TinyOptions options = with_encoding({EncodeKind::uniform, 1, 15, 5, 6});
  refuses("reads a buffer that nothing has written", with_columns(65536), options);  // its only fault
  refuses("aside is for rows of up to 65536 values, not of 65537", with_columns(65537), options);
}

// An operation that forgets to look.
struct CarelessOp final : OperationOf<CarelessOp> {
  static constexpr std::uint32_t kKind = 1001;
  static constexpr std::string_view kName = "careless";

  BufferId dst = kNone;

  void for_each_field(FieldVisitor& v) override { v(dst); }
  std::vector<Operand> operands() const override { return {{"dst", dst, Access::write}}; }
  void check(Checker&) const override {}
  void execute(const Execution&) const override {}
};

TEST_CASE("validate: operands are buffers, whatever an operation checks") {
  TinyProgram tiny = make_tiny_program();
  CarelessOp careless;
  for (const BufferId id : {static_cast<BufferId>(tiny.program.buffers.size()), kNone}) {
    careless.dst = id;
    tiny.program.steps.push_back({"x", careless});
    CHECK(validate(tiny.program).message().find("(careless 'x'): dst is no buffer") != std::string::npos);
    tiny.program.steps.pop_back();
  }
  careless.dst = 1;
  tiny.program.steps.push_back({"x", careless});
  CHECK(validate(tiny.program).ok());
}

}  // namespace
}  // namespace intvit::test
