#include <cstdio>

#include "converter/read/config_kinds.h"
#include "intvit/session.h"
#include "tools/common/cli/comma_list.h"
#include "tools/common/machine/physical_cores.h"
#include "tools/vitconvert/commands.h"

namespace intvit {

namespace {

[[noreturn]] void refuse(const std::string& message) { throw CLI::ValidationError(message); }

std::vector<std::string> parse_ports(const std::string& text) {
  const Result<std::vector<std::string>> names = parse_names("--ports", text);
  if (!names.ok()) refuse(names.status().message());
  for (const std::string& name : names.value()) {
    if (name == "logits" || name == "embedding" || name == "tokens" || name == "features") continue;
    refuse("--ports '" + name + "' must be logits, embedding, tokens or features");
  }
  return names.value();
}

std::vector<int> parse_layers(const std::string& text) {
  const Result<std::vector<int>> numbers = parse_numbers("--layers", text, 0, kMostBlocks - 1);
  if (!numbers.ok()) refuse(numbers.status().message());
  return numbers.value();
}

}  // namespace

// Lists are one word, so that what follows is not taken for more of them.
void add_output_options(CLI::App& command, OutputChoice& outputs) {
  command.add_option_function<std::string>(
      "--ports", [&outputs](const std::string& text) { outputs.ports = parse_ports(text); },
      "Outputs, separated by commas: logits, embedding, tokens, features; if not given, logits, or "
      "embedding,tokens of a network without a head");
  command.add_option_function<std::string>(
      "--layers", [&outputs](const std::string& text) { outputs.layers = parse_layers(text); },
      "Blocks, counted from 0 and separated by commas, whose patch tokens are outputs, too: features.N");
}

void add_input_size_option(CLI::App& command, InputSize& input) {
  command
      .add_option_function<std::string>(
          "--input-size",
          [&input](const std::string& text) {
            int end = 0;
            const bool two = std::sscanf(text.c_str(), "%5dx%5d%n", &input.height, &input.width, &end) == 2;
            if (!two && std::sscanf(text.c_str(), "%5d%n", &input.height, &end) == 1) input.width = input.height;
            if (!input.given() || input.height > 8192 || input.width > 8192 ||
                static_cast<std::size_t>(end) != text.size()) {
              throw CLI::ValidationError("--input-size",
                                         "'" + text + "' is neither N nor HxW, whole numbers from 1 to 8192");
            }
          },
          "Pictures of N x N or HxW pixels instead of the network's own; positions are resized as its library does")
      ->type_name("N|HxW");
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
      .add_option_function<std::string>(
          "--optimise", [&options](const std::string& what) { options.optimise_modules = what == "modules"; },
          "modules: train the integers of one attention or MLP after another until what they write is nearest to "
          "float (slow); none")
      ->check(CLI::IsMember({"none", "modules"}));
  command
      .add_option("--optimise-set", options.optimise_settings,
                  "NAME=VALUE of a number of --optimise modules, as docs/converter.md names them (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--seed", options.seed, "Seed of random numbers: methods that use any, synth's weights")
      ->capture_default_str();
  command.add_option("--threads", options.threads, "Threads; if not given, the physical cores that may be used")
      ->check(CLI::Range(1, kMaxThreads));
}

}  // namespace intvit
