#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "converter/float/for_each_in_order.h"
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

// What one walk over the pictures yields.
struct Evaluated {
  Accuracy accuracy;
  NpyMatrix logits;
  int failed = 0;
  double seconds = 0;

  double rate() const { return static_cast<double>(accuracy.count()) / seconds; }
};

// Pictures that cannot be read are reported on stderr.
Evaluated evaluate(const FloatNetwork& network, const std::vector<LabelledPicture>& pictures,
                   const InputGeometry& geometry, int threads, bool keep_logits) {
  using Logits = std::vector<float>;
  const int classes = network.description.num_classes;
  PictureFiles source(paths_of(pictures), geometry);
  const Progress progress = terminal_progress();
  Evaluated result{{}, NpyMatrix(static_cast<std::size_t>(classes))};
  const auto start = std::chrono::steady_clock::now();
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by),
            pixels = std::vector<std::uint8_t>(std::size_t{geometry.height} * geometry.width * 3)](
               int i) mutable -> Result<Logits> {
      if (Status status = source.read(i, pixels.data()); !status.ok()) return status;
      Logits logits(static_cast<std::size_t>(classes));
      forward.run(pixels.data(), logits.data());
      return logits;
    };
  };
  const auto count = [&](int i, const Result<Logits>& logits) -> Status {
    if (logits.ok()) {
      result.accuracy.add(logits.value().data(), classes, pictures[static_cast<std::size_t>(i)].label);
      if (keep_logits) result.logits.add_row(logits.value());
    } else {
      std::cerr << "vitconvert: " << logits.status().message() << '\n';
      ++result.failed;
    }
    progress("evaluating", i + 1, source.count());
    return {};
  };
  progress("evaluating", 0, source.count());
  // A picture that fails ends nothing.
  static_cast<void>(for_each_in_order(source.count(), threads, make_worker, count));
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

int run(const ReferenceCommand& options) {
  const Result<FloatNetwork> network = load_with_notes(options.source);
  if (!network.ok()) return report_error(network.status());
  const VitDescription& vit = network.value().description;
  const Result<InputGeometry> geometry = input_geometry(vit.preprocessing);
  if (!geometry.ok()) return report_error(geometry.status());
  const auto pictures = evaluation_pictures(options.list, vit.num_classes);
  if (!pictures.ok()) return report_error(pictures.status());

  Evaluated result =
      evaluate(network.value(), pictures.value(), geometry.value(), options.threads, !options.logits.empty());
  const Accuracy& accuracy = result.accuracy;
  if (!options.logits.empty()) {
    if (const Status status = result.logits.write(options.logits); !status.ok()) return report_error(status);
  }
  if (options.json) {
    const nlohmann::ordered_json root = {{"count", accuracy.count()},       {"top1", accuracy.top1_percent()},
                                         {"top5", accuracy.top5_percent()}, {"images_per_s", result.rate()},
                                         {"failed", result.failed},         {"architecture", vit.architecture}};
    std::cout << root.dump(2) << '\n';
  } else {
    std::printf("%s in float32: top-1 %.2f %% (%lld/%lld), top-5 %.2f %%, %.1f images/s\n", vit.architecture.c_str(),
                accuracy.top1_percent(), static_cast<long long>(accuracy.top1_hits()),
                static_cast<long long>(accuracy.count()), accuracy.top5_percent(), result.rate());
  }
  return result.failed > 0 ? kExitSomeInputsFailed : kExitOk;
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
