// Every format says the same about made-up results, and JSON rows can be compared with later.
#include "bench/vitbench/report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "bench/vitbench/old_rows.h"
#include "tests/bench/made_up_rows.h"

namespace intvit::bench {
namespace {

using nlohmann::json;
using test::made_up_row;

std::string printed(OutputFormat format, const std::vector<Row>& rows) {
  std::ostringstream out;
  print(out, format,
        {{{Isa::avx2, 2, Peak{1000, 2000, "vpmaddwd ymm", "vpmaddubsw ymm"}, 480}, {Isa::amx, 1, {}, {}}}, rows});
  return out.str();
}

Row profiled_row() {
  Row row = made_up_row("m.bin", 10);
  row.profile = {{"head", "linear", 1, 2, 20, 0.5}, {"norm", "layer_norm", 1, 5, 50, 0}, {"fc", "linear", 1, 3, 30, 1}};
  return row;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("report: JSON rows have their stable keys, rates, provenance and all times") {
  const std::string text = printed(OutputFormat::json, {made_up_row("m.bin", 10), made_up_row("n.bin", 20)});
  const json rows = json::parse(text);
  REQUIRE(rows.size() == 2);
  const json& row = rows[0];
  CHECK(row["model"] == "m.bin");
  CHECK(row["isa"] == "avx2");
  CHECK(row["threads"] == 2);
  CHECK(row["batch"] == 4);
  CHECK(row["runs"] == 41);
  CHECK(row["median_ms"] == 10);
  CHECK(row["min_ms"] == 9.5);
  CHECK(row["p90_ms"] == 10.4);
  CHECK(row["p99_ms"] == 10.49);
  CHECK(row["spread_percent"] == 5);
  CHECK(row["stddev_ms"] == doctest::Approx(0.2995));
  CHECK(row["images_per_s"] == 400);
  CHECK(row["gmac_per_s"] == 500);
  CHECK(row["percent_of_peak"] == 50);
  CHECK(row["peak_rss_mib"] == 9.5);
  CHECK(row["barrier_ns"] == 480);
  CHECK(row["cold_start_ms"] == 6);
  CHECK(row["cold_over_median"] == 0.6);
  CHECK(row["cold_touch_ms"] == 2.5);
  CHECK(row["times_ms"].size() == 41);
  for (const char* key : {"model_digest", "logits_digest", "pictures", "version", "commit", "compiler", "build_type",
                          "flags", "cpu", "time"}) {
    CHECK_MESSAGE(row[key].is_string(), key);
  }
  CHECK(row["op_set"] == 2);
  CHECK(!row.contains("ratio"));
  CHECK(lines(text).size() < 100);  // times do not fill the screen

  const auto old_rows = parse_old_rows(text);
  REQUIRE(old_rows.ok());
  CHECK(old_rows.value()[1].model == "n.bin");
  CHECK(old_rows.value()[0].times.size() == 41);
}

TEST_CASE("report: what the machine did is in every format, and null where nobody knows") {
  Row row = made_up_row("m.bin", 10);
  const json unknown = json::parse(printed(OutputFormat::json, {row}))[0];
  for (const char* key : {"load", "stolen_percent", "governor", "smt", "turbo", "pinned"})
    CHECK(unknown[key].is_null());
  row.machine = {"2026-01-02T03:04:05Z", 8, 1.5, "powersave", true, false, 0.25};
  const json known = json::parse(printed(OutputFormat::json, {row}))[0];
  CHECK(known["time"] == "2026-01-02T03:04:05Z");
  CHECK(known["load"] == 1.5);
  CHECK(known["stolen_percent"] == 0.25);
  CHECK(known["governor"] == "powersave");
  CHECK(known["smt"] == true);
  CHECK(known["turbo"] == false);
  row.pinned = "3,1";
  CHECK(json::parse(printed(OutputFormat::json, {row}))[0]["pinned"] == "3,1");
  CHECK(parse_old_rows(printed(OutputFormat::json, {row})).value()[0].pinned == "3,1");
  CHECK(printed(OutputFormat::text, {row, row}).find("\nthreads 2: bound to CPU 3,1\nm.bin: ") != std::string::npos);
  CHECK(printed(OutputFormat::csv, {row}).find(",\"3,1\",2026-01-02T03:04:05Z,1.5,0.25,powersave,true,false\n") !=
        std::string::npos);
  CHECK(printed(OutputFormat::text, {row})
            .find("\n2026-01-02T03:04:05Z: load 1.50 before, 0.2 % of the CPU time stolen, governor powersave, SMT on, "
                  "turbo off\n") != std::string::npos);
}

TEST_CASE("report: a peak that is not known is null, a dash or an empty cell") {
  Row row = made_up_row("m.bin", 10);
  row.peak_gmac_s.reset();
  CHECK(json::parse(printed(OutputFormat::json, {row}))[0]["percent_of_peak"].is_null());
  CHECK(printed(OutputFormat::csv, {row}).find(",500.0,,,9.5,") != std::string::npos);
  CHECK(printed(OutputFormat::text, {row}).find("500.0          -") != std::string::npos);
  CHECK(printed(OutputFormat::text, {row}).find("peak of amx, threads 1: not known\n") != std::string::npos);
  CHECK(printed(OutputFormat::text, {row}).find("(vpmaddubsw ymm); a barrier takes 480 ns\n") != std::string::npos);
}

TEST_CASE("report: CSV has a header, as many cells in each row, and what JSON has") {
  const std::vector<std::string> csv =
      lines(printed(OutputFormat::csv, {made_up_row("m.bin", 10), made_up_row("n.bin", 20)}));
  REQUIRE(csv.size() == 3);
  CHECK(csv[0].find("model,isa,threads,batch,runs,median_ms,min_ms,p90_ms,p99_ms,") == 0);
  CHECK(csv[1].find("m.bin,avx2,2,4,41,10.0,9.5,10.4,10.49,") == 0);
  CHECK(csv[2].find("n.bin,avx2,2,4,41,20.0,") == 0);
}

TEST_CASE("report: profiles by operation and by layer, in all formats") {
  const json row = json::parse(printed(OutputFormat::json, {profiled_row()}))[0];
  CHECK(row["profile"].size() == 3);
  CHECK(row["profile"][0]["layer"] == "head");
  CHECK(row["profile"][0]["share_percent"] == 20);
  CHECK(row["profile"][0]["gmac_per_s"] == 250);
  CHECK(row["profile"][1]["gmac_per_s"].is_null());
  REQUIRE(row["profile_by_op"].size() == 2);
  CHECK(row["profile_by_op"][0]["op"] == "linear");
  CHECK(row["profile_by_op"][0]["steps"] == 2);
  CHECK(row["profile_by_op"][0]["ms"] == 5);
  CHECK(row["profile_by_op"][0]["gmac_per_s"] == 300);

  const std::vector<std::string> csv = lines(printed(OutputFormat::csv, {profiled_row()}));
  REQUIRE(csv.size() == 1 + 2 + 3);
  CHECK(csv[0].find("model,isa,threads,batch,level,layer,op,steps,ms,share_percent,gmac_per_s,") == 0);
  CHECK(csv[1].find("m.bin,avx2,2,4,operation,,linear,2,5.0,50.0,300.0,") == 0);
  CHECK(csv[4].find("m.bin,avx2,2,4,layer,norm,layer_norm,1,5.0,50.0,,") == 0);

  CHECK(printed(OutputFormat::text, {profiled_row()}).find("linear          2  5.000  50.0   300.0") !=
        std::string::npos);
  CHECK(printed(OutputFormat::markdown, {profiled_row()}).find("| fc | linear | 3.000 | 30.0 | 333.3 |") !=
        std::string::npos);
}

TEST_CASE("report: comparisons in all formats") {
  Row compared = made_up_row("m.bin", 10);
  compared.comparison = {8, {1.25, 1.2, 1.3}, Verdict::slower};
  const std::vector<Row> rows = {compared, made_up_row("n.bin", 10)};
  const json records = json::parse(printed(OutputFormat::json, rows));
  CHECK(records[0]["old_median_ms"] == 8);
  CHECK(records[0]["ratio"] == 1.25);
  CHECK(records[0]["ratio_low"] == 1.2);
  CHECK(records[0]["ratio_high"] == 1.3);
  CHECK(records[0]["verdict"] == "slower");
  CHECK(records[1]["verdict"].is_null());
  const std::vector<std::string> csv = lines(printed(OutputFormat::csv, rows));
  CHECK(csv[1].find(",8.0,1.25,1.2,1.3,slower,") != std::string::npos);
  CHECK(csv[2].find(",,,,,,") != std::string::npos);
  CHECK(printed(OutputFormat::text, rows).find("8.000  10.000  1.250      1.200  1.300  slower") != std::string::npos);
  CHECK(printed(OutputFormat::markdown, rows).find("| 1.250 | 1.200 | 1.300 | slower |") != std::string::npos);
}

TEST_CASE("median_cold_start: the one with the middle total") {
  CHECK(median_cold_start({{5, 0, 0, 9, 1, 0}, {0, 9, 0, 0, 2, 0}, {0, 0, 7, 0, 3, 0}}).run == 7);
  CHECK(median_cold_start({{1, 0, 0, 0, 1, 0}}).open == 1);
}

}  // namespace
}  // namespace intvit::bench
