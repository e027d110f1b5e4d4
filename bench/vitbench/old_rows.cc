#include "bench/vitbench/old_rows.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/common/cli/open_error.h"

namespace intvit::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestFile = std::size_t{256} << 20;

Status invalid(const std::string& message) { return {Code::invalid_argument, message}; }

// Empty if it is not there or no text.
std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// 0 if it is not there or no count.
int count_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() > INT32_MAX) return 0;
  return found->get<int>();
}

// Empty unless all are times.
std::vector<double> times_of(const json& object) {
  const auto found = object.find("times_ms");
  if (found == object.end() || !found->is_array()) return {};
  std::vector<double> times;
  for (const json& time : *found) {
    if (!time.is_number() || !std::isfinite(time.get<double>()) || time.get<double>() <= 0) return {};
    times.push_back(time.get<double>());
  }
  return times;
}

Result<OldRow> parse_row(const json& object) {
  if (!object.is_object()) return invalid("is no object");
  OldRow row;
  row.model = text_of(object, "model");
  row.model_digest = text_of(object, "model_digest");
  row.isa = text_of(object, "isa");
  row.threads = count_of(object, "threads");
  row.batch = count_of(object, "batch");
  row.times = times_of(object);
  row.pictures = text_of(object, "pictures");
  row.pinned = text_of(object, "pinned");
  row.cpu = text_of(object, "cpu");
  row.compiler = text_of(object, "compiler");
  row.build_type = text_of(object, "build_type");
  row.flags = text_of(object, "flags");
  row.profiled = object.contains("profile");
  if (row.model.empty() || row.isa.empty() || row.threads == 0 || row.batch == 0) {
    return invalid("has no valid 'model', 'isa', 'threads' or 'batch'");
  }
  if (row.times.empty()) return invalid("has no valid 'times_ms'; measure again with this vitbench");
  return row;
}

// An array, or its objects a line each.
json rows_in(const std::string& text) {
  json whole = json::parse(text, nullptr, false);
  if (!whole.is_discarded() && !whole.contains("model")) return whole;  // one row is a line, too
  json rows = json::array();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    rows.push_back(json::parse(line, nullptr, false));
    if (!rows.back().is_object()) return whole;
  }
  return rows.empty() ? whole : rows;
}

}  // namespace

Result<std::vector<OldRow>> parse_old_rows(const std::string& text) {
  const json array = rows_in(text);
  if (array.is_discarded()) return invalid("is not JSON");
  if (!array.is_array()) return invalid("is not what 'vitbench --json' prints: no array of rows");
  if (array.empty()) return invalid("has no rows");
  std::vector<OldRow> rows;
  for (const json& object : array) {
    Result<OldRow> row = parse_row(object);
    if (!row.ok()) return invalid("row " + std::to_string(rows.size() + 1) + " " + row.status().message());
    rows.push_back(row.take());
  }
  return rows;
}

Result<std::vector<OldRow>> read_old_rows(const std::string& path) {
  const auto fail = [&](const std::string& message) { return invalid("--compare '" + path + "': " + message); };
  std::ifstream file(path, std::ios::binary);
  if (!file) return open_error("--compare '" + path + "': cannot be opened", Code::invalid_argument);
  std::string text;
  for (std::vector<char> piece(1 << 16); file;) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > kLongestFile) return fail("has more than 256 MiB");
  }
  if (file.bad() || text.empty()) return fail("is empty or cannot be read");
  Result<std::vector<OldRow>> rows = parse_old_rows(text);
  return rows.ok() ? rows : fail(rows.status().message());
}

}  // namespace intvit::bench
