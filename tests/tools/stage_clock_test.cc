// One estimate for a computation of many stages.
#include "tools/common/cli/stage_clock.h"

#include <doctest/doctest.h>

using intvit::StageClock;

TEST_CASE("stages: numbered, and one time for all that is left") {
  StageClock clock({{"reading", 10}, {"choosing", 20}, {"reading", 30}, {"lowering", 40}});
  CHECK(clock.line("reading", 0, 4, 0.1) == "[1/4] reading 0/4");
  CHECK(clock.line("reading", 4, 4, 1) == "[1/4] reading 4/4, 9 s left");
  CHECK(clock.line("measuring", 1, 2, 1) == "measuring 1/2");  // not expected
  CHECK(clock.line("choosing", 1, 2, 2) == "[2/4] choosing 1/2, 8 s left");
  CHECK(clock.line("reading", 1, 3, 4) == "[3/4] reading 1/3, 6 s left");
  CHECK(clock.line("lowering", 1, 1, 12) == "[4/4] lowering 1/1, 0 s left");
}

TEST_CASE("stages: those that never come are behind with the next one") {
  StageClock clock({{"a", 1}, {"b", 1}, {"c", 2}});
  CHECK(clock.line("c", 0, 2, 3) == "[3/3] c 0/2, 3 s left");
  CHECK(clock.line("a", 1, 1, 3) == "a 1/1");
}
