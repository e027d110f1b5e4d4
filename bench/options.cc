#include "bench/options.h"

#include <limits>

#include "engine/select_isa.h"
#include "engine/session.h"
#include "engine/tools/build_info.h"
#include "engine/tools/comma_list.h"
#include "engine/tools/command_line.h"
#include "engine/tools/physical_cores.h"

namespace intvit::bench {
namespace {

constexpr double kDefaultSeconds = 3;

constexpr const char* kDescription =
    "Measures how long an intvit model takes, for every combination of the given threads, instruction sets and batch\n"
    "sizes. The combinations take turns, so that a CPU that gets warm slows all of them alike. Times are of a whole\n"
    "run, that is of one batch, from pixels to logits; decoding is not included. Also checks that all combinations of\n"
    "a model give the same logits.";

constexpr const char* kExamples =
    "  vitbench model.bin --threads 1,2,4 --isa all    a table of median, fastest and 90th percentile\n"
    "  vitbench model.bin --profile --threads 1        where the time goes, by operation and by layer\n"
    "  vitbench a.bin b.bin --runs 200 --json          rows for a script\n";

Result<std::vector<Isa>> parse_isas(const std::string& text) {
  if (text == "all") {
    const auto all = available_isas();
    return std::vector<Isa>(all.begin(), all.end());
  }
  std::vector<std::string> names = {""};  // select_isa's choice
  if (!text.empty()) {
    Result<std::vector<std::string>> parsed = parse_names("--isa", text);
    if (!parsed.ok()) return parsed.status();
    names = parsed.take();
  }
  std::vector<Isa> isas;
  for (const std::string& name : names) {
    const Result<Isa> isa = select_isa(name);
    if (!isa.ok()) return isa.status();
    isas.push_back(isa.value());
  }
  return isas;
}

int fail(const Status& status) {
  std::cerr << "vitbench: " << status.message() << "; try 'vitbench --help'\n";
  return exit_code_for(status);
}

}  // namespace

std::optional<int> parse_options(int argc, const char* const* argv, Options& options) {
  std::string threads = std::to_string(physical_cores()), isas, batches = "1";
  bool json = false, csv = false, markdown = false;
  options.warmup = 3;

  CLI::App app(kDescription, "vitbench");
  set_help(app, kExamples);
  const auto count = whole_number(1, std::numeric_limits<int>::max());
  app.add_option("MODEL", options.models, "Model files, made by vitconvert")->required();
  app.add_option("--threads", threads, "Numbers of threads; if not given, the physical cores that may be used")
      ->type_name("LIST")
      ->capture_default_str();
  app.add_option("--isa", isas,
                 "Instruction sets of " + built_isa_names() +
                     ", or all for those available; if not given, INTVIT_ISA, else the best of this CPU")
      ->type_name("LIST");
  app.add_option("--batch", batches, "Pictures per run")->type_name("LIST")->capture_default_str();
  app.add_option("--runs", options.runs, "Timed runs of every combination")->type_name("N")->check(count);
  app.add_option("--seconds", options.seconds,
                 "Timed seconds of every combination, 3 if neither this nor --runs is given; with both, whichever is "
                 "reached first; at least one run")
      ->type_name("S")
      ->check(CLI::Range(0.001, 1e6).description(""));
  app.add_option("--warmup", options.warmup, "Untimed runs at first")
      ->type_name("N")
      ->check(whole_number(0, std::numeric_limits<int>::max()))
      ->capture_default_str();
  app.add_flag("--profile", options.profile,
               "Also time every step of the model, by kind and by layer; a barrier after each makes runs slower");
  CLI::Option* json_flag = app.add_flag("--json", json, "Print an array with an object per combination");
  CLI::Option* csv_flag = app.add_flag("--csv", csv, "Print comma-separated values")->excludes(json_flag);
  app.add_flag("--markdown", markdown, "Print a Markdown table")->excludes(json_flag)->excludes(csv_flag);
  app.set_version_flag(
      "--version", [] { return version_text("vitbench"); }, "Print version, compiler and instruction sets");
  if (const std::optional<int> code = parse_command_line(app, argc, argv)) return code;

  const Result<std::vector<int>> thread_counts = parse_numbers("--threads", threads, 1, kMaxThreads);
  if (!thread_counts.ok()) return fail(thread_counts.status());
  const Result<std::vector<int>> batch_sizes = parse_numbers("--batch", batches, 1, kMaxBatch);
  if (!batch_sizes.ok()) return fail(batch_sizes.status());
  const Result<std::vector<Isa>> instruction_sets = parse_isas(isas);
  if (!instruction_sets.ok()) return fail(instruction_sets.status());
  if (options.profile && csv) {
    return fail({Code::invalid_argument, "--profile has no --csv form; use --json"});
  }
  options.threads = thread_counts.value();
  options.batches = batch_sizes.value();
  options.isas = instruction_sets.value();
  options.format = json ? Format::json : csv ? Format::csv : markdown ? Format::markdown : Format::table;
  if (options.runs == 0 && options.seconds == 0) options.seconds = kDefaultSeconds;
  return std::nullopt;
}

}  // namespace intvit::bench
