#include "tools/vitconvert/source_options.h"

#include <cstdio>
#include <iostream>

#include "converter/families/load_network.h"
#include "converter/read/config_kinds.h"
#include "tools/common/cli/comma_list.h"
#include "tools/common/cli/shown_text.h"
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

void add_source_options(CLI::App& command, SourceOptions& options) {
  command
      .add_option("SRC", options.path, ".safetensors or .pth file, or folder with config.json and model.safetensors")
      ->required();
  add_class_options(command, options.classes);
  command.add_flag("--verbose", options.verbose, "Name every tensor that is missing or too many, not only a few");
}

Result<FloatNetwork> load_with_notes(SourceOptions& options) {
  if (Status status = read_classes(options.classes, options.outputs); !status.ok()) return status;
  std::vector<std::string> notes;
  Result<FloatNetwork> network = load_network(options.path, &notes, options.outputs, options.input, options.verbose);
  for (const std::string& note : notes) print_message("vitconvert", "note: " + note);
  return network;
}

Status needs_logits(const FloatNetwork& network, const std::string& what) {
  if (network.classes() > 0) return {};
  return {Code::unsupported, what + " needs the logits of a classifier, and " + network.architecture + " gives none"};
}

}  // namespace intvit
