#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/format/checksum.h"
#include "engine/program/program.h"
#include "intvit/session.h"
#include "tools/common/machine/physical_cores.h"
#include "tools/common/pictures/picture_options.h"
#include "tools/common/results/digest.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/text_table.h"
#include "tools/vitconvert/commands.h"
#include "tools/vitconvert/compare_models.h"
#include "tools/vitconvert/sensitivity_json.h"

namespace intvit {
namespace {

struct CompareCommand {
  std::string paths[2];
  std::vector<std::string> pictures;
  PictureOptions reading;
  int threads = 1;
  OutputFormat format = OutputFormat::text;
};

using Models = std::shared_ptr<const Model>[2];
// A fact of both models; empty where a model does not have it.
struct Fact {
  std::string key, values[2];
};

std::string names_text(std::size_t count, const std::string& names) {
  return std::to_string(count) + " names (" +
         hex64(checksum64({reinterpret_cast<const std::uint8_t*>(names.data()), names.size()})) + ")";
}

std::vector<Fact> facts_of(const Models& models) {
  std::vector<Fact> facts;
  const auto add = [&](const std::string& key, const auto& value) {
    facts.push_back({key, {value(*models[0]), value(*models[1])}});
  };
  add("bytes", [](const Model& m) { return std::to_string(m.file_bytes()); });
  add("arena_bytes", [](const Model& m) { return std::to_string(m.program().arena_bytes); });
  add("steps", [](const Model& m) { return std::to_string(m.program().steps.size()); });
  add("op_set", [](const Model& m) { return std::to_string(m.op_set()); });
  add("input", [](const Model& m) { return std::to_string(m.input_height()) + "x" + std::to_string(m.input_width()); });
  add("classes", [](const Model& m) { return std::to_string(m.classes()); });
  std::map<std::string, Fact> metadata;
  for (int i = 0; i < 2; ++i) {
    for (const auto& [key, value] : models[i]->metadata()) {
      if (key == "site_sqnr_db" || is_sensitivity_key(key)) continue;
      metadata[key].key = key;
      metadata[key].values[i] = key == "labels" ? names_text(models[i]->labels().size(), value) : value;
    }
  }
  for (const auto& [key, fact] : metadata) facts.push_back(fact);
  return facts;
}

std::string shown(std::string text) {
  constexpr std::size_t kLongest = 60;
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text.empty() ? "-" : text;
}

std::string bits_text(int bits) { return bits == 0 ? "-" : std::to_string(bits); }

void print_text(const CompareCommand& options, const std::vector<Fact>& facts, const std::vector<LayerPair>& layers,
                const PictureComparison& pictures) {
  std::printf("A %s\nB %s\n", options.paths[0].c_str(), options.paths[1].c_str());
  TextTable table({"what differs", "A", "B"}, 3);
  for (const Fact& fact : facts) {
    if (fact.values[0] != fact.values[1]) table.add({fact.key, shown(fact.values[0]), shown(fact.values[1])});
  }
  table.print(std::cout);
  TextTable rows({"layer", "op", "bits A", "bits B", "weights dB", "format A", "format B"}, 2, 2);
  std::size_t same = 0;
  for (const LayerPair& l : layers) {
    if (!l.differs()) {
      ++same;
      continue;
    }
    rows.add({l.layer, l.op, bits_text(l.weight_bits[0]), bits_text(l.weight_bits[1]),
              l.weights_db ? fixed(*l.weights_db, 1) : "-", l.format[0].value_or("(not there)"),
              l.format[1].value_or("(not there)")});
  }
  if (same < layers.size()) rows.print(std::cout);
  std::cout << same << " of " << layers.size() << " steps are the same\n";
  if (options.pictures.empty()) return;
  std::cout << "on " << pictures.pictures << " pictures";
  if (pictures.agreement) std::cout << ", top-1 agreement " << fixed(*pictures.agreement, 2) << " %";
  for (const auto& [name, db] : pictures.output_db) std::cout << ", " << name << " SQNR " << fixed(db, 2) << " dB";
  std::cout << '\n';
}

void print_json(const CompareCommand& options, const std::vector<Fact>& facts, const std::vector<LayerPair>& layers,
                const PictureComparison& pictures) {
  nlohmann::ordered_json root = {{"a", options.paths[0]}, {"b", options.paths[1]}};
  root["facts"] = nlohmann::ordered_json::object();
  for (const Fact& fact : facts) root["facts"][fact.key] = {fact.values[0], fact.values[1]};
  root["layers"] = nlohmann::ordered_json::array();
  for (const LayerPair& l : layers) {
    nlohmann::ordered_json row = {{"layer", l.layer}, {"op", l.op}, {"differs", l.differs()}};
    row["format"] = nlohmann::ordered_json::array();
    for (const auto& format : l.format) row["format"].push_back(format ? nlohmann::ordered_json(*format) : nullptr);
    if (l.weight_bits[0] + l.weight_bits[1] > 0) row["weight_bits"] = {l.weight_bits[0], l.weight_bits[1]};
    if (l.weights_db) row["weights_db"] = *l.weights_db;
    root["layers"].push_back(row);
  }
  if (!options.pictures.empty()) {
    root["pictures"] = pictures.pictures;
    root["failed"] = pictures.failed;
    if (pictures.agreement) root["top1_agreement"] = *pictures.agreement;
    auto outputs = nlohmann::ordered_json::object();
    for (const auto& [name, db] : pictures.output_db) outputs[name] = db;
    if (!outputs.empty()) root["output_sqnr_db"] = outputs;
  }
  std::cout << json_text(root, 2) << '\n';
}

int run(const CompareCommand& options) {
  Models models;
  for (int i = 0; i < 2; ++i) {
    const auto model = Model::open(options.paths[i]);
    if (!model.ok()) return report_error(model.status());
    models[i] = model.value();
  }
  PictureComparison seen;
  if (!options.pictures.empty()) {
    const auto result = compare_on_pictures(models[0], models[1], options.pictures, options.threads, options.reading);
    if (!result.ok()) return report_error(result.status());
    seen = result.value();
  }
  const std::vector<Fact> facts = facts_of(models);
  const std::vector<LayerPair> layers = pair_layers(*models[0], *models[1]);
  (options.format == OutputFormat::json ? print_json : print_text)(options, facts, layers, seen);
  return seen.failed > 0 ? kExitSomeInputsFailed : kExitOk;
}

}  // namespace

Command add_compare(CLI::App& app) {
  auto options = std::make_shared<CompareCommand>();
  options->threads = physical_cores();
  CLI::App* command = app.add_subcommand("compare", "Two models: what differs, layer by layer, and on pictures");
  command->add_option("A", options->paths[0], "A model file")->required();
  command->add_option("B", options->paths[1], "Another one")->required();
  command->add_option("PICTURES", options->pictures,
                      "Pictures or folders to compare the outputs on: agreement, and B's noise against A");
  add_picture_options(*command, options->reading);
  command->add_option("--threads", options->threads, "Threads; if not given, the physical cores that may be used")
      ->check(CLI::Range(1, kMaxThreads));
  add_text_or_json(*command, options->format);
  return [options] { return run(*options); };
}

}  // namespace intvit
