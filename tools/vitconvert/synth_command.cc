#include <chrono>
#include <memory>

#include "converter/families/random_network.h"
#include "models/architectures.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/results/output_file.h"
#include "tools/vitconvert/commands.h"

namespace intvit {
namespace {

// Noise is all alike: a few pictures calibrate a random network as well as many.
constexpr int kSyntheticPictures = 4;

struct SynthCommand {
  std::string architecture, output;
  ConvertOptions convert;
  OutputChoice outputs;
  InputSize input;
  OutputFormat format = OutputFormat::text;
};

int run(const SynthCommand& options) {
  const auto start = std::chrono::steady_clock::now();
  if (!is_known_architecture(options.architecture)) {
    const std::string nearest = nearest_architecture(options.architecture);
    return report_error({Code::invalid_argument, "architecture '" + options.architecture + "' is unknown" +
                                                     (nearest.empty() ? "" : ", did you mean '" + nearest + "'?") +
                                                     "; 'vitconvert list archs' names all"});
  }
  if (Status status = check_output_file("the model", options.output); !status.ok()) return report_error(status);
  const Result<FloatNetwork> network =
      random_network(options.architecture, options.input, options.convert.seed, options.outputs);
  if (!network.ok()) return report_error(network.status());
  const Preprocessing& picture = network.value().preprocessing;
  SyntheticPictures pictures(kSyntheticPictures, picture.height, picture.width, options.convert.seed);
  const Result<Conversion> conversion = convert(network.value(), pictures, options.convert, terminal_progress());
  if (!conversion.ok()) return report_error(conversion.status());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return finish_conversion(conversion.value(), {options.output, "", options.format, false}, seconds);
}

}  // namespace

Command add_synth(CLI::App& app) {
  auto options = std::make_shared<SynthCommand>();
  options->convert.method = "minmax";
  options->convert.feedback = false;  // only latency matters
  CLI::App* command = app.add_subcommand("synth", "A model with random weights, for measuring latency");
  command->add_option("ARCH", options->architecture, "timm's name; see 'vitconvert list archs'")->required();
  command->add_option("-o,--output", options->output, "The model file to write")->required()->check(file_name());
  add_output_options(*command, options->outputs);
  add_input_size_option(*command, options->input);
  add_convert_options(*command, options->convert);
  add_text_or_json(*command, options->format);
  return [options] { return run(*options); };
}

}  // namespace intvit
