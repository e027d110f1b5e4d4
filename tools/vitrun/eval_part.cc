#include "tools/vitrun/eval_part.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/common/cli/open_error.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/results/csv_text.h"

namespace intvit {
namespace {

using JsonValue = nlohmann::json;

constexpr const char* kNotOurs = "is not what --eval prints with --format json, jsonl or csv";
constexpr std::int64_t kMostPictures = std::int64_t{1} << 50;
constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

Status invalid(const std::string& problem) { return {Code::invalid_argument, problem}; }

std::optional<std::int64_t> count_in(const JsonValue& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  const auto count = found->get<std::int64_t>();
  return count < 0 || count > kMostPictures ? std::nullopt : std::optional(count);
}

// The summary of --eval.
Status add_summary(const JsonValue& object, EvalPart& part) {
  const auto count = count_in(object, "count"), failed = count_in(object, "failed");
  const auto top1 = count_in(object, "top1_hits"), top5 = count_in(object, "top5_hits");
  if (!count || !failed || !top1 || !top5 || *top1 > *top5 || *top5 > *count) {
    return invalid("has no valid 'count', 'failed', 'top1_hits' and 'top5_hits', which --eval prints");
  }
  if (part.summary) return invalid("has two summaries; give a file for each");
  part.summary.emplace();
  if (const auto model = object.find("model"); model != object.end() && model->is_string()) {
    part.summary->model = model->get<std::string>();
  }
  part.summary->failed = *failed;
  part.summary->accuracy.add_counts(*count, *top1, *top5);
  return {};
}

Status add_object(const JsonValue& object, EvalPart& part) {
  if (!object.is_object()) return invalid(kNotOurs);
  if (object.contains("count")) return add_summary(object, part);
  if (part.summary) return invalid("goes on after its summary");
  if (!count_in(object, "target")) return invalid("has pictures without 'target': only --eval gives it");
  if (object.contains("error")) {
    ++part.failed;
    return {};
  }
  const auto rank = count_in(object, "rank");
  if (!rank || *rank < 1 || *rank > 1'000'000'000) return invalid("has a picture without a valid 'rank'");
  part.accuracy.add_rank(static_cast<int>(*rank));
  return {};
}

Status add_csv(std::istream& in, EvalPart& part) {
  std::vector<std::string> names, fields;
  const Result<bool> first = read_csv_row(in, names);
  if (!first.ok()) return first.status();
  for (const char* name : {"target", "rank", "error"}) {
    if (std::find(names.begin(), names.end(), name) == names.end()) return invalid(kNotOurs);
  }
  while (true) {
    const Result<bool> any = read_csv_row(in, fields);
    if (!any.ok()) return any.status();
    if (!any.value()) return {};
    if (fields.size() != names.size()) return invalid("has rows of different lengths");
    JsonValue object = JsonValue::object();
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == "error" && !fields[i].empty()) object["error"] = "";
      if (names[i] == "target" || names[i] == "rank") object[names[i]] = JsonValue::parse(fields[i], nullptr, false);
    }
    if (const Status status = add_object(object, part); !status.ok()) return status;
  }
}

Status add_lines(std::istream& in, EvalPart& part) {
  std::string line;
  for (char c = 0; in.get(c);) {
    if (c != '\n') {
      if (line.size() >= kMaxLineBytes) return invalid("has a line of more than 16 MiB");
      line += c;
      continue;
    }
    if (const Status status = add_object(JsonValue::parse(line, nullptr, false), part); !status.ok()) return status;
    line.clear();
  }
  return line.empty() ? Status() : invalid("ends within a line; run its pictures again");
}

// The object of --format json has lines of its own.
Status add_json(std::istream& in, EvalPart& part) {
  std::string text;
  for (char c = 0; in.get(c); text += c) {
    if (text.size() >= kMaxLineBytes) return invalid("has more than 16 MiB");
  }
  return add_object(JsonValue::parse(text, nullptr, false), part);
}

}  // namespace

Result<EvalPart> read_eval_part(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return open_error("cannot open '" + path + "'", Code::not_found);
  EvalPart part;
  const int first = file.peek();
  const int second = first == '{' ? (file.get(), file.peek()) : 0;
  if (first == '{') file.unget();
  Status status = first == '{' && second == '\n' ? add_json(file, part)
                  : first == '{'                 ? add_lines(file, part)
                                                 : add_csv(file, part);
  if (status.ok() && file.bad()) status = {Code::io, "cannot be read"};
  const bool has_pictures = part.accuracy.count() + part.failed > 0;
  if (status.ok() && first == EOF) status = invalid("is empty");
  if (status.ok() && part.summary && has_pictures) {
    const EvalSummary& last = *part.summary;
    if (last.failed != part.failed || last.accuracy.count() != part.accuracy.count() ||
        last.accuracy.top1_hits() != part.accuracy.top1_hits() ||
        last.accuracy.top5_hits() != part.accuracy.top5_hits()) {
      status = invalid("has pictures that do not add up to its last line");
    }
  }
  if (!status.ok()) return Status(status.code(), "'" + shortened(path) + "': " + status.message());
  if (part.summary && !has_pictures) {
    part.accuracy = part.summary->accuracy;
    part.failed = part.summary->failed;
  }
  return part;
}

}  // namespace intvit
