#include "tools/vitconvert/sweep_table.h"

#include <nlohmann/json.hpp>

#include "tools/common/machine/build_info.h"
#include "tools/common/machine/machine.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/text_table.h"

namespace intvit {
namespace {

using Json = nlohmann::ordered_json;

Json float_json(const Accuracy& accuracy) {
  return {{"pictures", accuracy.count()}, {"top1", accuracy.top1_percent()}, {"top5", accuracy.top5_percent()}};
}

Json result_json(const SweepResult& result) {
  Json json = to_json(result);
  if (result.failure.ok()) json["reused"] = result.reused;
  return json;
}

void print_json(std::ostream& out, const SweepInput& input, const SweepReport& report) {
  Json results = Json::array();
  for (const SweepResult& result : report.results) results.push_back(result_json(result));
  out << json_text({{"architecture", input.network.architecture},
                    {"float", float_json(report.float_accuracy)},
                    {"results", std::move(results)},
                    {"version", version()}},
                   2)
      << '\n';
}

TextTable::Cells cells_of(const SweepResult& result) {
  const Combination& c = result.combination;
  if (!result.failure.ok()) {
    return {c.method_and_settings(), c.bits.name(), "", "", "", "", "", "", "", "failed: " + result.failure.message()};
  }
  const Evaluation& e = result.evaluation;
  return {c.method_and_settings(),
          c.bits.name(),
          fixed(e.top1, 2),
          fixed(e.drop(), 2),
          fixed(e.agreement, 2),
          fixed(e.logit_sqnr_db, 2),
          fixed(static_cast<double>(result.bytes) / 1e6, 2),
          result.latency ? fixed(result.latency->milliseconds, 3) : "",
          fixed(result.effective_bits, 2),
          ""};
}

}  // namespace

void print_sweep(std::ostream& out, OutputFormat format, const SweepInput& input, const SweepReport& report) {
  if (format == OutputFormat::json) return print_json(out, input, report);
  if (format == OutputFormat::jsonl) {
    for (const SweepResult& result : report.results) out << json_text(result_json(result)) << '\n';
    return;
  }
  const bool csv = format == OutputFormat::csv;
  TextTable table(csv ? TextTable::Cells{"method", "bits", "top1", "drop", "agreement", "logit_sqnr_db", "mb",
                                         "median_ms", "effective_bits", "note"}
                      : TextTable::Cells{"method", "bits", "top-1 %", "drop", "agree %", "SQNR dB", "MB", "ms",
                                         "bits/value", "note"},
                  2, 1);
  table.add({"float", "w32a32", fixed(report.float_accuracy.top1_percent(), 2), "", "", "", "", "", "", ""});
  for (const SweepResult& result : report.results) table.add(cells_of(result));
  if (csv) return table.print_csv(out);
  out << "vitconvert " << version() << ", " << input.network.architecture << ", " << report.float_accuracy.count()
      << " pictures, " << input.calibration.size() << " for calibration; one thread, " << isa_name(input.isa) << ", "
      << cpu_name() << "\n\n";
  format == OutputFormat::markdown ? table.print_markdown(out) : table.print(out);
}

}  // namespace intvit
