// What training by gradients makes of small networks.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "converter/convert/round_layers.h"
#include "converter/families/vit/random_vit.h"
#include "tests/converter/small_network.h"
#include "tests/converter/small_swin.h"
#include "tests/converter/toy_network.h"

using namespace intvit;

namespace {

struct Converted {
  std::vector<std::uint8_t> file;
  std::vector<ReconstructionOutcome> modules;
  std::optional<ReconstructionOutcome> network;
  std::string said;  // in the file, of the optimisation
};

ConvertOptions learning(const std::vector<std::string>& settings, int threads) {
  ConvertOptions options;
  options.method = "percentile";
  options.weight_bits = options.activation_bits = 4;
  options.threads = threads;
  options.optimise_settings = settings;
  return options;
}

Converted converted(const FloatNetwork& network, const ConvertOptions& options) {
  SyntheticPictures pictures(8, network.preprocessing.height, network.preprocessing.width, 5);
  Result<Conversion> conversion = convert(network, pictures, options, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
  const Conversion& made = conversion.value();
  const auto said = made.metadata.find("optimise");
  return {made.file, made.modules, made.network_optimised, said == made.metadata.end() ? "" : said->second};
}

Converted with_modules(const FloatNetwork& network, const std::vector<std::string>& settings, int threads,
                       const char* method = "percentile") {
  ConvertOptions options = learning(settings, threads);
  options.method = method;
  options.optimise_modules = !settings.empty();
  return converted(network, options);
}

Converted with_network(const FloatNetwork& network, const std::vector<std::string>& settings, int threads,
                       bool modules = false) {
  ConvertOptions options = learning(settings, threads);
  options.optimise_modules = modules;
  options.optimise_network = true;
  return converted(network, options);
}

}  // namespace

TEST_CASE("without iterations the file is today's, and with them the same for every number of threads") {
  const FloatNetwork network = random_network(small_vit(), 31);
  const std::vector<std::string> some = {"iterations=10", "batch=4"};
  const Converted plain = with_modules(network, {}, 1), once = with_modules(network, some, 1);
  CHECK(with_modules(network, {"iterations=0"}, 2).file == plain.file);
  CHECK(once.file != plain.file);
  CHECK(with_modules(network, some, 3).file == once.file);
  REQUIRE(once.modules.size() == 4);
  bool better = false;
  for (const ReconstructionOutcome& module : once.modules) {
    CAPTURE(module.module);
    CHECK(module.after <= module.before);
    better = better || module.after < module.before;
  }
  CHECK(better);
}

TEST_CASE("modules of every family are optimised, with codes of every method") {
  for (const char* method : {"adfq", "dopq", "igq"}) {
    CAPTURE(method);
    CHECK(with_modules(gated_toy(8), {"iterations=2", "batch=2"}, 2, method).modules.size() >= 4);
  }
  CHECK(with_modules(small_swin_v2(28, 40), {"iterations=2", "batch=2"}, 2).modules.size() >= 10);
  CHECK(with_modules(attention_pooled_toy(8), {"iterations=2", "batch=2"}, 2).modules.size() >= 4);
}

TEST_CASE("the whole network: zero iterations change nothing, more of them its output, alike for all threads") {
  const FloatNetwork network = random_network(small_vit(), 31);
  const std::vector<std::string> some = {"iterations=20", "batch=4"};
  const Converted plain = with_modules(network, {}, 1), once = with_network(network, some, 1);
  CHECK(with_network(network, {"iterations=0"}, 2).file == plain.file);
  REQUIRE(once.network);
  CHECK(once.network->after < once.network->before);
  CHECK(once.said == "network");
  CHECK(once.modules.empty());
  CHECK(with_network(network, some, 3).file == once.file);
  const Converted both = with_network(
      network, {"modules.iterations=5", "modules.batch=4", "network.iterations=5", "network.batch=4"}, 2, true);
  CHECK(both.said == "modules,network");
  CHECK(both.modules.size() == 4);
}

TEST_CASE("networks of every family are optimised as a whole") {
  const std::vector<std::string> two = {"iterations=2", "batch=2"};
  CHECK(with_network(gated_toy(8), two, 2).network);
  CHECK(with_network(small_swin_v2(28, 40), two, 2).network);
  CHECK(with_network(attention_pooled_toy(8), two, 2).network);
}

TEST_CASE("only the first pictures take part where so many are asked for") {
  const FloatNetwork network = random_network(small_vit(), 31);
  const auto after = [&](const std::string& pictures) {
    return with_network(network, {"iterations=5", "batch=2", "pictures=" + pictures}, 2).network->after;
  };
  const double all = after("0");
  CHECK(after("8") == all);
  CHECK(after("5") != all);
  const auto after_modules = [&](const std::string& pictures) {
    return with_modules(network, {"iterations=5", "batch=2", "pictures=" + pictures}, 2).modules.back().after;
  };
  CHECK(after_modules("5") != after_modules("0"));
}

TEST_CASE("settings of the optimiser are checked") {
  ConvertOptions options;
  options.optimise_settings = {"iterations=3"};
  CHECK_FALSE(optimise_options(options).ok());
  options.optimise_modules = true;
  REQUIRE(optimise_options(options).ok());
  CHECK(optimise_options(options).value().modules.iterations == 3);
  options.optimise_settings = {"epochs=3"};
  CHECK(optimise_options(options).status().message().find("iterations (0..100000)") != std::string::npos);
  options.optimise_settings = {};
  options.feedback = false;
  CHECK(optimise_options(options).status().message().find("--weights feedback") != std::string::npos);
  options.feedback = true;
  options.optimise_settings = {"network.iterations=3"};
  CHECK(optimise_options(options).status().message().find("for --optimise network") != std::string::npos);
  options.optimise_network = true;
  CHECK(optimise_options(options).value().network.iterations == 3);
  CHECK(optimise_options(options).value().modules.iterations == 40);
  options.optimise_settings = {"iterations=3"};
  CHECK(optimise_options(options).status().message().find("modules.iterations=3 or network.") != std::string::npos);
  options.optimise_settings = {"network.importance=1"};
  CHECK_FALSE(optimise_options(options).ok());
}
