// vitconvert verify: that a model file is what it was. The file's own checksums find damage; a manifest that is kept
// elsewhere finds another file, and names what is different in it.
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/format/checksum.h"
#include "engine/program/program.h"
#include "intvit/model.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/results/digest.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/output_file.h"
#include "tools/vitconvert/commands.h"
#include "tools/vitconvert/manifest.h"

namespace intvit {
namespace {

struct VerifyCommand {
  std::string model, write, against;
  OutputFormat format = OutputFormat::text;
};

ManifestEntry entry_of(const std::string& kind, std::string name, std::span<const std::uint8_t> bytes) {
  for (char& c : name) c = static_cast<unsigned char>(c) < 0x20 ? '?' : c;  // an entry is a line
  return {kind, hex64(checksum64(bytes)), bytes.size(), name};
}

std::vector<ManifestEntry> entries_of(const Model& model) {
  std::vector<ManifestEntry> entries = {{"file", hex64(model.digest()), model.file_bytes(), "all"}};
  for (const auto& [key, value] : model.metadata()) {
    entries.push_back(entry_of("metadata", key, {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()}));
  }
  std::map<std::string, int> seen;  // names may occur twice
  for (const Constant& constant : model.program().constants) {
    const int count = ++seen[constant.name];
    entries.push_back(
        entry_of("constant", constant.name + (count > 1 ? "#" + std::to_string(count) : ""), constant.bytes));
  }
  return entries;
}

// What is not as the manifest has it, by name.
std::vector<std::string> differences(const std::vector<ManifestEntry>& entries, Manifest manifest) {
  std::vector<std::string> names;
  for (const ManifestEntry& entry : entries) {
    const std::string name = entry.kind + " '" + entry.name + "'";
    const auto found = manifest.find(name);
    if (found == manifest.end()) {
      names.push_back(name + " is new");
      continue;
    }
    if (found->second != entry.line()) names.push_back(name + " is another");
    manifest.erase(found);
  }
  for (const auto& [name, line] : manifest) names.push_back(name + " is missing");
  return names;
}

void print_json(const VerifyCommand& options, const std::vector<ManifestEntry>& entries,
                const std::vector<std::string>& different) {
  nlohmann::ordered_json root = {{"model", options.model}, {"ok", different.empty()}};
  root["entries"] = nlohmann::ordered_json::array();
  for (const ManifestEntry& entry : entries) {
    root["entries"].push_back(
        {{"kind", entry.kind}, {"checksum", entry.checksum}, {"bytes", entry.bytes}, {"name", entry.name}});
  }
  if (!options.against.empty()) root["different"] = different;
  std::cout << json_text(root, 2) << '\n';
}

int run(const VerifyCommand& options) {
  if (Status status = check_output_file("the manifest", options.write); !status.ok()) return report_error(status);
  Manifest manifest;
  if (!options.against.empty()) {
    Result<Manifest> read = read_manifest(options.against);
    if (!read.ok()) return report_error(read.status());
    manifest = read.take();
  }
  const auto model = Model::open(options.model);
  if (!model.ok()) return report_error(model.status());
  const std::vector<ManifestEntry> entries = entries_of(*model.value());
  if (Status status = write_text(options.write, manifest_of(entries)); !status.ok()) return report_error(status);
  std::vector<std::string> different;
  if (!options.against.empty()) different = differences(entries, manifest);
  if (options.format == OutputFormat::json) {
    print_json(options, entries, different);
  } else {
    if (options.write.empty() && options.against.empty()) std::cout << manifest_of(entries);
    for (const std::string& name : different) std::cout << name << '\n';
  }
  if (different.empty()) return kExitOk;
  return report_error({Code::check_failed, "'" + options.model + "' is not what '" + options.against +
                                               "' says: " + std::to_string(different.size()) + " entries differ"});
}

}  // namespace

Command add_verify(CLI::App& app) {
  auto options = std::make_shared<VerifyCommand>();
  CLI::App* command =
      app.add_subcommand("verify", "Check all of a model file, and list or compare the checksums of what is in it");
  command->add_option("MODEL", options->model, "A model file")->required();
  command->add_option("--write", options->write, "Write the checksums to a manifest instead of printing them")
      ->check(file_name());
  command->add_option("--against", options->against, "Compare with a manifest; exit code 5 if anything differs")
      ->check(file_name());
  add_text_or_json(*command, options->format);
  return [options] { return run(*options); };
}

}  // namespace intvit
