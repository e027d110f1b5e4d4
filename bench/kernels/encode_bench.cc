// What encode operations cost, by themselves and before the layer that reads their result.
#include "bench/kernels/benches.h"
#include "bench/kernels/encode_case.h"
#include "bench/kernels/linear_case.h"

namespace intvit::bench {
namespace {

using namespace kernels;

std::vector<std::string> columns_from(const char* first) {
  std::vector<std::string> columns = {first};
  for (const EncodeFormat& format : kEncodeFormats) columns.push_back(format.name);
  return columns;
}

MakeBody make_layer(const KernelTable& kernels, const Shape& shape, const EncodeFormat* format) {
  return [&kernels, shape, format]() -> Result<Body> {
    const int planes = format == nullptr ? 1 : format->planes;
    const auto linear = std::make_shared<LinearCase>(shape, LinearFormat{4, plain_epilogue(shape.layer), planes});
    if (format == nullptr) return Body([&kernels, linear] { kernels.linear->run(linear->args()); });
    const auto encode = std::make_shared<EncodeCase>(shape.rows, shape.k, *format, linear->src());
    return Body([&kernels, linear, encode] {
      encode->run(*kernels.encode);
      kernels.linear->run(linear->args());
    });
  };
}

}  // namespace

void add_encoded_layers(Suite& suite, const KernelTable& kernels) {
  suite.add_table({"encoded_layer",
                   "Encoding and the linear layer that reads it, 4-bit weights: time ratio to the layer on plain codes",
                   Unit::gmac_per_s,
                   Show::ratios,
                   {},
                   columns_from("plain")});
  for (const Model& model : kModels) {
    for (const Shape& shape : block_shapes(model)) {
      suite.add(shape.name, "plain", shape.multiplications(), make_layer(kernels, shape, nullptr));
      for (const EncodeFormat& format : kEncodeFormats) {
        suite.add(shape.name, format.name, shape.multiplications(), make_layer(kernels, shape, &format));
      }
    }
  }
}

void add_encode(Suite& suite, const KernelTable& kernels) {
  std::vector<std::string> columns;
  for (const EncodeFormat& format : kEncodeFormats) columns.push_back(format.name);
  suite.add_table({"encode", "Encoding alone (tokens x channels)", Unit::ns_per_element, Show::rates, {}, columns});
  for (const int channels : {192, 384, 768, 1536, 3072}) {
    for (const EncodeFormat& format : kEncodeFormats) {
      const std::size_t bytes = static_cast<std::size_t>(format.planes) * kTokens * static_cast<std::size_t>(channels);
      suite.add(std::to_string(kTokens) + "x" + std::to_string(channels), format.name, std::int64_t{kTokens} * channels,
                [&kernels, channels, &format, bytes]() -> Result<Body> {
                  const auto dst = std::make_shared<Buffer<std::uint8_t>>(bytes);
                  const auto encode = std::make_shared<EncodeCase>(kTokens, channels, format, dst->data());
                  return Body([&kernels, dst, encode] { encode->run(*kernels.encode); });
                });
    }
  }
}

}  // namespace intvit::bench
