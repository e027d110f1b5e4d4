// What scripts read. Every record says everything, so that it can be kept without the others. Existing keys are stable.
#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/vitbench/report.h"
#include "tools/common/machine/build_info.h"
#include "tools/common/machine/machine.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/text_table.h"

namespace intvit::bench {
namespace {

using Json = nlohmann::ordered_json;

Json rounded(double value, int decimals = 4) {
  const double unit = std::pow(10, decimals);
  return std::round(value * unit) / unit;
}

Json rounded_or_null(const std::optional<double>& value) { return value ? rounded(*value) : Json(); }

void append(Json& object, const Json& more) { object.update(more); }

Json keys(const Row& row) {
  return {{"model", row.model}, {"isa", row.isa}, {"threads", row.threads}, {"batch", row.batch}};
}

// The same columns for all rows, whether they have values or not.
Json numbers(const Row& row, bool compared) {
  Json object = keys(row);
  append(object, {{"runs", row.times.size()},
                  {"median_ms", rounded(row.milliseconds.median)},
                  {"min_ms", rounded(row.milliseconds.min)},
                  {"p90_ms", rounded(row.milliseconds.p90)},
                  {"p99_ms", rounded(row.milliseconds.p99)},
                  {"spread_percent", rounded(row.milliseconds.spread_percent)},
                  {"stddev_ms", rounded(row.milliseconds.stddev)},
                  {"images_per_s", rounded(row.images_per_s())},
                  {"gmac_per_image", rounded(row.gmac, 9)},
                  {"gmac_per_s", rounded(row.gmac_per_s())},
                  {"peak_gmac_per_s", rounded_or_null(row.peak_gmac_s)},
                  {"percent_of_peak", rounded_or_null(row.percent_of_peak())},
                  {"peak_rss_mib", rounded(row.peak_rss_mib)},
                  {"barrier_ns", rounded_or_null(row.barrier_ns)},
                  {"cold_start_ms", rounded(row.cold.total())},
                  {"cold_open_ms", rounded(row.cold.open)},
                  {"cold_session_ms", rounded(row.cold.session)},
                  {"cold_run_ms", rounded(row.cold.run)},
                  {"cold_over_median", rounded(row.cold_over_median())},
                  {"cold_touch_ms", rounded(row.cold.touch)},
                  {"cold_minor_faults", row.cold.minor_faults},
                  {"cold_major_faults", row.cold.major_faults}});
  if (!compared) return object;
  const std::optional<Comparison>& c = row.comparison;
  append(object, {{"old_median_ms", c ? rounded(c->old_median) : Json()},
                  {"ratio", c ? rounded(c->ratio.value) : Json()},
                  {"ratio_low", c ? rounded(c->ratio.low) : Json()},
                  {"ratio_high", c ? rounded(c->ratio.high) : Json()},
                  {"verdict", c ? Json(verdict_name(c->verdict)) : Json()}});
  return object;
}

template <typename T>
Json value_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json provenance(const Row& row) {
  const MachineState& machine = row.machine;
  return {{"model_digest", row.model_digest},
          {"op_set", row.op_set},
          {"logits_digest", row.logits_digest},
          {"pictures", row.pictures},
          {"version", version()},
          {"commit", commit()},
          {"compiler", compiler()},
          {"build_type", build_type()},
          {"flags", build_flags()},
          {"cpu", cpu_name()},
          {"pinned", text_or_null(row.pinned)},
          {"time", machine.time},
          {"load", rounded_or_null(machine.load)},
          {"stolen_percent", rounded_or_null(machine.stolen_percent)},
          {"governor", text_or_null(machine.governor)},
          {"smt", value_or_null(machine.smt)},
          {"turbo", value_or_null(machine.turbo)}};
}

Json to_json(const ProfileRow& row) {
  return {{"layer", row.layer},
          {"op", row.op},
          {"steps", row.steps},
          {"ms", rounded(row.milliseconds, 6)},
          {"share_percent", rounded(row.share)},
          {"gmac_per_s", row.gmac > 0 ? rounded(row.gmac_per_s()) : Json()}};
}

Json to_json(const std::vector<ProfileRow>& rows) {
  Json array = Json::array();
  for (const ProfileRow& row : rows) array.push_back(to_json(row));
  return array;
}

bool any_compared(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    if (row.comparison) return true;
  }
  return false;
}

std::string csv_cell(const Json& value) {
  return value.is_null() ? "" : value.is_string() ? value.get<std::string>() : value.dump();
}

void print_csv_table(std::ostream& out, const std::vector<Json>& records) {
  TextTable::Cells header;
  for (const auto& [key, value] : records.front().items()) header.push_back(key);
  TextTable table(header, 0);
  for (const Json& record : records) {
    TextTable::Cells cells;
    for (const Json& value : record) cells.push_back(csv_cell(value));
    table.add(std::move(cells));
  }
  table.print_csv(out);
}

Json to_json(const Row& row, bool compared) {
  Json object = numbers(row, compared);
  append(object, provenance(row));
  if (!row.profile.empty()) {
    append(object, {{"profile", to_json(row.profile)}, {"profile_by_op", to_json(profile_by_op(row.profile))}});
  }
  object["times_ms"] = Json::array();
  for (const double time : row.times) object["times_ms"].push_back(rounded(time, 6));
  return object;
}

}  // namespace

void print_csv(std::ostream& out, const std::vector<Row>& rows) {
  const bool compared = any_compared(rows);
  std::vector<Json> records;
  for (const Row& row : rows) {
    if (row.profile.empty()) {
      records.push_back(numbers(row, compared));
      append(records.back(), provenance(row));
      continue;
    }
    for (const bool by_op : {true, false}) {
      for (const ProfileRow& step : by_op ? profile_by_op(row.profile) : row.profile) {
        records.push_back(keys(row));
        records.back()["level"] = by_op ? "operation" : "layer";
        append(records.back(), to_json(step));
        append(records.back(), provenance(row));
      }
    }
  }
  print_csv_table(out, records);
}

// A line per key, lists on one: run times would fill the screen otherwise.
void print_json(std::ostream& out, const std::vector<Row>& rows) {
  const bool compared = any_compared(rows);
  const char* before_row = "[";
  for (const Row& row : rows) {
    const Json object = to_json(row, compared);
    const char* before_key = "\n  {\n    ";
    out << before_row;
    for (const auto& [key, value] : object.items()) {
      out << before_key << Json(key).dump() << ": " << json_text(value);
      before_key = ",\n    ";
    }
    out << "\n  }";
    before_row = ",";
  }
  out << "\n]\n";
}

void print_json_lines(std::ostream& out, const std::vector<Row>& rows) {
  const bool compared = any_compared(rows);
  for (const Row& row : rows) out << json_text(to_json(row, compared)) << '\n';
}

}  // namespace intvit::bench
