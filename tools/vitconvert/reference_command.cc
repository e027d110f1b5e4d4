#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "converter/float/finite.h"
#include "converter/float/for_each_in_order.h"
#include "converter/float/forward.h"
#include "converter/lower/input_geometry.h"
#include "intvit/session.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/machine/physical_cores.h"
#include "tools/common/pictures/picture_options.h"
#include "tools/common/results/accuracy.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/npy.h"
#include "tools/common/results/output_file.h"
#include "tools/common/results/output_folder.h"
#include "tools/vitconvert/commands.h"

namespace intvit {
namespace {

struct ReferenceCommand {
  SourceOptions source;
  std::string list, logits, folder;
  std::vector<std::string> pictures;
  PictureOptions reading;
  int threads = 1;
  OutputFormat format = OutputFormat::text;
};

// What one walk over the pictures yields.
struct Evaluated {
  Accuracy accuracy;  // where there are logits
  NpyMatrix logits;
  OutputFolder folder;
  int pictures = 0;  // that could be read
  int failed = 0;
  double seconds = 0;

  double rate() const { return pictures / seconds; }
};

// As those of a model; only names and shapes count.
std::vector<Port> ports_of(const FloatNetwork& network) {
  std::vector<Port> ports;
  for (const NetworkOutput& o : network.outputs) {
    ports.push_back({o.name, o.kind, DataType::s32, o.rows, network.at(o.tensor).columns, o.grid_height, o.grid_width});
  }
  return ports;
}

// Pictures that cannot be read are reported on stderr. An error if the network itself fails.
Status evaluate(const FloatNetwork& network, const std::vector<LabelledPicture>& pictures,
                const InputGeometry& geometry, const ReferenceCommand& options, Evaluated& result) {
  struct Seen {
    std::vector<RealValues> outputs;
    Status network;
  };
  const int classes = network.classes();
  PictureFiles source(paths_of(pictures), geometry, options.reading);
  const Progress progress = terminal_progress();
  const auto start = std::chrono::steady_clock::now();
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by),
            pixels = std::vector<std::uint8_t>(std::size_t{geometry.height} * geometry.width * 3)](
               int i) mutable -> Result<Seen> {
      if (Status status = source.read(i, pixels.data()); !status.ok()) return status;
      forward.run(pixels.data());
      Seen seen;
      for (std::size_t o = 0; o < network.outputs.size(); ++o) {
        seen.outputs.emplace_back(forward.output(o).begin(), forward.output(o).end());
      }
      seen.network = check_finite(network, forward, pixels.data());
      return seen;
    };
  };
  const auto count = [&](int i, const Result<Seen>& seen) -> Status {
    progress("evaluating", i + 1, source.count());
    if (!seen.ok()) {
      print_message("vitconvert", seen.status().message());
      ++result.failed;
      return {};
    }
    if (!seen.value().network.ok()) return seen.value().network;
    const std::vector<RealValues>& outputs = seen.value().outputs;
    ++result.pictures;
    if (classes > 0) {
      const std::vector<float>& logits = outputs[network.judged_output()];
      result.accuracy.add(logits.data(), classes, pictures[static_cast<std::size_t>(i)].label);
      if (!options.logits.empty()) result.logits.add_row(logits);
    }
    result.folder.add(outputs);
    return {};
  };
  progress("evaluating", 0, source.count());
  // A picture that fails ends nothing.
  const Status status = for_each_in_order(source.count(), options.threads, make_worker, count);
  print_notes(source.notes());
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return status;
}

// Those of --eval, which need labels, or those that are named.
Result<std::vector<LabelledPicture>> pictures_of(const ReferenceCommand& options, const FloatNetwork& network) {
  if (!options.list.empty()) {
    if (Status status = needs_logits(network, "--eval"); !status.ok()) return status;
    return evaluation_pictures(options.list, network.classes());
  }
  if (options.pictures.empty()) {
    return Status(Code::invalid_argument, "give pictures, or --eval with a list of pictures and labels");
  }
  if (options.folder.empty() && options.logits.empty()) {
    return Status(Code::invalid_argument, "pictures without labels have no accuracy; give --outputs or --logits");
  }
  std::vector<LabelledPicture> pictures;
  for (const std::string& path : options.pictures) pictures.push_back({path, -1});
  return pictures;
}

void print(const ReferenceCommand& options, const FloatNetwork& network, const Evaluated& result) {
  const Accuracy& accuracy = result.accuracy;
  const bool labelled = !options.list.empty();
  if (options.format == OutputFormat::json) {
    nlohmann::ordered_json root = {{"count", result.pictures}};
    if (labelled) root["top1"] = accuracy.top1_percent(), root["top5"] = accuracy.top5_percent();
    root["images_per_s"] = result.rate();
    root["failed"] = result.failed;
    root["architecture"] = network.architecture;
    std::cout << json_text(root, 2) << '\n';
  } else if (labelled) {
    std::printf("%s in float32: top-1 %.2f %% (%lld/%lld), top-5 %.2f %%, %.1f images/s\n",
                network.architecture.c_str(), accuracy.top1_percent(), static_cast<long long>(accuracy.top1_hits()),
                static_cast<long long>(accuracy.count()), accuracy.top5_percent(), result.rate());
  } else {
    std::printf("%s in float32: %d pictures, %.1f images/s\n", network.architecture.c_str(), result.pictures,
                result.rate());
  }
}

int run(ReferenceCommand options) {
  const Result<FloatNetwork> network = load_with_notes(options.source);
  if (!network.ok()) return report_error(network.status());
  const Result<InputGeometry> geometry = input_geometry(network.value().preprocessing);
  if (!geometry.ok()) return report_error(geometry.status());
  const auto pictures = pictures_of(options, network.value());
  if (!pictures.ok()) return report_error(pictures.status());
  if (!options.logits.empty()) {
    if (Status status = needs_logits(network.value(), "--logits"); !status.ok()) return report_error(status);
  }
  Evaluated result{{},
                   NpyMatrix(static_cast<std::size_t>(network.value().classes())),
                   OutputFolder(options.folder, ports_of(network.value()))};
  if (Status status = check_output_file("the logits", options.logits); !status.ok()) return report_error(status);
  if (Status status = result.folder.check(); !status.ok()) return report_error(status);
  if (Status status = evaluate(network.value(), pictures.value(), geometry.value(), options, result); !status.ok()) {
    return report_error(status);
  }
  if (!options.logits.empty()) {
    if (const Status status = result.logits.write(options.logits); !status.ok()) return report_error(status);
  }
  if (const Status status = result.folder.write(); !status.ok()) return report_error(status);
  print(options, network.value(), result);
  return result.failed > 0 ? kExitSomeInputsFailed : kExitOk;
}

}  // namespace

Command add_reference(CLI::App& app) {
  auto options = std::make_shared<ReferenceCommand>();
  options->threads = physical_cores();
  CLI::App* command =
      app.add_subcommand("reference", "The float network itself: its accuracy, or its outputs for some pictures");
  add_source_options(*command, options->source);
  command->add_option("PICTURES", options->pictures, "Pictures whose outputs are wanted");
  command->add_option("--eval", options->list, "LIST file of pictures with labels")
      ->excludes("PICTURES")
      ->check(file_name());
  command->add_option("--outputs", options->folder, "Write every output to FOLDER/NAME.npy, pictures first")
      ->check(file_name());
  add_picture_options(*command, options->reading);
  add_output_options(*command, options->source.outputs);
  add_input_size_option(*command, options->source.input);
  command->add_option("--logits", options->logits, "Write the logits to this .npy file")->check(file_name());
  command->add_option("--threads", options->threads, "Threads; if not given, the physical cores that may be used")
      ->check(CLI::Range(1, kMaxThreads));
  add_text_or_json(*command, options->format);
  return [options] { return run(*options); };
}

}  // namespace intvit
