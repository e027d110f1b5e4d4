// Whole networks of integers against their simulation (converter/plan/simulate.h).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/equalise/fold.h"
#include "converter/families/vit/random_vit.h"
#include "converter/plan/simulate.h"
#include "converter/weights/quantize.h"
#include "converter/weights/sequential.h"
#include "intvit/session.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

// The plan's network in floats: weights as their integers hold them.
FloatNetwork with_integer_weights(const FloatNetwork& network, const Plan& plan) {
  FloatNetwork result = network;
  REQUIRE(equalise(plan.equalisations, result).ok());
  for (Node& node : result.nodes) {
    if (node.weights() == nullptr) continue;
    const FloatLinear of_codes = layer_of_codes(result, node);
    *node.weights() = dequantized(result, node, quantize_weights(of_codes, plan.weights.at(node.name)));
  }
  return result;
}

// The simulation with every value shaken by up to 1/16 of a code before it becomes one: what rounding on the way does.
class ShakenSimulator : public Observer {
 public:
  ShakenSimulator(const FloatNetwork& network, const Plan& plan, unsigned seed)
      : network_(network), plan_(plan), exact_(network, plan, 1), random_(seed) {}
  void on_activation(TensorId tensor, float* data, int rows, int cols) override {
    const std::string& name = network_.at(tensor).name;
    std::uniform_real_distribution<float> shake(-1.0f / 16, 1.0f / 16);
    const auto found = plan_.activations.find(name);
    if (network_.at(tensor).role == Role::probabilities) {
      for (int i = 0; i < rows * cols; ++i) data[i] *= std::exp2(shake(random_) / 8);
    } else if (found != plan_.activations.end()) {
      const int parts = static_cast<int>(found->second.size()), part_cols = cols / parts;
      for (int i = 0; i < rows * cols; ++i) {
        const ActivationScheme& scheme = found->second[static_cast<std::size_t>(i % cols / part_cols)];
        const double code = (scheme.grid.highest() - scheme.grid.lowest()) / ((1 << scheme.bits) - 1);
        data[i] += static_cast<float>(code) * shake(random_);
      }
    } else if (const auto residual = plan_.residuals.find(name); residual != plan_.residuals.end()) {
      for (int i = 0; i < rows * cols; ++i) data[i] += static_cast<float>(residual->second.step) * shake(random_);
    }
    exact_.on_activation(tensor, data, rows, cols);
  }

 private:
  const FloatNetwork& network_;
  const Plan& plan_;
  PlanSimulator exact_;
  std::mt19937 random_;
};

struct NetworkMargins {
  double float_db = 0;   // the simulation against float
  double db = 0;         // the integers against the simulation
  double shaken_db = 0;  // the simulation shaken against itself
  int different = 0;     // pictures with another most likely class
  int shaken_different = 0;
};

NetworkMargins network_margins(const FloatNetwork& network, const Conversion& conversion, int pictures_count) {
  const FloatNetwork integer_weights = with_integer_weights(network, conversion.plan);
  const auto model = Model::from_memory(conversion.file, "test");
  REQUIRE(model.ok());
  auto session = Session::create(model.value(), {});
  REQUIRE(session.ok());
  SyntheticPictures pictures(pictures_count, network.preprocessing.height, network.preprocessing.width, 77);
  std::vector<std::uint8_t> pixels(picture_bytes(network));
  FloatForward float_forward(network, 1), integer_forward(integer_weights, 1);
  double signal = 0, simulation_error = 0, error = 0, shaken_error = 0;
  NetworkMargins m;
  for (int i = 0; i < pictures_count; ++i) {
    REQUIRE(pictures.read(i, pixels.data()).ok());
    const std::vector<float> exact = judged_output(float_forward, network, pixels.data());
    PlanSimulator simulator(network, conversion.plan, 1);
    const std::vector<float> simulated = judged_output(integer_forward, network, pixels.data(), &simulator);
    ShakenSimulator shaker(network, conversion.plan, static_cast<unsigned>(i));
    const std::vector<float> shaken = judged_output(integer_forward, network, pixels.data(), &shaker);
    std::copy(pixels.begin(), pixels.end(), session.value()->picture(0));
    session.value()->run();
    const auto logits = session.value()->logits(0);
    for (std::size_t c = 0; c < exact.size(); ++c) {
      const double got = std::ldexp(logits[c], -16);
      signal += static_cast<double>(exact[c]) * exact[c];
      simulation_error += std::pow(static_cast<double>(simulated[c]) - exact[c], 2);
      error += std::pow(got - simulated[c], 2);
      shaken_error += std::pow(static_cast<double>(shaken[c]) - simulated[c], 2);
    }
    const auto likely = std::max_element(simulated.begin(), simulated.end()) - simulated.begin();
    m.shaken_different += std::max_element(shaken.begin(), shaken.end()) - shaken.begin() != likely;
    m.different += std::max_element(logits.begin(), logits.end()) - logits.begin() != likely;
  }
  m.float_db = 10 * std::log10(signal / simulation_error);
  m.db = 10 * std::log10(signal / error);
  m.shaken_db = 10 * std::log10(signal / shaken_error);
  return m;
}

}  // namespace

// A value within a tiny distance of a threshold becomes another code, which moves everything behind it: 4 and 6 bits
// amplify any rounding on the way. So the measure is what the simulation itself does when it is shaken a little.
TEST_CASE("whole networks of integers are as near to their simulation as a slightly shaken simulation is") {
  int different = 0, shaken_different = 0;
  const FloatNetwork network = random_network(small_vit(), 21);
  for (const std::string method : {"percentile", "dopq", "igq", "adfq", "tsptq", "auto"}) {
    for (const int bits : {4, 6}) {
      CAPTURE(method);
      CAPTURE(bits);
      SyntheticPictures pictures(8, 32, 32, 5);
      ConvertOptions options{
          .method = method, .weight_bits = bits, .activation_bits = bits, .feedback = false, .plan = {}};
      const Result<Conversion> conversion = convert(network, pictures, options, kSilent);
      REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
      const NetworkMargins m = network_margins(network, conversion.value(), 24);
      MESSAGE(std::string(method) << " " << bits << " bits: simulation " << m.float_db << " dB, integers " << m.db
                                  << " dB, shaken simulation " << m.shaken_db << " dB, other classes " << m.different
                                  << " and " << m.shaken_different << " of 24");
      CHECK(m.db > m.float_db + 1);
      CHECK(m.db > m.shaken_db - 1);
      different += m.different;
      shaken_different += m.shaken_different;
    }
  }
  MESSAGE("other classes: " << different << ", shaken " << shaken_different << " of 288");
  CHECK(different <= shaken_different + 4);
}
