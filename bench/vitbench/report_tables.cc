// What people read: the common facts once, on top, and only the numbers that are compared in tables.
#include <set>

#include "bench/vitbench/report.h"
#include "tools/common/machine/build_info.h"
#include "tools/common/machine/machine.h"
#include "tools/common/results/text_table.h"

namespace intvit::bench {
namespace {

TextTable::Cells key_cells(const Row& row) {
  return {row.model, row.isa, std::to_string(row.threads), std::to_string(row.batch)};
}

TextTable::Cells operator+(TextTable::Cells left, const TextTable::Cells& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const TextTable::Cells kKeys = {"model", "isa", "threads", "batch"};

TextTable summary_table(const std::vector<Row>& rows) {
  TextTable table(kKeys + TextTable::Cells{"runs", "median ms", "min ms", "p90 ms", "p99 ms", "spread %", "images/s",
                                           "GMAC/s", "% of peak", "peak MiB"},
                  2);
  for (const Row& row : rows) {
    const std::optional<double> percent = row.percent_of_peak();
    table.add(key_cells(row) + TextTable::Cells{std::to_string(row.times.size()), fixed(row.milliseconds.median, 3),
                                                fixed(row.milliseconds.min, 3), fixed(row.milliseconds.p90, 3),
                                                fixed(row.milliseconds.p99, 3),
                                                fixed(row.milliseconds.spread_percent, 1), fixed(row.images_per_s(), 1),
                                                fixed(row.gmac_per_s(), 1), percent ? fixed(*percent, 1) : "-",
                                                fixed(row.peak_rss_mib, 1)});
  }
  return table;
}

TextTable cold_table(const std::vector<Row>& rows) {
  TextTable table(kKeys + TextTable::Cells{"open ms", "session ms", "first run ms", "total ms", "x median", "touch ms",
                                           "page faults", "of them read"},
                  2);
  for (const Row& row : rows) {
    table.add(key_cells(row) + TextTable::Cells{fixed(row.cold.open, 3), fixed(row.cold.session, 3),
                                                fixed(row.cold.run, 3), fixed(row.cold.total(), 3),
                                                fixed(row.cold_over_median(), 2), fixed(row.cold.touch, 3),
                                                std::to_string(row.cold.minor_faults + row.cold.major_faults),
                                                std::to_string(row.cold.major_faults)});
  }
  return table;
}

TextTable comparison_table(const std::vector<Row>& rows) {
  TextTable table(kKeys + TextTable::Cells{"old ms", "new ms", "ratio", "95 % from", "to", "verdict"}, 2, 1);
  for (const Row& row : rows) {
    if (!row.comparison) continue;
    const Comparison& c = *row.comparison;
    table.add(key_cells(row) + TextTable::Cells{fixed(c.old_median, 3), fixed(row.milliseconds.median, 3),
                                                fixed(c.ratio.value, 3), fixed(c.ratio.low, 3), fixed(c.ratio.high, 3),
                                                verdict_name(c.verdict)});
  }
  return table;
}

std::string rate(const ProfileRow& row) { return row.gmac > 0 ? fixed(row.gmac_per_s(), 1) : "-"; }

TextTable op_table(const std::vector<ProfileRow>& layers) {
  TextTable table({"operation", "steps", "ms", "%", "GMAC/s"}, 1);
  for (const ProfileRow& row : profile_by_op(layers)) {
    table.add({row.op, std::to_string(row.steps), fixed(row.milliseconds, 3), fixed(row.share, 1), rate(row)});
  }
  return table;
}

TextTable layer_table(const std::vector<ProfileRow>& layers) {
  TextTable table({"layer", "operation", "ms", "%", "GMAC/s"}, 2);
  for (const ProfileRow& row : layers) {
    table.add({row.layer, row.op, fixed(row.milliseconds, 3), fixed(row.share, 1), rate(row)});
  }
  return table;
}

std::string describe(const MachinePeak& machine) {
  std::string text = "peak of " + std::string(isa_name(machine.isa)) + ", threads " + std::to_string(machine.threads);
  if (machine.peak) {
    const Peak& peak = *machine.peak;
    text += ": " + fixed(peak.weights8, 1) + " GMAC/s (" + peak.instruction8 + ")";
    if (peak.instruction4 != peak.instruction8) {
      text += ", with 4-bit weights " + fixed(peak.weights4, 1) + " GMAC/s (" + peak.instruction4 + ")";
    }
  } else {
    text += ": not known";
  }
  return machine.barrier_ns ? text + "; a barrier takes " + fixed(*machine.barrier_ns, 0) + " ns" : text;
}

void print_facts(std::ostream& out, const char* bullet, const Report& report) {
  out << bullet << "vitbench " << version() << " (commit " << commit() << "), " << compiler() << ", " << build_type()
      << " (" << build_flags() << "), " << cpu_name() << '\n';
  std::set<int> threads;
  if (!report.rows.empty()) {
    const Row& first = report.rows.front();
    const std::string machine = machine_text(first.machine);
    out << bullet << first.machine.time << (machine.empty() ? "" : ": ") << machine << '\n';
    out << bullet << "pictures: " << first.pictures << '\n';
    for (const Row& row : report.rows) {
      if (!row.pinned.empty() && threads.insert(row.threads).second) {
        out << bullet << "threads " << row.threads << ": bound to CPU " << row.pinned << '\n';
      }
    }
  }
  std::set<std::string> seen;
  for (const Row& row : report.rows) {
    if (!seen.insert(row.model).second) continue;
    out << bullet << row.model << ": " << fixed(row.gmac, 3) << " GMAC per image, op set " << row.op_set << ", digest "
        << row.model_digest << '\n';
  }
  for (const MachinePeak& machine : report.peaks) out << bullet << describe(machine) << '\n';
}

}  // namespace

void print_tables(std::ostream& out, bool markdown, const Report& report) {
  const auto print = [&](const std::string& title, const TextTable& table) {
    out << '\n' << title << (title.empty() ? "" : ":\n\n");
    markdown ? table.print_markdown(out) : table.print(out);
  };
  print_facts(out, markdown ? "- " : "", report);
  print("", summary_table(report.rows));
  print("Cold start, from mapping the file to the first logits", cold_table(report.rows));
  for (const Row& row : report.rows) {
    if (!row.comparison) continue;
    print("Compared with the old medians", comparison_table(report.rows));
    break;
  }
  for (const Row& row : report.rows) {
    if (row.profile.empty()) continue;
    print(row.name(), op_table(row.profile));
    print(row.name() + ", by layer", layer_table(row.profile));
  }
}

}  // namespace intvit::bench
