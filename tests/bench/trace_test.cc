// A trace is JSON in Chrome's format, whose events follow each other in every thread.
#include "bench/vitbench/trace.h"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/vitbench/barrier.h"
#include "bench/vitbench/peak.h"
#include "bench/vitbench/profile.h"
#include "engine/program/cost.h"
#include "engine/program/stages.h"
#include "tests/engine/tiny_program.h"

namespace intvit::bench {
namespace {

using nlohmann::json;

// As a session would note it of three pictures: each thread does one and then both share the third. Every step takes
// 1000 ns on thread 0 and 400 ns on thread 1, and 50 ns pass between steps.
std::vector<std::vector<StepTime>> made_up_times(const Program& program) {
  const std::size_t steps = program.steps.size();
  std::vector<std::vector<StepTime>> threads(2, std::vector<StepTime>(3 * steps));
  std::uint64_t now = 5'000'000'000'000'000;  // of a clock that runs for months
  std::uint64_t ends[2];
  const auto note = [&](std::size_t thread, std::size_t picture, const Stage& stage) {
    std::uint64_t at = now + 50 + 20 * thread;
    for (std::size_t i = stage.first; i < stage.last; ++i, at += 50) {
      StepTime& time = threads[thread][picture * steps + i];
      time.begin = at;
      time.end = at += thread == 0 ? 1000 : 400;
    }
    ends[thread] = at;
  };
  for (std::size_t t = 0; t < 2; ++t) note(t, t, {0, steps});
  now = std::max(ends[0], ends[1]);
  for (const Stage& stage : make_stages(program)) {
    for (std::size_t t = 0; t < 2; ++t) note(t, 2, stage);
    now = std::max(ends[0], ends[1]);
  }
  return threads;
}

struct Traced {
  test::TinyProgram tiny = test::make_tiny_program();
  json events;

  Traced() {
    const TracedRun run{"a \"run\"", &tiny.program, 3, 2, made_up_times(tiny.program)};
    const json trace = json::parse(trace_json({run, run}));
    CHECK(trace["displayTimeUnit"] == "ns");
    CHECK(trace["otherData"]["cpu"].is_string());
    events = trace["traceEvents"];
  }
};

TEST_CASE("trace: every step of every thread, and barriers where threads meet") {
  const Traced traced;
  const std::size_t steps = traced.tiny.program.steps.size(), stages = make_stages(traced.tiny.program).size();
  std::map<std::string, std::size_t> count;
  for (const json& event : traced.events) {
    if (event["ph"] == "M") {
      ++count[event["name"]];
      continue;
    }
    REQUIRE(event["ph"] == "X");
    for (const char* key : {"ts", "dur"}) REQUIRE(event[key].is_number());
    for (const char* key : {"pid", "tid"}) REQUIRE(event[key].is_number_integer());
    ++count[event["cat"] == "step" ? "step" : event["name"].get<std::string>()];
  }
  CHECK(count["process_name"] == 2);
  CHECK(count["thread_name"] == 4);
  CHECK(count["step"] == 2 * 4 * steps);
  // One after a picture of one's own; nobody waits for the last thread at the end.
  CHECK(count["barrier"] == 2 * (2 + 2 * stages - 1));
  CHECK(count["wake"] == 2);  // thread 1 begins later
}

TEST_CASE("trace: events of a thread do not overlap, the first run begins at 0, times are microseconds") {
  const Traced traced;
  std::map<std::pair<int, int>, double> end;
  double first = 1e9;
  for (const json& event : traced.events) {
    if (event["ph"] != "X") continue;
    double& before = end[{event["pid"].get<int>(), event["tid"].get<int>()}];
    CHECK(event["ts"].get<double>() >= before - 1e-4);
    before = event["ts"].get<double>() + event["dur"].get<double>();
    first = std::min(first, event["ts"].get<double>());
    if (event["cat"] == "step") CHECK(event["dur"] == (event["tid"] == 0 ? 1.0 : 0.4));
  }
  CHECK(first == 0);
  CHECK(end.size() == 4);
}

TEST_CASE("trace: a step says what it does") {
  const Traced traced;
  int found = 0;
  for (const json& event : traced.events) {
    if (event["name"] != "linear blocks.0.mlp.fc1") continue;
    ++found;
    CHECK(event["args"]["op"] == "linear");
    CHECK(event["args"]["layer"] == "blocks.0.mlp.fc1");
    CHECK(event["args"]["rows"] == 5);
    CHECK(event["args"]["macs"] == 5 * 16 * 40);
    const int picture = event["args"]["picture"];
    CHECK((picture == 2 || picture == event["tid"]));
    CHECK(event["args"]["bytes"] > 0);
  }
  CHECK(found == 8);
}

TEST_CASE("profile: times per run, shares, rates of a batch") {
  const test::TinyProgram tiny = test::make_tiny_program();
  const std::size_t steps = tiny.program.steps.size();
  const std::vector<ProfileRow> layers =
      profile_by_layer(tiny.program, std::vector<std::uint64_t>(steps, 2'000'000), 4, 3);
  REQUIRE(layers.size() == steps);
  double share = 0;
  for (const ProfileRow& row : layers) {
    CHECK(row.milliseconds == doctest::Approx(0.5));
    share += row.share;
    if (row.layer == "head") CHECK(row.gmac_per_s() == doctest::Approx(3 * 160 / 0.5 / 1e6));
  }
  CHECK(share == doctest::Approx(100));
  double macs = 0;
  for (const ProfileRow& row : profile_by_op(layers)) macs += row.gmac * 1e9;
  CHECK(macs == doctest::Approx(3.0 * static_cast<double>(program_macs(tiny.program))));
}

TEST_CASE("peak: weights of 4 bits count by their own peak") {
  test::TinyOptions options;
  const Peak peak{2, 4, "", ""};
  const auto milliseconds = [&] { return milliseconds_at_peak(test::make_tiny_program(options).program, peak); };
  const double total = 15552;  // tests/engine/cost_test.cc
  CHECK(milliseconds() == doctest::Approx(total / 1e6 / 2));
  options.weight_bits = 4;
  const double narrow = 3840 + 1280 + 3200 + 3200;  // the linears of the block
  CHECK(milliseconds() == doctest::Approx((total - narrow) / 1e6 / 2 + narrow / 1e6 / 4));
}

TEST_CASE("measure_peak: an instruction set with a peak of its own, and none for others") {
  const auto peak = measure_peak(Isa::scalar, 2);
  REQUIRE(peak);
  CHECK(peak->weights8 > 0);
  CHECK(!peak->instruction8.empty());
}

TEST_CASE("measure_barrier: of several threads") {
  CHECK(!measure_barrier(1));
  const auto nanoseconds = measure_barrier(3);
  REQUIRE(nanoseconds);
  CHECK(*nanoseconds > 1);
}

}  // namespace
}  // namespace intvit::bench
