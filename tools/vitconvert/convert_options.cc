#include <algorithm>

#include "intvit/session.h"
#include "tools/common/cli/format_options.h"
#include "tools/common/machine/physical_cores.h"
#include "tools/vitconvert/commands.h"

namespace intvit {

void add_text_or_json(CLI::App& command, OutputFormat& format) {
  add_format_options(command, format, {OutputFormat::text, OutputFormat::json}, {OutputFormat::json});
}

void add_convert_options(CLI::App& command, ConvertOptions& options) {
  options.threads = physical_cores();
  command.add_option("--method", options.method, "Quantization method; see 'vitconvert list methods'")
      ->capture_default_str();
  command.add_option("--wbits", options.weight_bits, "Bits of weights: 2, 3, 4, 5, 6 or 8")
      ->check(CLI::IsMember({2, 3, 4, 5, 6, 8}))
      ->capture_default_str();
  command.add_option("--abits", options.activation_bits, "Bits of activations: 3, 4, 5, 6 or 8")
      ->check(CLI::IsMember({3, 4, 5, 6, 8}))
      ->capture_default_str();
  command
      .add_option("--set", options.settings,
                  "NAME=VALUE of a number that the method has; see 'vitconvert list methods' (repeatable)")
      ->allow_extra_args(false);
  command
      .add_option_function<std::vector<std::string>>(
          "--optimise",
          [&options](const std::vector<std::string>& parts) {
            const auto named = [&](const char* part) { return std::ranges::find(parts, part) != parts.end(); };
            options.optimise_modules = named("modules");
            options.optimise_network = named("network");
          },
          "modules: train the integers of one attention or MLP after another until what they write is nearest to "
          "float; network: then scales, biases and codes of all together; modules,network; none (all but none are "
          "slow)")
      ->delimiter(',')
      ->check(CLI::IsMember({"none", "modules", "network"}));
  command
      .add_option("--optimise-set", options.optimise_settings,
                  "NAME=VALUE of a number of --optimise, as docs/converter.md names them; modules.NAME=VALUE or "
                  "network.NAME=VALUE where it names both (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--seed", options.seed, "Seed of random numbers: methods that use any, synth's weights")
      ->capture_default_str();
  command.add_option("--threads", options.threads, "Threads; if not given, the physical cores that may be used")
      ->check(CLI::Range(1, kMaxThreads));
}

}  // namespace intvit
