// Multiplications: beside oneDNN, and with the epilogues and planes that number formats ask for.
#include <string>

#include "bench/kernels/benches.h"
#include "bench/kernels/linear_case.h"
#include "bench/kernels/onednn_peer.h"

namespace intvit::bench {
namespace {

using namespace kernels;

MakeBody make_linear(const LinearKernels* kernels, const Shape& shape, const LinearFormat& format) {
  return [=]() -> Result<Body> {
    const auto linear = std::make_shared<LinearCase>(shape, format);
    return Body([=] { kernels->run(linear->args()); });
  };
}

MakeBody make_onednn(const LinearKernels* kernels, const Shape& shape, Epilogue epilogue) {
  return [=]() -> Result<Body> {
    Result<std::shared_ptr<OnednnMatmul>> matmul = OnednnMatmul::create(*kernels, shape, epilogue);
    if (!matmul.ok()) return matmul.status();
    return Body([matmul = matmul.take()] { matmul->run(); });
  };
}

}  // namespace

// Codes everywhere, because oneDNN knows neither our 16-bit residual stream nor our activation.
void add_gemm(Suite& suite, const KernelTable& kernels, bool with_onednn) {
  suite.add_table(
      {"gemm", "Linear layers (rows x depth x columns)", Unit::gmac_per_s, Show::both, {}, {"oneDNN", "W8A8", "W4A8"}});
  for (const Model& model : kModels) {
    for (const Shape& shape : all_shapes(model)) {
      const Epilogue epilogue = shape.layer == Layer::head ? Epilogue::logits : Epilogue::codes;
      const std::int64_t items = shape.multiplications();
      if (with_onednn) suite.add(shape.name, "oneDNN", items, make_onednn(kernels.linear, shape, epilogue));
      suite.add(shape.name, "W8A8", items, make_linear(kernels.linear, shape, {8, epilogue}));
      suite.add(shape.name, "W4A8", items, make_linear(kernels.linear, shape, {4, epilogue}));
    }
  }
}

// Of fewer bits, which are unpacked in front of the multiplication.
void add_few_bits(Suite& suite, const KernelTable& kernels) {
  suite.add_table({"linear_few_bits",
                   "Linear layers, weights of few bits: time ratio to those of 4",
                   Unit::gmac_per_s,
                   Show::ratios,
                   {},
                   {"W4A8", "W3A8", "W2A8"}});
  for (const Model& model : kModels) {
    for (const Shape& shape : all_shapes(model)) {
      for (const int bits : {4, 3, 2}) {
        suite.add(shape.name, "W" + std::to_string(bits) + "A8", shape.multiplications(),
                  make_linear(kernels.linear, shape, {bits, plain_epilogue(shape.layer)}));
      }
    }
  }
}

void add_linear_formats(Suite& suite, const KernelTable& kernels) {
  for (const int bits : {8, 4}) {
    suite.add_table({"linear_w" + std::to_string(bits),
                     "Linear layers, " + std::to_string(bits) + "-bit weights: time ratio to plain codes",
                     Unit::gmac_per_s,
                     Show::ratios,
                     {},
                     {"plain", "16-bit values", "coarse steps", "two planes", "1 % aside", "4-bit codes",
                      "4-bit codes, 1 % aside"}});
    for (const Model& model : kModels) {
      for (const Shape& shape : block_shapes(model)) {
        const Epilogue plain = plain_epilogue(shape.layer), values = values_epilogue(shape.layer);
        const auto add = [&](const char* column, const LinearFormat& format) {
          suite.add(shape.name, column, shape.multiplications(), make_linear(kernels.linear, shape, format));
        };
        add("plain", {bits, plain});
        if (values != plain) add("16-bit values", {bits, values});
        if (plain == Epilogue::residual) add("coarse steps", {bits, plain, 1, true});
        add("two planes", {bits, plain, 2});
        add("1 % aside", {bits, plain, 1, false, 1});
        add("4-bit codes", {bits, plain, 1, false, 0, 4});
        add("4-bit codes, 1 % aside", {bits, plain, 1, false, 1, 4});
      }
    }
  }
}

}  // namespace intvit::bench
