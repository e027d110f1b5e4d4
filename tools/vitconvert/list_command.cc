#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "converter/methods/method.h"
#include "models/architectures.h"
#include "models/swin_architectures.h"
#include "tools/common/cli/format_options.h"
#include "tools/common/results/csv_text.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/text_table.h"
#include "tools/vitconvert/commands.h"

namespace intvit {
namespace {

using Json = nlohmann::ordered_json;

// Rows are objects with the same keys.
Json method_rows() {
  Json rows = Json::array();
  for (const Method& method : methods()) {
    Json knobs = Json::array();
    for (const Knob& knob : knobs_of(method.name)) {
      knobs.push_back({{"name", knob.name},
                       {"default", knob.initial},
                       {"lowest", knob.lowest},
                       {"highest", knob.highest},
                       {"help", knob.help}});
    }
    rows.push_back({{"name", method.name}, {"summary", method.summary}, {"knobs", std::move(knobs)}});
  }
  return rows;
}

// Depth, heads and windows of a Swin are those of its stages; other architectures have no windows.
Json architecture_rows() {
  Json rows = Json::array();
  for (const Architecture& a : architectures()) {
    rows.push_back({{"name", a.name},
                    {"image_size", a.image_size},
                    {"patch_size", a.patch_size},
                    {"dim", a.embed_dim},
                    {"depth", a.depth},
                    {"heads", a.num_heads},
                    {"window", nullptr}});
  }
  for (const SwinArchitecture& a : swin_architectures()) {
    const SwinDescription swin = to_description(a);
    Json depths = Json::array(), heads = Json::array();
    for (const SwinStage& stage : swin.stages) depths.push_back(stage.depth), heads.push_back(stage.num_heads);
    rows.push_back({{"name", a.name},
                    {"image_size", a.image_size},
                    {"patch_size", 4},
                    {"dim", a.embed_dim},
                    {"depth", std::move(depths)},
                    {"heads", std::move(heads)},
                    {"window", a.windows[0]}});
  }
  return rows;
}

constexpr std::pair<const char*, const char*> kFormats[] = {
    {"checkpoints",
     ".safetensors, torch.save or numpy.savez (F32, F64, F16, BF16), one file or shards with "
     "model.safetensors.index.json or "
     "pytorch_model.bin.index.json"},
    {"folders", "timm hub, Hugging Face transformers (config.json, preprocessor_config.json), open_clip"},
    {"pictures", "JPEG, PNG, BMP, PNM; WebP where the build found libwebp"},
    {"weights",
     "8 bits: signed, a scale per output; 2 to 6 bits: a scale and zero point per output; 5 and 6 are stored in bytes"},
    {"activations",
     "3 to 8 bits: uniform (query, key and value per head), tables, a scheme per token or the row's own extremes (both "
     "with outliers kept apart), groups of channels; all but uniform ones stand for values on a common grid of 8 bits, "
     "or of up to 12 bits in two byte planes"},
    {"softmax",
     "8 bits relative to the row's largest; tables of 3 to 8 bits, relative or absolute, one or one per head, values "
     "of up to 12 bits; rows in groups by their largest"},
    {"residual", "16 bits; or fewer, such as 8, with a coarser step for some channels"},
};

Json format_rows() {
  Json rows = Json::array();
  for (const auto& [what, formats] : kFormats) rows.push_back({{"what", what}, {"formats", formats}});
  return rows;
}

void print_methods() {
  for (const Method& method : methods()) {
    std::printf("%-12s %s\n", std::string(method.name).c_str(), std::string(method.summary).c_str());
    for (const Knob& knob : knobs_of(method.name)) {
      std::printf("  %-10s %s; %g..%g, default %g\n", std::string(knob.name).c_str(), std::string(knob.help).c_str(),
                  knob.lowest, knob.highest, knob.initial);
    }
  }
}

void print_architectures() {
  for (const Architecture& a : architectures()) {
    std::printf("%-40s %dx%d, patch %d, dim %d, depth %d, heads %d\n", a.name, a.image_size, a.image_size, a.patch_size,
                a.embed_dim, a.depth, a.num_heads);
  }
  for (const SwinArchitecture& a : swin_architectures()) {
    const SwinDescription swin = to_description(a);
    std::string depths;
    for (const SwinStage& stage : swin.stages) depths += (depths.empty() ? "" : "+") + std::to_string(stage.depth);
    std::printf("%-40s %dx%d, patch 4, dim %d, depth %s, heads %d to %d, window %d\n", a.name, a.image_size,
                a.image_size, a.embed_dim, depths.c_str(), swin.stages.front().num_heads, swin.stages.back().num_heads,
                a.windows[0]);
  }
}

// In lines of at most 120 letters.
void print_formats() {
  constexpr std::size_t kIndent = 14, kWidth = 106;
  for (const auto& [what, formats] : kFormats) {
    std::string line = what;
    for (std::string_view rest = formats; !rest.empty();) {
      const std::size_t end = rest.size() <= kWidth ? rest.size() : rest.rfind(' ', kWidth);
      line.resize(kIndent, ' ');
      line += rest.substr(0, end);
      std::cout << line << '\n';
      rest.remove_prefix(std::min(rest.size(), end + 1));
      line.clear();
    }
  }
}

// What a cell of a table says of a value; knobs as --set takes them.
std::string cell_of(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) return value["name"].get<std::string>() + "=" + cell_of(value["default"]);
  if (!value.is_array()) return value.is_number_float() ? exact_text(value.get<double>()) : value.dump();
  std::string text;
  for (const Json& one : value) text += (text.empty() ? "" : " ") + cell_of(one);
  return text;
}

void print_table(const Json& rows, bool csv) {
  TextTable::Cells keys;
  for (const auto& [key, value] : rows[0].items()) keys.push_back(key);
  TextTable table(keys, keys.size());
  for (const Json& row : rows) {
    TextTable::Cells cells;
    for (const Json& value : row) cells.push_back(cell_of(value));
    table.add(std::move(cells));
  }
  csv ? table.print_csv(std::cout) : table.print_markdown(std::cout);
}

struct Listing {
  const char* name;
  Json (*rows)();
  void (*print)();
};
constexpr Listing kListings[] = {{"methods", method_rows, print_methods},
                                 {"archs", architecture_rows, print_architectures},
                                 {"formats", format_rows, print_formats}};

void print(const Listing& listing, OutputFormat format) {
  if (format == OutputFormat::text) return listing.print();
  const Json rows = listing.rows();
  if (format == OutputFormat::json) {
    std::cout << json_text(rows, 2) << '\n';
  } else if (format == OutputFormat::jsonl) {
    for (const Json& row : rows) std::cout << json_text(row) << '\n';
  } else {
    print_table(rows, format == OutputFormat::csv);
  }
}

}  // namespace

Command add_list(CLI::App& app) {
  using enum OutputFormat;
  auto what = std::make_shared<std::string>();
  auto format = std::make_shared<OutputFormat>(text);
  CLI::App* command = app.add_subcommand("list", "What this build knows: methods, archs or formats");
  command->add_option("WHAT", *what, "methods, archs or formats")
      ->required()
      ->check(CLI::IsMember({"methods", "archs", "formats"}));
  add_format_options(*command, *format, {text, markdown, csv, json, jsonl}, {});
  return [what, format] {
    for (const Listing& listing : kListings) {
      if (*what == listing.name) print(listing, *format);
    }
    return static_cast<int>(kExitOk);
  };
}

}  // namespace intvit
