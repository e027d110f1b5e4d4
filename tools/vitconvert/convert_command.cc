#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "converter/lower/input_geometry.h"
#include "converter/report/html_report.h"
#include "engine/format/writer.h"
#include "engine/run/select_isa.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/pictures/labels_file.h"
#include "tools/common/pictures/picture_options.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/output_file.h"
#include "tools/vitconvert/class_options.h"
#include "tools/vitconvert/commands.h"
#include "tools/vitconvert/sensitivity_json.h"

namespace intvit {
namespace {

struct ConvertCommand {
  std::string source, output, calibration, plan, write_plan, report, labels, isa;
  int calibration_count = 0;
  PictureOptions pictures;
  ConvertOptions convert;
  OutputChoice outputs;
  ClassOptions classes;
  InputSize input;
  std::string weights = "feedback", equalise_heads = "on";
  bool sensitivity = false;
  int sensitivity_pictures = 8;
  bool json = false;
};

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status(Code::not_found, "cannot open plan '" + path + "'");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string decimal(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

Status check_outputs(const ConvertCommand& options) {
  if (Status status = check_output_file("the model", options.output); !status.ok()) return status;
  if (Status status = check_output_file("the plan", options.write_plan); !status.ok()) return status;
  return check_output_file("the report", options.report);
}

int run(ConvertCommand options) {
  const auto start = std::chrono::steady_clock::now();
  options.convert.feedback = options.weights == "feedback";
  options.convert.equalise_heads = options.equalise_heads == "on";
  options.convert.sensitivity_pictures = options.sensitivity ? options.sensitivity_pictures : 0;
  options.convert.report_pictures = options.report.empty() ? 0 : kReportPictures;
  // Cheap mistakes first.
  if (const auto method = find_method(options.convert.method); !method.ok()) return report_error(method.status());
  if (const auto knobs = Knobs::with(options.convert.method, options.convert.settings); !knobs.ok())
    return report_error(knobs.status());
  if (Status status = check_outputs(options); !status.ok()) return report_error(status);
  const Result<Isa> isa = select_isa(options.isa);
  if (!isa.ok()) return report_error(isa.status());
  options.convert.budget.isa = isa.value();
  const auto pictures = calibration_pictures(options.calibration, options.calibration_count);
  if (!pictures.ok()) return report_error(pictures.status());
  if (!options.plan.empty()) {
    const Result<std::string> text = read_text(options.plan);
    if (!text.ok()) return report_error(text.status());
    Result<Plan> plan = plan_from_json(text.value(), options.plan);
    if (!plan.ok()) return report_error(plan.status());
    options.convert.plan = plan.take();
  }
  if (Status status = read_classes(options.classes, options.outputs); !status.ok()) return report_error(status);
  Result<FloatNetwork> network = load_with_notes(options.source, options.outputs, options.input);
  if (!network.ok()) return report_error(network.status());
  if (!options.labels.empty()) {
    if (Status status = needs_logits(network.value(), "--labels"); !status.ok()) return report_error(status);
    Result<std::vector<std::string>> labels = read_labels(options.labels, network.value().classes());
    if (!labels.ok()) return report_error(labels.status());
    network.value().labels = labels.take();
  }
  const Result<InputGeometry> geometry = input_geometry(network.value().preprocessing);
  if (!geometry.ok()) return report_error(geometry.status());

  PictureFiles source(paths_of(pictures.value()), geometry.value(), options.pictures);
  const Result<Conversion> conversion = convert(network.value(), source, options.convert, terminal_progress());
  print_notes(source.notes());
  if (!conversion.ok()) return report_error(conversion.status());
  if (!options.write_plan.empty()) {
    const std::string text = plan_to_json(conversion.value().plan);
    const Status status =
        write_file_atomically(options.write_plan, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    if (!status.ok()) return report_error(status);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return finish_conversion(conversion.value(), options.output, options.report, options.json, seconds);
}

}  // namespace

int finish_conversion(const Conversion& conversion, const std::string& output, const std::string& report, bool json,
                      double seconds) {
  if (const Status status = write_file_atomically(output, conversion.file); !status.ok()) return report_error(status);
  if (!report.empty()) {
    const std::string page = html_report(conversion, output);
    const Status status =
        write_file_atomically(report, {reinterpret_cast<const std::uint8_t*>(page.data()), page.size()});
    if (!status.ok()) return report_error(status);
  }
  const Verification& v = conversion.verification;
  if (json) {
    nlohmann::ordered_json sites = nlohmann::ordered_json::object();
    for (const SiteError& error : conversion.site_errors) sites[error.site] = error.sqnr_db;
    nlohmann::ordered_json root = {{"model", output},
                                   {"bytes", conversion.file.size()},
                                   {"architecture", conversion.metadata.at("architecture")},
                                   {"method", conversion.metadata.at("method")},
                                   {"pictures", v.pictures}};
    if (v.top1_agreement) root["top1_agreement"] = *v.top1_agreement;
    for (const OutputSqnr& one : v.outputs) {
      if (one.output == "logits") {
        root["logit_sqnr_db"] = one.sqnr_db;
      } else {
        root["output_sqnr_db"][one.output] = one.sqnr_db;
      }
    }
    root["seconds"] = seconds;
    root["site_sqnr_db"] = sites;
    if (conversion.milliseconds) root["median_ms"] = *conversion.milliseconds;
    if (conversion.sensitivity) root["sensitivity"] = sensitivity_json(*conversion.sensitivity);
    std::cout << json_text(root, 2) << '\n';
    return kExitOk;
  }
  std::printf("%s: %s, method %s, W%sA%s, %.2f MB, in %.1f s\n", output.c_str(),
              conversion.metadata.at("architecture").c_str(), conversion.metadata.at("method").c_str(),
              conversion.metadata.at("weight_bits").c_str(), conversion.metadata.at("activation_bits").c_str(),
              static_cast<double>(conversion.file.size()) / 1e6, seconds);
  if (conversion.milliseconds) {
    std::printf("%.2f ms a picture on one thread of this machine (%s); at most %s were allowed\n",
                *conversion.milliseconds, conversion.metadata.at("max_ms_isa").c_str(),
                conversion.metadata.at("max_ms").c_str());
  }
  std::string figures;
  if (v.top1_agreement) figures = "top-1 agreement " + decimal(*v.top1_agreement, 1) + " %";
  for (const OutputSqnr& one : v.outputs) {
    figures += (figures.empty() ? "" : ", ") + (one.output == "logits" ? "logit" : one.output) + " SQNR " +
               decimal(one.sqnr_db, 2) + " dB";
  }
  std::printf("against float on %d calibration pictures: %s\n", v.pictures, figures.c_str());
  return kExitOk;
}

Command add_convert(CLI::App& app) {
  auto options = std::make_shared<ConvertCommand>();
  CLI::App* command = app.add_subcommand("convert", "Checkpoint and calibration pictures -> model file");
  command->add_option("SRC", options->source, ".safetensors file, or folder with config.json and model.safetensors")
      ->required();
  command->add_option("-o,--output", options->output, "The model file to write")->required()->check(file_name());
  command->add_option("--calib", options->calibration, "LIST file or folder of calibration pictures")->required();
  command->add_option("--calib-count", options->calibration_count, "Use only the first N pictures")
      ->check(CLI::Range(1, 1000000));
  add_picture_options(*command, options->pictures);
  add_output_options(*command, options->outputs);
  add_class_options(*command, options->classes);
  add_input_size_option(*command, options->input);
  add_convert_options(*command, options->convert);
  command
      ->add_option(
          "--weights", options->weights,
          "Choice of weights: feedback (layer after layer, corrected for what is lost before; ERQ, GPTQ) or nearest")
      ->check(CLI::IsMember({"feedback", "nearest"}))
      ->capture_default_str();
  command
      ->add_option("--equalise-heads", options->equalise_heads,
                   "Scale and rotate the channels of query, key and value, exactly, before they are quantized to "
                   "fewer than 8 bits: on or off")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  command
      ->add_option("--max-ms", options->convert.budget.milliseconds,
                   "Method auto: at most so many milliseconds a picture, on one thread of this machine")
      ->check(real_number(1e-6, 1e9, "POSITIVE"));
  command->add_option("--max-mb", options->convert.budget.megabytes, "Method auto: at most so many megabytes of file")
      ->check(real_number(1e-6, 1e9, "POSITIVE"));
  command->add_option("--isa", options->isa, "The instruction set that --max-ms is of; default: the best one here");
  command->add_option("--labels", options->labels, "Class names, one per line, instead of the checkpoint's")
      ->check(file_name());
  command->add_option("--plan", options->plan, "Use the quantizers of this file instead of a method's")
      ->check(file_name());
  command->add_option("--write-plan", options->write_plan, "Write the quantizers that were used, as JSON")
      ->check(file_name());
  command
      ->add_option("--report", options->report,
                   "Write a page (HTML) on the model, the error of every quantizer and of every layer")
      ->check(file_name());
  CLI::Option* sensitivity = command->add_flag(
      "--sensitivity", options->sensitivity,
      "Measure what every quantizer alone costs, for 'vitconvert inspect' and the report (slow: some 10 runs of the "
      "float network per block and picture)");
  command->add_option("--sensitivity-pictures", options->sensitivity_pictures, "The first N calibration pictures")
      ->check(CLI::Range(1, 1000000))
      ->needs(sensitivity)
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object");
  return [options] { return run(*options); };
}

}  // namespace intvit
