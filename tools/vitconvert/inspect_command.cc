#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "converter/errors/sensitivity.h"
#include "engine/ops/linear_constants.h"
#include "engine/program/program.h"
#include "intvit/model.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/outputs.h"
#include "tools/common/results/text_table.h"
#include "tools/vitconvert/commands.h"
#include "tools/vitconvert/sensitivity_json.h"

namespace intvit {
namespace {

const char* type_name(DataType type) {
  constexpr const char* kNames[] = {"u8", "s8", "s16", "s32"};
  return kNames[static_cast<int>(type)];
}

std::string shape_of(const Program& program, BufferId id) {
  const Buffer& b = program.buffers[id];
  return std::to_string(b.rows) + "x" + std::to_string(b.columns) + " " + type_name(b.type);
}

// Shapes of the buffers that an operation reads, or of those that it writes, "197x192 u8".
std::string shapes(const Program& program, const Op& op, bool written) {
  std::string text;
  for (const Operand& operand : op->operands()) {
    const bool wanted = written ? operand.writes() : operand.access == Access::read;
    if (wanted) text += (text.empty() ? "" : ", ") + shape_of(program, operand.buffer);
  }
  return text;
}

// Values that are printed in a form of their own, or not at all.
bool is_long(const std::string& key) {
  return key == "labels" || key == "site_sqnr_db" || key == "site_aside_percent" || is_sensitivity_key(key);
}

void print_json(const Model& model, const std::string& path) {
  const Program& program = model.program();
  nlohmann::ordered_json root = {{"model", path},
                                 {"bytes", model.file_bytes()},
                                 {"classes", model.classes()},
                                 {"labels", model.labels().size()},
                                 {"input", {program.input.height, program.input.width, 3}},
                                 {"op_set", model.op_set()},
                                 {"arena_bytes", program.arena_bytes},
                                 {"kept_bytes", program.kept_bytes}};
  // Null that becomes an array or object by its first element is left half made where memory ends, and then crashes.
  root["outputs"] = nlohmann::ordered_json::array();
  root["metadata"] = nlohmann::ordered_json::object();
  for (const Port& port : model.outputs()) {
    root["outputs"].push_back({{"name", port.name},
                               {"shape", shape_of(port)},
                               {"type", type_name(port.type)},
                               {"unit", port.unit()},
                               {"zero", port.zero}});
  }
  for (const auto& [key, value] : model.metadata()) {
    if (!is_long(key)) root["metadata"][key] = value;
  }
  if (const auto aside = model.metadata().find("site_aside_percent"); aside != model.metadata().end()) {
    root["site_aside_percent"] = aside->second;
  }
  if (const auto sensitivity = stored_sensitivity(model.metadata()))
    root["sensitivity"] = sensitivity_json(*sensitivity);
  root["steps"] = nlohmann::ordered_json::array();
  for (const Step& step : program.steps) {
    nlohmann::ordered_json row = {{"op", step.op->name()}, {"layer", step.layer}};
    for (const Operand& operand : step.op->operands())
      row[std::string(operand.name)] = shape_of(program, operand.buffer);
    if (const LinearConstants* weights = step.op->weights()) row["weight_bits"] = weights->bits;
    row["format"] = step.op->describe(program);
    root["steps"].push_back(row);
  }
  root["constants"] = nlohmann::ordered_json::array();
  for (const Constant& constant : program.constants) {
    root["constants"].push_back(
        {{"name", constant.name}, {"type", type_name(constant.type)}, {"bytes", constant.bytes.size()}});
  }
  std::cout << json_text(root, 2) << '\n';
}

// A value of several lines in one.
std::string in_one_line(const std::string& value) {
  std::string line;
  for (const char c : value) line += c == '\n' ? std::string(", ") : std::string(1, c);
  return line;
}

// `judged` is the output that it is about.
void print_sensitivity(const Sensitivity& sensitivity, const std::string& judged) {
  TextTable sites({"quantizer", "isolated dB", "accumulated dB"}, 1), layers({"weights of", "isolated dB"}, 1);
  for (const SiteSensitivity& s : worst_first(sensitivity.sites))
    sites.add({s.site, fixed(s.isolated_db, 2), fixed(s.accumulated_db, 2)});
  for (const LayerSensitivity& l : worst_first(sensitivity.layers)) layers.add({l.layer, fixed(l.isolated_db, 2)});
  std::cout << "Sensitivity, worst first: SQNR of " << judged << " on " << sensitivity.pictures
            << " pictures with this alone quantized, and with all activations up to it:\n";
  sites.print(std::cout);
  layers.print(std::cout);
}

void print_text(const Model& model, const std::string& path) {
  const Program& program = model.program();
  std::printf("%s: %.2f MB, op set %d, input %ux%ux3, arena %.0f KiB a picture\n", path.c_str(),
              static_cast<double>(model.file_bytes()) / 1e6, model.op_set(), program.input.height, program.input.width,
              static_cast<double>(program.arena_bytes) / 1024);
  for (const Port& port : model.outputs()) {
    std::printf("  output %-17s %s %s, unit %g, zero %d\n", port.name.c_str(), shape_text(shape_of(port)).c_str(),
                type_name(port.type), port.unit(), port.zero);
  }
  if (model.classes() > 0)
    std::printf("  %-24s %d, %zu with names\n", "classes", model.classes(), model.labels().size());
  for (const auto& [key, value] : model.metadata()) {
    if (!is_long(key)) std::printf("  %-24s %s\n", key.c_str(), in_one_line(value).c_str());
  }
  std::printf("%-12s %-24s %-16s %-16s %s\n", "op", "layer", "src", "dst", "format");
  for (const Step& step : program.steps) {
    std::printf("%-12s %-24s %-16s %-16s %s\n", std::string(step.op->name()).c_str(), step.layer.c_str(),
                shapes(program, step.op, false).c_str(), shapes(program, step.op, true).c_str(),
                step.op->describe(program).c_str());
  }
  if (const auto errors = model.metadata().find("site_sqnr_db"); errors != model.metadata().end()) {
    std::printf("SQNR of every activation quantizer by itself, in dB:\n%s\n", errors->second.c_str());
  }
  if (const auto aside = model.metadata().find("site_aside_percent"); aside != model.metadata().end()) {
    std::printf("Percent of the values that are aside:\n%s\n", aside->second.c_str());
  }
  if (const auto sensitivity = stored_sensitivity(model.metadata())) {
    print_sensitivity(*sensitivity, model.classes() > 0 ? "the logits" : model.outputs().front().name);
  }
}

}  // namespace

Command add_inspect(CLI::App& app) {
  auto path = std::make_shared<std::string>();
  auto format = std::make_shared<OutputFormat>(OutputFormat::text);
  CLI::App* command = app.add_subcommand("inspect", "What is in a model file; checks all of it");
  command->add_option("MODEL", *path, "A model file")->required();
  add_text_or_json(*command, *format);
  return [path, format]() -> int {
    const auto model = Model::open(*path);
    if (!model.ok()) return report_error(model.status());
    if (*format == OutputFormat::json) {
      print_json(*model.value(), *path);
    } else {
      print_text(*model.value(), *path);
    }
    return kExitOk;
  };
}

}  // namespace intvit
