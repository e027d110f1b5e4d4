#include "tools/vitrun/stats.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "engine/format/layout.h"
#include "engine/format/writer.h"
#include "engine/program/program.h"
#include "intvit/session.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/pictures/input_pictures.h"
#include "tools/common/results/csv_text.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/text_table.h"

namespace intvit {
namespace {

constexpr std::size_t kMostPictures = 1024;
constexpr std::size_t kMostSites = kMaxPorts - 1;  // in a part: outputs beside the picture

struct Site {
  BufferId buffer = kNone;
  SiteStats stats;
};

// Steps up to `end`, of which these sites are still what their steps left.
struct Part {
  std::size_t end = 0;
  std::vector<Site> sites;
};

// What a step leaves in buffers of codes and of lists.
std::vector<Site> sites_of(const Program& program, const Step& step) {
  std::vector<Site> sites;
  for (const Operand& operand : step.op->operands()) {
    if (!operand.writes() || operand.buffer == kNone) continue;
    const bool is_lists = operand.name == "aside";
    if (!is_lists && (program.buffers[operand.buffer].type != DataType::u8 || operand.leaves.planes != 1)) continue;
    SiteStats stats;
    stats.site = step.layer + " " + std::string(step.op->name());
    stats.highest_code = is_lists ? 0 : std::min(operand.leaves.highest_code, 255u);
    sites.push_back({operand.buffer, stats});
  }
  return sites;
}

// As few parts as possible: every session runs all steps before its sites.
std::vector<Part> parts_of(const Program& program) {
  std::vector<Part> parts;
  std::set<BufferId> watched;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const std::vector<Operand> operands = program.steps[i].op->operands();
    const bool overwrites = std::any_of(operands.begin(), operands.end(), [&](const Operand& operand) {
      return operand.writes() && watched.count(operand.buffer) > 0;
    });
    if (parts.empty() || overwrites || parts.back().sites.size() + operands.size() > kMostSites) {
      parts.emplace_back();
      watched.clear();
    }
    for (Site& site : sites_of(program, program.steps[i])) {
      watched.insert(site.buffer);
      parts.back().sites.push_back(std::move(site));
      parts.back().end = i + 1;
    }
  }
  std::erase_if(parts, [](const Part& part) { return part.sites.empty(); });
  return parts;
}

// The program with the sites for outputs.
std::vector<std::uint8_t> part_of(const Program& program, const Part& part) {
  Program shorter = program;
  shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(part.end), shorter.steps.end());
  std::erase_if(shorter.ports, [](const ProgramPort& port) { return port.kind != PortKind::picture; });
  for (std::size_t i = 0; i < part.sites.size(); ++i) {
    shorter.add_port("site" + std::to_string(i), PortKind::tokens, part.sites[i].buffer);
  }
  return encode_model(shorter, {});
}

void count(const OutputView& output, SiteStats& stats) {
  for (int r = 0; r < output.rows; ++r) {
    if (stats.highest_code == 0) {
      const std::int64_t aside = static_cast<std::uint16_t>(output.at(r, 0));
      ++stats.values;
      stats.aside += aside;
      stats.overflowed += aside > (output.columns - 1) / 2;
      continue;
    }
    for (const std::uint8_t code : output.row<std::uint8_t>(r)) {
      ++stats.values;
      stats.lowest += code == 0;
      stats.highest += code == stats.highest_code;
    }
  }
}

double percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

double clamped(const SiteStats& stats) {
  return stats.highest_code == 0 ? percent(stats.overflowed, stats.values)
                                 : percent(stats.lowest + stats.highest, stats.values);
}

void print_rows(OutputFormat format, const std::vector<SiteStats>& sites) {
  if (format == OutputFormat::csv) {
    std::cout << csv_row({"site", "codes", "values", "lowest", "highest", "aside", "overflowed"});
  }
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  TextTable table({"site", "codes", "lowest %", "highest %", "aside a row", "too short %"}, 1);
  for (const SiteStats& s : sites) {
    const bool is_lists = s.highest_code == 0;
    const std::string codes = is_lists ? "" : std::to_string(s.highest_code + 1);
    if (format == OutputFormat::csv) {
      std::cout << csv_row({s.site, codes, std::to_string(s.values), std::to_string(s.lowest),
                            std::to_string(s.highest), std::to_string(s.aside), std::to_string(s.overflowed)});
    } else if (format == OutputFormat::text) {
      const double rows_counted = static_cast<double>(std::max<std::int64_t>(s.values, 1));
      table.add({shown_on(STDOUT_FILENO, s.site), codes, is_lists ? "" : fixed(percent(s.lowest, s.values), 2),
                 is_lists ? "" : fixed(percent(s.highest, s.values), 2),
                 is_lists ? fixed(static_cast<double>(s.aside) / rows_counted, 2) : "",
                 is_lists ? fixed(percent(s.overflowed, s.values), 2) : ""});
    } else {
      nlohmann::ordered_json row = {{"site", s.site}, {"values", s.values}};
      if (is_lists) {
        row["aside"] = s.aside;
        row["overflowed"] = s.overflowed;
      } else {
        row["codes"] = s.highest_code + 1;
        row["lowest"] = s.lowest;
        row["highest"] = s.highest;
      }
      if (format == OutputFormat::jsonl) std::cout << json_text(row) << '\n';
      rows.push_back(std::move(row));
    }
  }
  if (format == OutputFormat::text) table.print(std::cout);
  if (format == OutputFormat::json) std::cout << json_text(rows, 2) << '\n';
}

}  // namespace

Result<std::vector<SiteStats>> count_stats(const Model& model, Isa isa, int threads,
                                           const std::vector<std::vector<std::uint8_t>>& pictures) {
  std::vector<SiteStats> all;
  for (Part& part : parts_of(model.program())) {
    const std::vector<std::uint8_t> bytes = part_of(model.program(), part);
    const auto shorter = Model::from_memory(bytes, "part of the model", {.storage = Storage::in_place, .log = {}});
    if (!shorter.ok()) return shorter.status();
    const auto session = Session::create(shorter.value(), {.threads = threads, .isa = isa});
    if (!session.ok()) return session.status();
    for (const std::vector<std::uint8_t>& picture : pictures) {
      std::copy(picture.begin(), picture.end(), session.value()->picture(0));
      session.value()->run();
      for (std::size_t i = 0; i < part.sites.size(); ++i) count(session.value()->output(0, i), part.sites[i].stats);
    }
    for (Site& site : part.sites) all.push_back(std::move(site.stats));
  }
  return all;
}

Result<int> print_stats(const VitrunOptions& options, const Model& model, Isa isa) {
  InputFeed feed(options.inputs, std::cin, options.name_end);
  std::vector<std::vector<std::uint8_t>> pixels;
  std::size_t failed = 0;
  while (const std::optional<InputPicture> picture = feed.next()) {
    if (pixels.size() == kMostPictures) {
      return Status(Code::invalid_argument, "--stats takes at most " + std::to_string(kMostPictures) + " pictures");
    }
    PreparedPicture prepared;
    prepared.status = picture->problem;
    if (prepared.status.ok()) prepared = prepare_picture(picture->path, options.pictures, model.program().input, isa);
    if (prepared.status.ok()) {
      pixels.emplace_back(prepared.pixels.get(), prepared.pixels.get() + prepared.bytes);
    } else {
      ++failed;
      print_message("vitrun", prepared.status.message());
    }
  }
  if (!feed.status().ok()) return feed.status();
  if (pixels.empty()) return Status(Code::invalid_argument, "--stats has no picture to count");
  Result<std::vector<SiteStats>> counted = count_stats(model, isa, options.threads, pixels);
  if (!counted.ok()) return counted.status();
  std::vector<SiteStats> sites = counted.take();
  std::stable_sort(sites.begin(), sites.end(),
                   [](const SiteStats& a, const SiteStats& b) { return clamped(a) > clamped(b); });
  print_rows(options.format, sites);
  return failed > 0 ? kExitSomeInputsFailed : kExitOk;
}

}  // namespace intvit
