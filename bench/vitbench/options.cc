#include "bench/vitbench/options.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

#include "bench/vitbench/pinning.h"
#include "engine/run/select_isa.h"
#include "intvit/session.h"
#include "tools/common/cli/comma_list.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/cli/format_options.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/machine/build_info.h"
#include "tools/common/machine/physical_cores.h"
#include "tools/common/pictures/picture_options.h"
#include "tools/common/results/output_file.h"

namespace intvit::bench {
namespace {

constexpr double kDefaultSeconds = 3;

constexpr const char* kDescription =
    "Measures how long intvit models take, for every combination of the given models, threads, instruction sets and\n"
    "batch sizes. The combinations take turns, so that a CPU that gets warm slows all of them alike. Times are of a\n"
    "whole run, that is of one batch, from pixels to logits; decoding is not included. Also checks that all\n"
    "combinations of a model give the same outputs.";

constexpr const char* kExamples =
    "  vitbench model.bin --threads 1,2,4 --isa all     tables of run times, rates and cold starts\n"
    "  vitbench model.bin --profile --threads 1         where the time goes, by operation and by layer\n"
    "  vitbench a.bin,b.bin --runs 200 --json >old.json rows for a script, or to compare with later\n"
    "  vitbench a.bin,b.bin --compare old.json          exit code 5 if one has become slower\n"
    "  vitbench new.bin --compare old.json --as a.bin   against another model's rows\n"
    "  vitbench model.bin --threads 4 --trace out.json  one run, for ui.perfetto.dev\n";

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

bool exists(const std::string& path) {
  struct stat file {};
  return ::stat(path.c_str(), &file) == 0;
}

// A list with commas, unless that is the name of a file. Empty: no files.
Result<std::vector<std::string>> parse_files(const std::string& option, const std::string& word) {
  if (word.empty()) return std::vector<std::string>();
  if (exists(word)) return std::vector<std::string>{word};
  return parse_names(option, word);
}

Result<std::vector<std::string>> parse_models(const std::vector<std::string>& words) {
  std::vector<std::string> models;
  for (const std::string& word : words) {
    Result<std::vector<std::string>> names = parse_files("MODEL", word);
    if (!names.ok()) return names.status();
    for (std::string& name : names.value()) models.push_back(std::move(name));
  }
  return models;
}

int fail(const Status& status) {
  print_message("vitbench", status.message() + "; try 'vitbench --help'");
  return exit_code_for(status);
}

// An empty variable of a script must not unbind the threads.
CLI::Validator no_empty_list() {
  return {[](std::string& text) { return text.empty() ? "the list is empty" : ""; }, ""};
}

// Options whose words become values after parsing.
struct Words {
  std::string threads;
  std::string isas;
  std::string batches = "1";
  std::string pictures;
  std::string pin;
};

void add_combinations(CLI::App& app, Options& options, Words& words) {
  app.add_option("MODEL", options.models, "Model files, made by vitconvert; also a,b,c")->required();
  app.add_option("--threads", words.threads,
                 "Numbers of threads; if not given, as many as CPUs of --pin, else as physical cores that may be used")
      ->type_name("LIST");
  app.add_option("--pin", words.pin,
                 "Bind each thread to a CPU of its own of these, such as 0,2-3; all for those that may be used, one of "
                 "each core first")
      ->type_name("LIST")
      ->check(no_empty_list());
  app.add_option("--isa", words.isas,
                 "Instruction sets of " + built_isa_names() +
                     ", or all for those available; if not given, INTVIT_ISA, else the best of this CPU")
      ->type_name("LIST");
  app.add_option("--batch", words.batches, "Pictures per run")->type_name("LIST")->capture_default_str();
  app.add_option("--pictures", words.pictures, "Files to run on, used in turn to fill a batch; else painted ones")
      ->type_name("LIST")
      ->check(file_name());
  add_picture_options(app, options.reading);
}

void add_run_counts(CLI::App& app, Options& options) {
  CLI::Option* runs = app.add_option("--runs", options.runs, "Timed runs of every combination")
                          ->type_name("N")
                          ->check(whole_number(1, std::numeric_limits<int>::max()));
  app.add_option("--seconds", options.seconds,
                 "Timed seconds of every combination instead, at least one run; 3 if neither is given")
      ->type_name("S")
      ->excludes(runs)
      ->check(real_number(0.001, 1e6, ""));
  app.add_option("--warmup", options.warmup, "Untimed runs at first")
      ->type_name("N")
      ->check(whole_number(0, std::numeric_limits<int>::max()))
      ->capture_default_str();
}

void add_details(CLI::App& app, Options& options) {
  app.add_flag("--profile", options.profile,
               "Also time every step of the model, by kind and by layer; a barrier after each makes runs slower");
  app.add_option("--trace", options.trace,
                 "Write what each thread does when in one more run of every combination, as Chrome trace events, "
                 "which ui.perfetto.dev shows")
      ->type_name("FILE")
      ->check(file_name());
}

void add_comparison(CLI::App& app, Options& options) {
  CLI::Option* compare =
      app.add_option("--compare", options.compare,
                     "An earlier output of --json: print ratios to its medians, exit code 5 if one is slower")
          ->type_name("FILE")
          ->check(file_name());
  app.add_option("--as", options.as,
                 "Compare with the rows of this model in that file, not with those of the same model")
      ->type_name("NAME")
      ->needs(compare)
      ->check(file_name());
  app.add_option("--tolerance", options.tolerance_percent,
                 "Percent by which the 95 % interval of a ratio must be off to count as slower or faster")
      ->type_name("P")
      ->needs(compare)
      ->check(real_number(0.0, 1000.0, ""))
      ->capture_default_str();
}

void add_formats(CLI::App& app, OutputFormat& format) {
  using enum OutputFormat;
  add_format_options(app, format, {text, markdown, csv, json, jsonl}, {markdown, csv, json});
}

// Both --threads and --pin, which each have a default by the other.
Status read_threads(const Words& words, Options& options) {
  if (!words.pin.empty()) {
    Result<std::vector<int>> cpus = parse_pin(words.pin, usable_cpus());
    if (!cpus.ok()) return cpus.status();
    options.pin = cpus.take();
  }
  const std::string default_threads =
      std::to_string(options.pin.empty() ? static_cast<std::size_t>(physical_cores()) : options.pin.size());
  Result<std::vector<int>> threads =
      parse_numbers("--threads", words.threads.empty() ? default_threads : words.threads, 1, kMaxThreads);
  if (!threads.ok()) return threads.status();
  options.threads = threads.take();
  const int most = *std::max_element(options.threads.begin(), options.threads.end());
  if (!options.pin.empty() && static_cast<std::size_t>(most) > options.pin.size()) {
    return {Code::invalid_argument, "--pin has " + std::to_string(options.pin.size()) + " of the " +
                                        std::to_string(most) +
                                        " CPUs that --threads needs; name a CPU for each thread"};
  }
  return {};
}

Status read_words(const Words& words, Options& options) {
  if (const Status status = read_threads(words, options); !status.ok()) return status;
  Result<std::vector<int>> batches = parse_numbers("--batch", words.batches, 1, kMaxBatch);
  if (!batches.ok()) return batches.status();
  Result<std::vector<Isa>> isas = parse_isas(words.isas);
  if (!isas.ok()) return isas.status();
  Result<std::vector<std::string>> models = parse_models(options.models);
  if (!models.ok()) return models.status();
  Result<std::vector<std::string>> pictures = parse_files("--pictures", words.pictures);
  if (!pictures.ok()) return pictures.status();
  if (Status status = check_output_file("the trace", options.trace); !status.ok()) return status;
  options.models = models.take();
  options.pictures = pictures.take();
  options.batches = batches.take();
  options.isas = isas.take();
  return {};
}

}  // namespace

std::optional<int> parse_options(int argc, const char* const* argv, Options& options) {
  options.warmup = 3;
  Words words;
  CLI::App app(kDescription, "vitbench");
  set_help(app, kExamples);
  add_combinations(app, options, words);
  add_run_counts(app, options);
  add_details(app, options);
  add_comparison(app, options);
  add_formats(app, options.format);
  app.set_version_flag(
      "--version", [] { return version_text("vitbench"); }, "Print version, compiler and instruction sets");
  if (const std::optional<int> code = parse_command_line(app, argc, argv)) return code;
  if (const Status status = read_words(words, options); !status.ok()) return fail(status);
  if (options.runs == 0 && options.seconds == 0) options.seconds = kDefaultSeconds;
  return std::nullopt;
}

}  // namespace intvit::bench
