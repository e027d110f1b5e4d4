#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "converter/float/forward.h"
#include "converter/lower/input_geometry.h"
#include "intvit/session.h"
#include "tools/common/machine/physical_cores.h"
#include "tools/common/results/accuracy.h"
#include "tools/common/results/npy.h"
#include "tools/vitconvert/commands.h"

namespace intvit {
namespace {

struct ReferenceCommand {
  std::string source, list, logits;
  int threads = 1;
  bool json = false;
};

int run(const ReferenceCommand& options) {
  const Result<FloatNetwork> network = load_with_notes(options.source);
  if (!network.ok()) return report_error(network.status());
  const VitDescription& vit = network.value().description;
  const Result<InputGeometry> geometry = input_geometry(vit.preprocessing);
  if (!geometry.ok()) return report_error(geometry.status());
  const auto pictures = evaluation_pictures(options.list, vit.num_classes);
  if (!pictures.ok()) return report_error(pictures.status());

  PictureFiles source(paths_of(pictures.value()), geometry.value());
  std::vector<std::uint8_t> pixels(std::size_t{geometry.value().height} * geometry.value().width * 3);
  std::vector<float> logits(static_cast<std::size_t>(vit.num_classes));
  NpyMatrix matrix(logits.size());
  FloatForward forward(network.value(), options.threads);
  const Progress progress = terminal_progress();
  Accuracy accuracy;
  int failed = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < source.count(); ++i) {
    progress("evaluating", i, source.count());
    if (const Status status = source.read(i, pixels.data()); !status.ok()) {
      std::cerr << "vitconvert: " << status.message() << '\n';
      ++failed;
      continue;
    }
    forward.run(pixels.data(), logits.data());
    accuracy.add(logits.data(), vit.num_classes, pictures.value()[static_cast<std::size_t>(i)].label);
    if (!options.logits.empty()) matrix.add_row(logits);
  }
  progress("evaluating", source.count(), source.count());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double rate = static_cast<double>(accuracy.count()) / seconds;
  if (!options.logits.empty()) {
    if (const Status status = matrix.write(options.logits); !status.ok()) return report_error(status);
  }
  if (options.json) {
    const nlohmann::ordered_json root = {{"count", accuracy.count()},
                                         {"top1", accuracy.top1_percent()},
                                         {"top5", accuracy.top5_percent()},
                                         {"images_per_s", rate},
                                         {"failed", failed},
                                         {"architecture", vit.architecture}};
    std::cout << root.dump(2) << '\n';
  } else {
    std::printf("%s in float32: top-1 %.2f %% (%lld/%lld), top-5 %.2f %%, %.1f images/s\n", vit.architecture.c_str(),
                accuracy.top1_percent(), static_cast<long long>(accuracy.top1_hits()),
                static_cast<long long>(accuracy.count()), accuracy.top5_percent(), rate);
  }
  return failed > 0 ? kExitSomeInputsFailed : kExitOk;
}

}  // namespace

Command add_reference(CLI::App& app) {
  auto options = std::make_shared<ReferenceCommand>();
  options->threads = physical_cores();
  CLI::App* command = app.add_subcommand("reference", "Accuracy of the float network itself");
  command->add_option("SRC", options->source, ".safetensors file or folder")->required();
  command->add_option("--eval", options->list, "LIST file of pictures with labels")->required();
  command->add_option("--logits", options->logits, "Write the logits to this .npy file");
  command->add_option("--threads", options->threads, "Threads")
      ->check(CLI::Range(1, kMaxThreads))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object");
  return [options] { return run(*options); };
}

}  // namespace intvit
