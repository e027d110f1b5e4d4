// Every option of vitbench arrives where it belongs.
#include "bench/vitbench/options.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/run/select_isa.h"
#include "intvit/session.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/machine/physical_cores.h"

namespace intvit::bench {
namespace {

// The options of a command line that is accepted.
Options parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "vitbench");
  Options options;
  CHECK(!parse_options(static_cast<int>(arguments.size()), arguments.data(), options));
  return options;
}

TEST_CASE("vitbench's options: defaults") {
  const Options options = parsed({"m.bin"});
  CHECK(options.models == std::vector<std::string>{"m.bin"});
  CHECK(options.threads == std::vector<int>{physical_cores()});
  CHECK(options.isas == std::vector<Isa>{select_isa("").value()});
  CHECK(options.batches == std::vector<int>{1});
  CHECK(options.pictures.empty());
  CHECK(options.warmup == 3);
  CHECK(options.runs == 0);
  CHECK(options.seconds == 3);
  CHECK(!options.profile);
  CHECK(options.trace.empty());
  CHECK(options.compare.empty());
  CHECK(options.tolerance_percent == 3);
  CHECK(options.format == OutputFormat::text);
}

TEST_CASE("vitbench's options: lists") {
  const Options options = parsed(
      {"a.bin,b.bin", "c.bin", "--threads", "3,1", "--batch", "7,2", "--isa", "scalar,scalar", "--pictures", "p,q"});
  CHECK(options.models == std::vector<std::string>{"a.bin", "b.bin", "c.bin"});
  CHECK(options.threads == std::vector<int>{3, 1});
  CHECK(options.batches == std::vector<int>{7, 2});
  CHECK(options.isas == std::vector<Isa>{Isa::scalar, Isa::scalar});
  CHECK(options.pictures == std::vector<std::string>{"p", "q"});
  const auto all = available_isas();
  CHECK(parsed({"m.bin", "--isa", "all"}).isas == std::vector<Isa>(all.begin(), all.end()));
  const std::string most = std::to_string(kMaxThreads) + "," + std::to_string(kMaxThreads);
  CHECK(parsed({"m.bin", "--threads", most.c_str()}).threads.back() == kMaxThreads);
}

TEST_CASE("vitbench's options: threads that are bound have a CPU each, and as many threads are the default") {
  const std::vector<int> usable = usable_cpus();
  REQUIRE(!usable.empty());
  const std::string last = std::to_string(usable.back());
  CHECK(parsed({"m.bin", "--pin", last.c_str()}).pin == std::vector<int>{usable.back()});
  CHECK(parsed({"m.bin", "--pin", last.c_str()}).threads == std::vector<int>{1});
  const Options all = parsed({"m.bin", "--pin", "all"});
  CHECK(all.pin.size() == usable.size());
  CHECK(all.threads == std::vector<int>{static_cast<int>(usable.size())});
  CHECK(parsed({"m.bin", "--pin", "all", "--threads", "1"}).threads == std::vector<int>{1});
}

TEST_CASE("vitbench's options: how long to measure") {
  const Options runs = parsed({"m.bin", "--runs", "5", "--warmup", "0"});
  CHECK(runs.runs == 5);
  CHECK(runs.seconds == 0);
  CHECK(runs.warmup == 0);
  const Options seconds = parsed({"m.bin", "--seconds", "0.25"});
  CHECK(seconds.runs == 0);
  CHECK(seconds.seconds == 0.25);
}

TEST_CASE("vitbench's options: what to do with the results") {
  CHECK(parsed({"m.bin", "--profile"}).profile);
  const std::string trace = std::filesystem::temp_directory_path() / "intvit_options_test.json";
  CHECK(parsed({"m.bin", "--trace", trace.c_str()}).trace == trace);
  const Options compared = parsed({"m.bin", "--compare", "old.json", "--tolerance", "7.5"});
  CHECK(compared.compare == "old.json");
  CHECK(compared.as.empty());
  CHECK(parsed({"m.bin", "--compare", "old.json", "--as", "a.bin"}).as == "a.bin");
  CHECK(compared.tolerance_percent == 7.5);
  CHECK(parsed({"m.bin", "--markdown"}).format == OutputFormat::markdown);
  CHECK(parsed({"m.bin", "--csv"}).format == OutputFormat::csv);
  CHECK(parsed({"m.bin", "--json"}).format == OutputFormat::json);
  CHECK(parsed({"m.bin", "--format", "text"}).format == OutputFormat::text);
  CHECK(parsed({"m.bin", "--format", "markdown"}).format == OutputFormat::markdown);
  CHECK(parsed({"m.bin", "--format", "md"}).format == OutputFormat::markdown);
  CHECK(parsed({"m.bin", "--format", "csv"}).format == OutputFormat::csv);
  CHECK(parsed({"m.bin", "--format", "json"}).format == OutputFormat::json);
  CHECK(parsed({"m.bin", "--format", "jsonl"}).format == OutputFormat::jsonl);
}

TEST_CASE("vitbench's options: numbers out of range are wrong usage") {
  const std::vector<std::vector<std::string>> wrong = {{"--runs", "0"},
                                                       {"--warmup", "-1"},
                                                       {"--seconds", "0"},
                                                       {"--seconds", "1e7"},
                                                       {"--seconds", "nan"},
                                                       {"--threads", "0"},
                                                       {"--threads", std::to_string(kMaxThreads + 1)},
                                                       {"--pin", ""},
                                                       {"--pin", "1023"},
                                                       {"--pin", "all", "--threads", "1024"},
                                                       {"--batch", "0"},
                                                       {"--batch", std::to_string(kMaxBatch + 1)},
                                                       {"--tolerance", "-1", "--compare", "old.json"},
                                                       {"--tolerance", "1001", "--compare", "old.json"}};
  for (const std::vector<std::string>& words : wrong) {
    CAPTURE(words[0]);
    CAPTURE(words[1]);
    std::vector<const char*> arguments = {"vitbench", "m.bin"};
    for (const std::string& word : words) arguments.push_back(word.c_str());
    Options options;
    CHECK(parse_options(static_cast<int>(arguments.size()), arguments.data(), options) == kExitUsage);
  }
}

}  // namespace
}  // namespace intvit::bench
