#include "bench/kernels/table_report.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tools/common/results/text_table.h"

namespace intvit::bench {
namespace {

std::string rate_text(double seconds_per_item, Unit unit) {
  if (seconds_per_item == 0) return "";
  return unit == Unit::gmac_per_s ? fixed(1e-9 / seconds_per_item, 1) : fixed(1e9 * seconds_per_item, 3);
}

const char* unit_text(Unit unit) { return unit == Unit::gmac_per_s ? "GMAC/s" : "ns an element"; }

// A row below the ratios of each column but the first.
TextTable::Cells geometric_means(const std::vector<std::vector<double>>& logs, bool rates) {
  TextTable::Cells cells = {"geometric mean", ""};
  for (std::size_t c = 1; c < logs.size(); ++c) {
    const double sum = std::accumulate(logs[c].begin(), logs[c].end(), 0.0);
    if (rates) cells.push_back("");
    cells.push_back(logs[c].empty() ? "" : fixed(std::exp(sum / static_cast<double>(logs[c].size())), 2));
  }
  return cells;
}

}  // namespace

// Processor time, so that a neighbour who takes the core for a while is not counted.
void TableReport::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    if (run.error_occurred) {
      failed_ = true;
      GetErrorStream() << run.benchmark_name() << ": " << run.error_message << '\n';
    } else if (run.run_type == Run::RT_Iteration) {
      seconds_[run.run_name.function_name].push_back(1 / run.counters.at("items_per_second"));
    }
  }
}

void TableReport::Finalize() {
  for (const Table& table : suite_.tables()) print(table, GetOutputStream());
}

double TableReport::median(const std::string& name) const {
  const auto found = seconds_.find(name);
  if (found == seconds_.end()) return 0;
  std::vector<double> sorted = found->second;
  std::sort(sorted.begin(), sorted.end());
  return (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
}

void TableReport::print(const Table& table, std::ostream& out) const {
  const std::size_t columns = table.columns.size();
  const bool rates = table.show != Show::ratios, ratios = table.show != Show::rates;
  TextTable::Cells header = {unit_text(table.unit), table.columns[0]};
  for (std::size_t c = 1; c < columns; ++c) {
    if (rates) header.push_back(table.columns[c]);
    if (ratios) header.push_back(rates ? "time ratio" : table.columns[c]);
  }
  TextTable text(header, 1);
  std::vector<std::vector<double>> logs(columns);
  int measured_rows = 0;
  for (const std::string& row : table.rows) {
    const double base = median(cell_name(table, row, table.columns[0]));
    TextTable::Cells cells = {row, rate_text(base, table.unit)};
    bool measured = base != 0;
    for (std::size_t c = 1; c < columns; ++c) {
      const double time = median(cell_name(table, row, table.columns[c]));
      measured |= time != 0;
      if (rates) cells.push_back(rate_text(time, table.unit));
      if (!ratios) continue;
      cells.push_back(base == 0 || time == 0 ? "" : fixed(time / base, 2));
      if (base != 0 && time != 0) logs[c].push_back(std::log(time / base));
    }
    if (!measured) continue;
    ++measured_rows;
    text.add(cells);
  }
  if (measured_rows == 0) return;
  if (ratios && measured_rows > 1) text.add(geometric_means(logs, rates));
  out << table.title << "\n\n";
  text.print_markdown(out);
  out << '\n';
}

}  // namespace intvit::bench
