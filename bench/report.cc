#include "bench/report.h"

#include <nlohmann/json.hpp>

#include "engine/tools/build_info.h"
#include "engine/tools/json_text.h"
#include "engine/tools/machine.h"
#include "engine/tools/text_table.h"

namespace intvit::bench {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const ProfileRow& row) {
  return {{"layer", row.layer}, {"op", row.op}, {"ms", row.milliseconds}, {"share_percent", row.share}};
}

Json to_json(const Row& row) {
  Json object = {{"model", row.model},
                 {"isa", row.isa},
                 {"threads", row.threads},
                 {"batch", row.batch},
                 {"runs", row.runs},
                 {"median_ms", row.milliseconds.median},
                 {"min_ms", row.milliseconds.min},
                 {"p90_ms", row.milliseconds.p90},
                 {"images_per_s", row.images_per_s},
                 {"peak_rss_mib", row.peak_rss_mib},
                 {"model_digest", row.model_digest},
                 {"logits_digest", row.logits_digest},
                 {"version", version()},
                 {"compiler", compiler()},
                 {"build_type", build_type()},
                 {"cpu", cpu_name()}};
  for (const ProfileRow& step : row.profile) object["profile"].push_back(to_json(step));
  return object;
}

TextTable summary_table(const std::vector<Row>& rows) {
  TextTable table({"model", "isa", "threads", "batch", "runs", "median ms", "min ms", "p90 ms", "images/s", "peak MiB"},
                  2);
  for (const Row& row : rows) {
    table.add({row.model, row.isa, std::to_string(row.threads), std::to_string(row.batch), std::to_string(row.runs),
               fixed(row.milliseconds.median, 3), fixed(row.milliseconds.min, 3), fixed(row.milliseconds.p90, 3),
               fixed(row.images_per_s, 1), fixed(row.peak_rss_mib, 1)});
  }
  return table;
}

TextTable op_table(const std::vector<ProfileRow>& layers) {
  TextTable table({"operation", "steps", "ms", "%"}, 1);
  for (const ProfileRow& row : profile_by_op(layers)) {
    table.add({row.op, std::to_string(row.steps), fixed(row.milliseconds, 3), fixed(row.share, 1)});
  }
  return table;
}

TextTable layer_table(const std::vector<ProfileRow>& layers) {
  TextTable table({"layer", "operation", "ms", "%"}, 2);
  for (const ProfileRow& row : layers) table.add({row.layer, row.op, fixed(row.milliseconds, 3), fixed(row.share, 1)});
  return table;
}

void report_json(std::ostream& out, const std::vector<Row>& rows) {
  Json array = Json::array();
  for (const Row& row : rows) array.push_back(to_json(row));
  out << json_text(array, 2) << '\n';
}

void report_csv(std::ostream& out, const std::vector<Row>& rows) {
  TextTable table({"model", "isa", "threads", "batch", "runs", "median_ms", "min_ms", "p90_ms", "images_per_s",
                   "peak_rss_mib", "model_digest", "logits_digest", "version", "compiler", "build_type", "cpu"},
                  2);
  for (const Row& row : rows) {
    table.add({row.model, row.isa, std::to_string(row.threads), std::to_string(row.batch), std::to_string(row.runs),
               fixed(row.milliseconds.median, 4), fixed(row.milliseconds.min, 4), fixed(row.milliseconds.p90, 4),
               fixed(row.images_per_s, 3), fixed(row.peak_rss_mib, 2), row.model_digest, row.logits_digest, version(),
               compiler(), build_type(), cpu_name()});
  }
  table.print_csv(out);
}

}  // namespace

void report(std::ostream& out, Format format, const std::vector<Row>& rows) {
  if (format == Format::json) return report_json(out, rows);
  if (format == Format::csv) return report_csv(out, rows);
  const auto print = [&](const TextTable& table) {
    format == Format::markdown ? table.print_markdown(out) : table.print(out);
  };
  out << "vitbench " << version() << ", " << compiler() << ", " << build_type() << ", " << cpu_name() << "\n\n";
  print(summary_table(rows));
  for (const Row& row : rows) {
    if (row.profile.empty()) continue;
    out << '\n' << row.model << ", " << row.isa << ", threads " << row.threads << ", batch " << row.batch << ":\n\n";
    print(op_table(row.profile));
    out << '\n';
    print(layer_table(row.profile));
  }
}

}  // namespace intvit::bench
