#include "tools/vitrun/eval_summary.h"

#include <iomanip>
#include <nlohmann/json.hpp>

#include "engine/format/writer.h"
#include "tools/common/results/csv_text.h"
#include "tools/common/results/json_text.h"

namespace intvit {
namespace {

using Json = nlohmann::ordered_json;

void print_json(std::ostream& out, int indent, const EvalSummary& summary) {
  const Accuracy& accuracy = summary.accuracy;
  const Interval interval = accuracy.top1_interval();
  const auto percent = [&](double value) { return accuracy.count() > 0 ? Json(value) : Json(nullptr); };
  Json object = {{"model", summary.model},
                 {"count", accuracy.count()},
                 {"failed", summary.failed},
                 {"top1", percent(accuracy.top1_percent())},
                 {"top1_low", percent(interval.low)},
                 {"top1_high", percent(interval.high)},
                 {"top5", percent(accuracy.top5_percent())},
                 {"top1_hits", accuracy.top1_hits()},
                 {"top5_hits", accuracy.top5_hits()}};
  if (summary.speed) {
    object["images_per_s"] = summary.speed->images_per_s;
    object["isa"] = isa_name(summary.speed->isa);
    object["threads"] = summary.speed->threads;
  }
  out << json_text(object, indent) << '\n';
}

void print_text(std::ostream& out, const EvalSummary& summary) {
  const Accuracy& accuracy = summary.accuracy;
  out << std::fixed << std::setprecision(2) << "pictures  " << accuracy.count();
  if (summary.failed > 0) out << " (" << summary.failed << " failed)";
  out << '\n';
  if (accuracy.count() == 0) return;
  const Interval interval = accuracy.top1_interval();
  out << "top-1     " << accuracy.top1_percent() << " % (95 % interval " << interval.low << " to " << interval.high
      << ")\ntop-5     " << accuracy.top5_percent() << " %\n";
  if (!summary.speed) return;
  const EvalSpeed& speed = *summary.speed;
  out << "speed     " << std::setprecision(1) << speed.images_per_s << " images/s, decoding included (" << speed.threads
      << (speed.threads == 1 ? " thread, " : " threads, ") << isa_name(speed.isa) << ")\n";
}

}  // namespace

void print_summary(std::ostream& out, OutputFormat format, const EvalSummary& summary) {
  const bool is_json = format == OutputFormat::json || format == OutputFormat::jsonl;
  is_json ? print_json(out, format == OutputFormat::json ? 2 : -1, summary) : print_text(out, summary);
}

Status Confusion::write(const std::string& path, int classes, const std::vector<std::string>& labels) const {
  const auto heading = [&](int c) { return labels.empty() ? std::to_string(c) : labels[static_cast<std::size_t>(c)]; };
  std::vector<std::string> fields = {"label"};
  for (int c = 0; c < classes; ++c) fields.push_back(heading(c));
  std::string text = csv_row(fields);
  auto next = counts_.begin();
  for (int target = 0; target < classes; ++target) {
    fields.assign(static_cast<std::size_t>(classes) + 1, "0");
    fields[0] = heading(target);
    for (; next != counts_.end() && next->first.first == target; ++next) {
      fields[static_cast<std::size_t>(next->first.second) + 1] = std::to_string(next->second);
    }
    text += csv_row(fields);
  }
  return write_file_atomically(path, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace intvit
