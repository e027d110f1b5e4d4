// Measures all combinations against each other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/vitbench/contender.h"
#include "bench/vitbench/options.h"

namespace intvit::bench {

// The CPUs that so many threads are bound to; none without --pin.
std::vector<int> first_cpus(const Options& options, int threads);

std::vector<Combination> combinations(const Options& options);

// Reads the models once, so that they are in the page cache, starts a contender for each combination, warms it up and
// runs them in turns until each has what `options` asks for. `progress` is called with what is going on.
Result<std::vector<std::unique_ptr<Contender>>> measure(const Options& options,
                                                        const std::function<void(const std::string&)>& progress,
                                                        const RunOnce& run_once = timed_run);

// Contender::trace() of each, warmed up as for measure().
Result<std::vector<ThreadTimes>> trace(const Options& options,
                                       const std::vector<std::unique_ptr<Contender>>& contenders);

// check_failed if two combinations of a model gave different results.
Status check_same_outputs(const std::vector<std::unique_ptr<Contender>>& contenders);

}  // namespace intvit::bench
