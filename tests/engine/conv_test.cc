// Convolutions of every shape, and row constants of linear operations: what sessions give is what a plain execution
// gives, on every instruction set and with threads that share the rows.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/format/writer.h"
#include "engine/ops/conv.h"
#include "engine/ops/linear.h"
#include "engine/program/memory_plan.h"
#include "intvit/session.h"
#include "kernels/gemm/tiles.h"
#include "tests/engine/plain_execution.h"
#include "tests/engine/refusals.h"
#include "tests/engine/tiny_conv.h"
#include "tests/engine/tiny_linear.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

// Cells along an edge, with those of padding.
struct Axis {
  std::uint32_t kernel, before, behind, all;

  bool fits(std::uint32_t stride) const { return all >= kernel && (all - kernel) % stride == 0; }
  std::uint32_t places(std::uint32_t stride) const { return (all - kernel) / stride + 1; }
};

Axis random_axis(std::uint32_t cells, std::uint32_t kernel, Random& random) {
  const auto pad = [&] { return static_cast<std::uint32_t>(random.integer(0, kernel - 1)); };
  Axis axis{kernel, pad(), pad(), cells};
  axis.all += axis.before + axis.behind;
  return axis;
}

class Builder {
 public:
  explicit Builder(std::uint64_t seed) : random_(seed) {}

  // The picture, cells in a grid, and of these values and codes by convolution, and codes by a linear with constants.
  TinyProgram build() && {
    Program& p = tiny_.program;
    const std::uint32_t height = number(5, 19), width = number(5, 19);
    p.input = {height, width, height, width, Interpolation::bicubic, CropMode::center};
    p.buffers.push_back({DataType::u8, height, width * 3, width * 3, 0});
    p.add_port("picture", PortKind::picture, 0);
    const std::uint32_t channels = number(1, 90);
    const Grid cells = conv("cells", {0, height, width, true}, DataType::u8, channels);
    conv("values", cells, DataType::s16, number(1, 40));
    conv("codes", cells, DataType::u8, number(1, 40));
    for (const DataType type : {DataType::u8, DataType::s16}) linear(cells, type);
    plan_memory(p);
    return std::move(tiny_);
  }

 private:
  struct Grid {
    BufferId buffer;
    std::uint32_t height, width;
    bool is_picture = false;
  };

  std::uint32_t number(std::int64_t low, std::int64_t high) {
    return static_cast<std::uint32_t>(random_.integer(low, high));
  }

  BufferId output(const std::string& name, DataType type, std::uint32_t rows, std::uint32_t columns) {
    const auto count = static_cast<int>(columns);
    const int stride = type == DataType::u8 ? kernels::padded_depth(count) : kernels::padded_columns(count);
    tiny_.program.buffers.push_back({type, rows, columns, static_cast<std::uint32_t>(stride), 0});
    const auto id = static_cast<BufferId>(tiny_.program.buffers.size() - 1);
    tiny_.program.add_port(name, PortKind::tokens, id);
    return id;
  }

  TinyWeights weights(std::uint32_t inputs, std::uint32_t outputs, std::uint32_t row_inputs, DataType type) {
    const bool codes = type == DataType::u8;
    return {inputs,
            outputs,
            random_.chance(50) ? 8u : 4u,
            row_inputs,
            codes_scale(255),
            Epilogue::codes,
            codes ? 80. : 9e3,
            codes ? 128. : 0.};
  }

  Grid conv(const std::string& name, const Grid& from, DataType type, std::uint32_t outputs) {
    ConvOp op;
    op.src = from.buffer;
    Axis down, right;
    do {
      op.kernel = number(1, 4);
      op.kernel_width = random_.chance(50) ? number(1, 4) : 0;
      op.stride = number(1, 3);
      down = random_axis(from.height, op.kernel, random_);
      right = random_axis(from.width, op.kernel_width != 0 ? op.kernel_width : op.kernel, random_);
    } while (!down.fits(op.stride) || !right.fits(op.stride));
    const std::uint32_t places = down.places(op.stride) * right.places(op.stride);
    op.pad_top = down.before, op.pad_bottom = down.behind, op.pad_left = right.before, op.pad_right = right.behind;
    if (!from.is_picture) op.height = from.height, op.width = from.width;
    const std::uint32_t columns = from.is_picture ? 3 : tiny_.program.buffers[from.buffer].columns;
    op.pad_cell = tiny_pad_cell(tiny_, name, columns, random_);
    op.prefix = type == DataType::s16 ? number(0, 2) : 0;
    op.dst = output(name, type, op.prefix + places, outputs);
    if (op.prefix > 0 || random_.chance(50)) {
      op.init = tiny_row_constants(tiny_, name + ".init", op.dst, random_.chance(20) ? 32767 : 400, random_);
    }
    op.max_code = random_.chance(50) ? 255 : 15;
    const std::uint32_t taps = down.kernel * right.kernel;
    const auto piece = static_cast<std::uint32_t>(kernels::padded_depth(static_cast<int>(columns)));
    op.linear = tiny_linear(
        tiny_, name,
        from.is_picture ? weights(taps * 3, outputs, taps * 3, type) : weights(taps * piece, outputs, columns, type),
        random_);
    tiny_.program.steps.push_back({name, op});
    return {op.dst, down.places(op.stride), right.places(op.stride)};
  }

  void linear(const Grid& from, DataType type) {
    const std::string name = type == DataType::u8 ? "linear" : "linear.values";
    const Buffer cells = tiny_.program.buffers[from.buffer];
    LinearOp op;
    op.src = from.buffer;
    op.dst = output(name, type, cells.rows, number(1, 40));
    op.init = tiny_row_constants(tiny_, name + ".init", op.dst, random_.chance(20) ? 32767 : 400, random_);
    op.max_code = random_.chance(50) ? 255 : 15;
    const std::uint32_t outputs = tiny_.program.buffers[op.dst].columns;
    op.linear = tiny_linear(tiny_, name, weights(cells.columns, outputs, cells.columns, type), random_);
    tiny_.program.steps.push_back({name, op});
  }

  Random random_;
  TinyProgram tiny_;
};

void check_outputs(const Model& model, const Session& session, const PlainBuffers& expected, const std::string& what) {
  for (std::size_t i = 0; i < model.outputs().size(); ++i) {
    const OutputView output = session.output(0, i);
    const std::vector<std::int32_t>& plain = expected[model.program().ports[i + 1].buffer];
    int wrong = 0;
    for (int r = 0; r < output.rows; ++r) {
      for (int c = 0; c < output.columns; ++c) {
        wrong += output.at(r, c) != plain[static_cast<std::size_t>(r * output.columns + c)];
      }
    }
    CHECK_MESSAGE(wrong == 0, what << ", " << model.outputs()[i].name << ": " << wrong << " differ");
  }
}

TEST_CASE("conv: any kernel, stride and padding, on every instruction set") {
  std::vector<Isa> isas = vector_isas();
  isas.insert(isas.begin(), Isa::scalar);
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const TinyProgram tiny = Builder(seed).build();
    const auto model = Model::from_memory(encode_model(tiny.program, {}), "conv");
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    const Program& p = model.value()->program();
    std::vector<std::uint8_t> picture(std::size_t{p.input.height} * p.input.width * 3);
    Random random(seed + 1000);
    for (std::uint8_t& pixel : picture) pixel = static_cast<std::uint8_t>(random.integer(0, 255));
    const PlainBuffers expected = execute_plainly(p, picture);
    for (const Isa isa : isas) {
      const int threads = 1 + static_cast<int>(seed % 3);
      const auto session = Session::create(model.value(), {threads, 1, isa, false});
      REQUIRE(session.ok());
      std::memcpy(session.value()->picture(0), picture.data(), picture.size());
      session.value()->run();
      check_outputs(*model.value(), *session.value(), expected,
                    "seed " + std::to_string(seed) + ", " + std::string(isa_name(isa)));
    }
  }
}

}  // namespace
}  // namespace intvit::test
