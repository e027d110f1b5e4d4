// WorkShares: everything is somebody's, and whoever is faster gets more.
#include "engine/run/work_shares.h"

#include <doctest/doctest.h>

#include <vector>

namespace intvit::test {
namespace {

using Times = std::vector<std::uint64_t>;

// Ranges must be adjacent, ascending and cover all of `total`.
void check_covers(const WorkShares& shares, int members, std::int64_t total) {
  std::int64_t end = 0;
  for (int member = 0; member < members; ++member) {
    const Range range = shares.of(member).of(total);
    CHECK(range.begin == end);
    CHECK(range.end >= range.begin);
    end = range.end;
  }
  CHECK(end == total);
}

std::int64_t width(const WorkShares& shares, std::int64_t total, int member) {
  const Range range = shares.of(member).of(total);
  return range.end - range.begin;
}

// What members take that do `speeds` units of work per unit of time.
Times times_of(const WorkShares& shares, const std::vector<double>& speeds) {
  Times times;
  for (std::size_t i = 0; i < speeds.size(); ++i) {
    const auto work = static_cast<double>(width(shares, 1 << 20, static_cast<int>(i)));
    times.push_back(static_cast<std::uint64_t>(work / speeds[i] + 1));
  }
  return times;
}

TEST_CASE("work_shares: equal at first") {
  for (const int members : {1, 2, 3, 7, 64, 1024}) {
    const WorkShares shares(members);
    for (const std::int64_t total : {0, 1, 5, 197, 197 * 3 * 8}) {
      check_covers(shares, members, total);
      for (int member = 0; member < members; ++member) {
        CHECK(width(shares, total, member) - total / members <= 1);
        CHECK(width(shares, total, member) - total / members >= 0);
      }
    }
  }
}

TEST_CASE("work_shares: follow speeds that differ") {
  WorkShares shares(3);
  const std::vector<double> speeds = {1.0, 2.0, 0.5};
  for (int i = 0; i < 60; ++i) shares.adapt(times_of(shares, speeds));
  const Times times = times_of(shares, speeds);
  // All take the same time, to 2 %.
  for (const std::uint64_t time : times) {
    CHECK(time * 50 > times[0] * 49);
    CHECK(time * 49 < times[0] * 50);
  }
  check_covers(shares, 3, 197);
}

TEST_CASE("work_shares: one accident changes little, and nothing takes a share away altogether") {
  WorkShares shares(2);
  shares.adapt(Times{1'000'000'000, 1000});
  CHECK(width(shares, 1000, 0) >= 460);
  CHECK(width(shares, 1000, 0) < 500);
  for (int i = 0; i < 1000; ++i) shares.adapt(Times{1'000'000'000, 1000});
  CHECK(width(shares, 1600, 0) >= 90);  // an eighth of an equal share is 100 of 1600, before both are scaled to 1
  check_covers(shares, 2, 1600);
  // And it comes back.
  for (int i = 0; i < 200; ++i) shares.adapt(times_of(shares, {1.0, 1.0}));
  CHECK(width(shares, 1000, 0) > 480);
}

TEST_CASE("work_shares: times that say nothing, and times of any size") {
  WorkShares shares(2);
  shares.adapt(Times{0, 1000});
  CHECK(width(shares, 1000, 0) == 500);
  shares.adapt(Times{UINT64_MAX, UINT64_MAX});
  check_covers(shares, 2, 197);
  shares.adapt(Times{1, 1});
  CHECK(width(shares, 1000, 0) == 500);
  WorkShares many(1024);
  for (int i = 0; i < 50; ++i) {
    Times times(1024);
    for (std::size_t member = 0; member < times.size(); ++member) times[member] = 1 + member * member * 7919 % 100'003;
    many.adapt(times);
    check_covers(many, 1024, 32768);
  }
}

}  // namespace
}  // namespace intvit::test
