#include "tests/converter/conversion_parts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "intvit/model.h"
#include "intvit/session.h"
#include "tests/converter/network_parts.h"

namespace intvit {
namespace {

void check_ports(const FloatNetwork& network, const std::vector<Port>& ports) {
  REQUIRE(ports.size() == network.outputs.size());
  for (std::size_t o = 0; o < ports.size(); ++o) {
    const NetworkOutput& output = network.outputs[o];
    CAPTURE(output.name);
    CHECK(ports[o].name == output.name);
    CHECK(ports[o].kind == output.kind);
    REQUIRE(ports[o].rows == output.rows);
    REQUIRE(ports[o].columns == network.at(output.tensor).columns);
    CHECK(ports[o].grid_height == output.grid_height);
    CHECK(ports[o].grid_width == output.grid_width);
  }
}

}  // namespace

double sqnr_db(const Conversion& conversion, std::string_view output) {
  const std::vector<OutputSqnr>& outputs = conversion.verification.outputs;
  const auto found = std::find_if(outputs.begin(), outputs.end(), [&](const auto& o) { return o.output == output; });
  REQUIRE_MESSAGE(found != outputs.end(), output);
  return found->sqnr_db;
}

std::vector<double> port_sqnr_db(const FloatNetwork& network, const Conversion& conversion, PictureSource& pictures) {
  const auto model = Model::from_memory(conversion.file, "test");
  REQUIRE_MESSAGE(model.ok(), model.status().message());
  const std::vector<Port>& ports = model.value()->outputs();
  check_ports(network, ports);
  auto session = Session::create(model.value(), {});
  REQUIRE(session.ok());
  FloatForward forward(network, 1);
  std::vector<double> signal(ports.size(), 0), noise(ports.size(), 0), result;
  for (int i = 0; i < pictures.count(); ++i) {
    std::vector<std::uint8_t> pixels(picture_bytes(network));
    REQUIRE(pictures.read(i, pixels.data()).ok());
    std::copy(pixels.begin(), pixels.end(), session.value()->picture(0));
    session.value()->run();
    forward.run(pixels.data());
    for (std::size_t o = 0; o < ports.size(); ++o) {
      const auto exact = forward.output(o);
      std::vector<float> got(ports[o].count());
      copy_real_values(ports[o], session.value()->output(0, o), got.data());
      for (std::size_t k = 0; k < got.size(); ++k) {
        signal[o] += std::pow(exact[k], 2);
        noise[o] += std::pow(static_cast<double>(got[k]) - exact[k], 2);
      }
    }
  }
  for (std::size_t o = 0; o < ports.size(); ++o) result.push_back(10 * std::log10(signal[o] / noise[o]));
  return result;
}

}  // namespace intvit
