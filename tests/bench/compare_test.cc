// Comparing two measurements: intervals, verdicts, which rows belong together, and files that are no measurements.
#include "bench/vitbench/compare.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "tests/bench/made_up_rows.h"

namespace intvit::bench {
namespace {

using test::made_up_row;
using test::times_around;

TEST_CASE("ratio_of_medians: the ratio lies in an interval that shrinks with the scatter and the number of runs") {
  const Ratio ratio = ratio_of_medians(times_around(12), times_around(10));
  CHECK(ratio.value == doctest::Approx(1.2));
  CHECK(ratio.low < 1.2);
  CHECK(ratio.low > 1.2 * 0.95);
  CHECK(ratio.high > 1.2);
  CHECK(ratio.high < 1.2 * 1.05);
  const Ratio more = ratio_of_medians(times_around(12, 4001), times_around(10, 4001));
  CHECK(more.high - more.low < (ratio.high - ratio.low) / 4);
  const Ratio certain = ratio_of_medians({6, 6, 6}, {4});
  CHECK(certain.low == 1.5);
  CHECK(certain.high == 1.5);
}

TEST_CASE("ratio_of_medians: the same numbers give the same interval") {
  const Ratio a = ratio_of_medians(times_around(3), times_around(5)),
              b = ratio_of_medians(times_around(3), times_around(5));
  CHECK(a.low == b.low);
  CHECK(a.high == b.high);
}

TEST_CASE("ratio_of_medians: runs that are like their neighbours tell less than as many in mixed order") {
  std::vector<double> drifting = times_around(10, 401);
  const Ratio mixed = ratio_of_medians(drifting, {10});
  std::sort(drifting.begin(), drifting.end());
  const Ratio drift = ratio_of_medians(drifting, {10});
  CHECK(drift.value == mixed.value);
  CHECK(drift.high - drift.low > 2 * (mixed.high - mixed.low));
}

// Of a sample's median, nine in ten of the 95 % intervals and more must contain the true one.
TEST_CASE("ratio_of_medians: intervals contain the truth about as often as they say") {
  test::Random random(3);
  const auto draw = [&] { return 1 + 0.1 * std::pow(random.real(0, 1), 2); };  // skewed, as run times are
  int hits = 0;
  for (int experiment = 0; experiment < 100; ++experiment) {
    std::vector<double> a, b;
    for (int i = 0; i < 30; ++i) a.push_back(draw()), b.push_back(draw());
    const Ratio ratio = ratio_of_medians(a, b);
    hits += ratio.low <= 1 && ratio.high >= 1;
  }
  CHECK(hits >= 88);
  CHECK(hits <= 99);
}

TEST_CASE("judge: the whole interval has to be outside of the tolerance") {
  CHECK(judge({1.10, 1.04, 1.2}, 3) == Verdict::slower);
  CHECK(judge({1.10, 1.02, 1.2}, 3) == Verdict::same);
  CHECK(judge({1.10, 1.04, 1.2}, 5) == Verdict::same);
  CHECK(judge({0.90, 0.88, 0.96}, 3) == Verdict::faster);
  CHECK(judge({0.90, 0.88, 0.98}, 3) == Verdict::same);
  CHECK(judge({1.001, 1.0005, 1.002}, 0) == Verdict::slower);
}

TEST_CASE("judge: an interval that ends just at the tolerance is not outside of it") {
  // 25 % is a number that floats have exactly.
  CHECK(judge({1.5, 1.25, 2}, 25) == Verdict::same);
  CHECK(judge({1.5, std::nextafter(1.25, 2), 2}, 25) == Verdict::slower);
  CHECK(judge({0.5, 0.4, 0.75}, 25) == Verdict::same);
  CHECK(judge({0.5, 0.4, std::nextafter(0.75, 0)}, 25) == Verdict::faster);
  CHECK(judge({1, 1, 1}, 0) == Verdict::same);
}

OldRow old_row(const std::string& model, const std::string& digest, double median) {
  OldRow row;
  row.model = model;
  row.model_digest = digest;
  row.isa = "avx2";
  row.threads = 2;
  row.batch = 4;
  row.times = times_around(median);
  return row;
}

TEST_CASE("find_old: by digest, else by the file's name, with the same instruction set, threads and batch") {
  Row row = made_up_row("new/folder/m.bin", 10);
  OldMeasurement old{"old.json", {old_row("old/m.bin", "1", 1), old_row("other.bin", row.model_digest, 2)}, 3};
  CHECK(find_old(old, row) == &old.rows[1]);
  old.rows.pop_back();
  CHECK(find_old(old, row) == &old.rows[0]);
  row.model = "n.bin";
  CHECK(find_old(old, row) == nullptr);
  row.model = "m.bin";
  for (const auto change :
       {+[](OldRow& o) { o.isa = "scalar"; }, +[](OldRow& o) { o.threads = 1; }, +[](OldRow& o) { o.batch = 1; }}) {
    OldMeasurement changed = old;
    change(changed.rows[0]);
    CHECK(find_old(changed, row) == nullptr);
  }
}

TEST_CASE("find_old: --as names the old model, by its whole name first, whatever the new one is") {
  const Row row = made_up_row("new/m.bin", 10);
  OldMeasurement old{"old.json",
                     {old_row("m.bin", row.model_digest, 1), old_row("a/n.bin", "1", 2), old_row("n.bin", "2", 3)},
                     3,
                     "n.bin"};
  CHECK(find_old(old, row) == &old.rows[2]);
  old.as = "b/n.bin";
  CHECK(find_old(old, row) == &old.rows[1]);
  old.as = "new/m.bin";
  CHECK(find_old(old, row) == &old.rows[0]);
  old.as = "nothing.bin";
  CHECK(find_old(old, row) == nullptr);
  // It is another model by intention, so that nothing is said about it.
  old.as = "n.bin";
  std::vector<Row> rows = {row};
  for (const std::string& note : compare(old, rows)) CHECK_MESSAGE(note.find("by its name") == std::string::npos, note);
  CHECK(rows[0].comparison->old_median == doctest::Approx(3));
}

TEST_CASE("check_comparable: what there is is listed, up to a bound, if nothing is what was asked for") {
  const std::vector<Row> planned = {made_up_row("n.bin", 10), made_up_row("m.bin", 10)};
  OldMeasurement old{"old.json", {old_row("m.bin", "1", 1)}, 3};
  CHECK(check_comparable(old, planned).ok());
  old.rows[0].threads = 9;
  const Status status = check_comparable(old, planned);
  CHECK(status.code() == Code::invalid_argument);
  for (const char* part : {"old.json", "no row for n.bin, avx2, 2 threads, batch 4 or any other", "--as",
                           "it has: m.bin, avx2, 9 threads, batch 4"}) {
    CHECK_MESSAGE(status.message().find(part) != std::string::npos, status.message());
  }
  old.rows.assign(1000, old_row(std::string(100000, 'a'), "1", 1));
  old.as = "other.bin";
  const std::string many = check_comparable(old, planned).message();
  CHECK(many.size() < 2000);
  CHECK(many.find("no row for other.bin,") != std::string::npos);
  CHECK(many.find("and 990 more") != std::string::npos);
}

TEST_CASE("compare: slower rows are named, others are not") {
  std::vector<Row> rows = {made_up_row("slow.bin", 20), made_up_row("fast.bin", 5), made_up_row("same.bin", 10)};
  std::vector<OldRow> old_rows;
  for (Row& row : rows) {
    row.model_digest = row.model;
    old_rows.push_back(old_row(row.model, row.model_digest, 10));
  }
  const OldMeasurement old{"old.json", old_rows, 3};
  compare(old, rows);
  CHECK(rows[0].comparison->verdict == Verdict::slower);
  CHECK(rows[0].comparison->ratio.value == doctest::Approx(2));
  CHECK(rows[0].comparison->old_median == doctest::Approx(10));
  CHECK(rows[1].comparison->verdict == Verdict::faster);
  CHECK(rows[2].comparison->verdict == Verdict::same);
  const Status status = check_not_slower(rows, old);
  CHECK(status.code() == Code::check_failed);
  for (const char* part : {"old.json", "slow.bin, avx2, 2 threads, batch 4", "2.000 times", "3.0 %"}) {
    CHECK_MESSAGE(status.message().find(part) != std::string::npos, status.message());
  }
  CHECK(status.message().find("fast.bin") == std::string::npos);
  CHECK(status.message().find("same.bin") == std::string::npos);
  rows.erase(rows.begin());
  CHECK(check_not_slower(rows, old).ok());
}

TEST_CASE("compare: by the tolerance that was given") {
  OldRow old = old_row("m.bin", "a", 4);
  old.times = {4};
  std::vector<Row> rows = {made_up_row("m.bin", 10), made_up_row("m.bin", 10)};
  rows[0].times = {5};
  rows[1].times = {3};
  for (const auto& [tolerance, over, under] :
       {std::tuple{25.0, Verdict::same, Verdict::same}, std::tuple{24.999, Verdict::slower, Verdict::faster},
        std::tuple{1000.0, Verdict::same, Verdict::same}}) {
    CAPTURE(tolerance);
    compare({"old.json", {old}, tolerance}, rows);
    CHECK(rows[0].comparison->verdict == over);
    CHECK(rows[1].comparison->verdict == under);
  }
}

TEST_CASE("compare: what makes a comparison doubtful is said, and that there is none") {
  std::vector<Row> rows = {made_up_row("m.bin", 10)};
  OldRow old = old_row("m.bin", "another digest", 10);
  old.cpu = "another CPU";
  old.pictures = "c.jpg";
  old.profiled = true;
  std::string notes;
  for (const std::string& note : compare({"old.json", {old}, 3}, rows)) notes += note + '\n';
  for (const char* part :
       {"another CPU", "other pictures: 'c.jpg', now 'a.jpg,b.jpg'", "--profile", "compared by its name"}) {
    CHECK_MESSAGE(notes.find(part) != std::string::npos, notes);
  }
  old.threads = 9;
  rows[0].comparison.reset();
  CHECK(compare({"old.json", {old}, 3}, rows) ==
        std::vector<std::string>{"no old row for m.bin, avx2, 2 threads, batch 4"});
  CHECK(!rows[0].comparison);
}

TEST_CASE("parse_old_rows: what is no measurement says why") {
  const std::string good =
      R"({"model": "m.bin", "isa": "avx2", "threads": 1, "batch": 1, "times_ms": [1.5, 2], "cpu": "c"})";
  const auto rows = parse_old_rows("[" + good + "," + good + "]");
  REQUIRE(rows.ok());
  CHECK(rows.value().size() == 2);
  CHECK(rows.value()[1].times == std::vector<double>{1.5, 2});
  CHECK(rows.value()[0].cpu == "c");
  CHECK(!rows.value()[0].profiled);
  // As jsonl has them.
  CHECK(parse_old_rows(good + "\n").value().size() == 1);
  CHECK(parse_old_rows(good + "\n" + good + "\n").value().size() == 2);
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "not JSON"},
      {"[" + good, "not JSON"},
      {good + "\n" + good + "\ncut", "not JSON"},
      {"{}", "no array"},
      {"3", "no array"},
      {"[]", "no rows"},
      {"[1]", "row 1 is no object"},
      {"[" + good + R"(, {"model": "m.bin"}])", "row 2"},
      {R"([{"model": 3, "isa": "avx2", "threads": 1, "batch": 1, "times_ms": [1]}])", "'model'"},
      {R"([{"model": "m", "isa": "avx2", "threads": -1, "batch": 1, "times_ms": [1]}])", "'threads'"},
      {R"([{"model": "m", "isa": "avx2", "threads": 1, "batch": 99999999999, "times_ms": [1]}])", "'batch'"},
      {R"([{"model": "m", "isa": "avx2", "threads": 1, "batch": 1}])", "'times_ms'"},
      {R"([{"model": "m", "isa": "avx2", "threads": 1, "batch": 1, "times_ms": []}])", "'times_ms'"},
      {R"([{"model": "m", "isa": "avx2", "threads": 1, "batch": 1, "times_ms": [1, 0]}])", "'times_ms'"},
      {R"([{"model": "m", "isa": "avx2", "threads": 1, "batch": 1, "times_ms": [1, "2"]}])", "'times_ms'"}};
  for (const auto& [text, part] : bad) {
    CAPTURE(text);
    const auto result = parse_old_rows(text);
    REQUIRE(!result.ok());
    CHECK(result.status().code() == Code::invalid_argument);
    CHECK_MESSAGE(result.status().message().find(part) != std::string::npos, result.status().message());
  }
  CHECK(!read_old_rows("/").ok());
}

}  // namespace
}  // namespace intvit::bench
