#include "tools/vitrun/stats.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/program/program.h"
#include "intvit/session.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/results/csv_text.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/text_table.h"
#include "tools/vitrun/inputs.h"
#include "tools/vitrun/sites.h"

namespace intvit {
namespace {

// Buffers of codes and of lists, of those that can be shown.
std::vector<Site> counted_sites(const Program& program) {
  std::vector<Site> sites = sites_of(program);
  std::erase_if(sites, [&](const Site& site) {
    return !site.can_be_shown || (!site.is_lists && program.buffers[site.buffer].type != DataType::u8);
  });
  return sites;
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
  const Program& program = model.program();
  const std::vector<Site> sites = counted_sites(program);
  std::vector<SiteStats> all;
  for (const Site& site : sites) {
    all.push_back({.site = site.layer + " " + site.operation, .highest_code = site.is_lists ? 0 : site.highest_code});
  }
  for (const SiteRange& range : site_ranges(program, sites)) {
    const Result<SiteRun> run = make_site_run(program, sites, range, isa, threads);
    if (!run.ok()) return run.status();
    Session& session = *run.value().session;
    for (const std::vector<std::uint8_t>& picture : pictures) {
      std::copy(picture.begin(), picture.end(), session.picture(0));
      session.run();
      for (std::size_t i = range.first; i < range.end; ++i) count(session.output(0, i - range.first), all[i]);
    }
  }
  return all;
}

Result<int> print_stats(const VitrunOptions& options, const Model& model, Isa isa) {
  const Result<InputPixels> pictures = read_input_pixels(options, model, isa, "--stats");
  if (!pictures.ok()) return pictures.status();
  Result<std::vector<SiteStats>> counted = count_stats(model, isa, options.threads, pictures.value().pixels);
  if (!counted.ok()) return counted.status();
  std::vector<SiteStats> sites = counted.take();
  std::stable_sort(sites.begin(), sites.end(),
                   [](const SiteStats& a, const SiteStats& b) { return clamped(a) > clamped(b); });
  print_rows(options.format, sites);
  return pictures.value().failed > 0 ? kExitSomeInputsFailed : kExitOk;
}

}  // namespace intvit
