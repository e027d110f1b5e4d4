#include "tools/vitconvert/conversion_job.h"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "converter/convert/round_layers.h"
#include "converter/convert/trial.h"
#include "converter/float/vectors/vector_functions.h"
#include "converter/lower/input_geometry.h"
#include "converter/read/text_file.h"
#include "engine/format/checksum.h"
#include "engine/run/select_isa.h"
#include "tools/common/cli/command_line.h"
#include "tools/common/cli/suggest.h"
#include "tools/common/pictures/labels_file.h"
#include "tools/common/pictures/picture_options.h"
#include "tools/common/results/digest.h"
#include "tools/common/results/output_file.h"
#include "tools/vitconvert/commands.h"
#include "tools/vitconvert/sweep/checksums.h"

namespace intvit {
namespace {

Status read_plan(const std::string& path, ConvertOptions& options) {
  if (path.empty()) return {};
  const Result<std::string> text = read_text_file(path);
  if (!text.ok()) return text.status();
  Result<Plan> plan = plan_from_json(text.value(), path);
  if (!plan.ok()) return plan.status();
  options.plan = plan.take();
  return {};
}

// What the words of the command line mean.
Status settle_options(JobOptions& options) {
  options.convert.feedback = options.weights == "feedback";
  options.convert.equalise_heads = options.equalise_heads == "on";
  if (const auto method = find_method(options.convert.method); !method.ok()) return method.status();
  if (const auto training = optimise_options(options.convert); !training.ok()) return training.status();
  const auto knobs = Knobs::with(options.convert.method, options.convert.settings);
  if (!knobs.ok()) return knobs.status();
  const Result<Isa> isa = select_isa(options.isa);
  if (!isa.ok()) return isa.status();
  options.convert.budget.isa = isa.value();
  for (const std::string& text : options.sites) {
    Result<SiteRule> rule = parse_site_rule(text);
    if (!rule.ok()) return rule.status();
    const std::string& method = rule.value().method.empty() ? options.convert.method : rule.value().method;
    if (const std::string& aside = rule.value().aside; !aside.empty()) {
      const auto own = Knobs::with(method, std::vector<std::string>{"aside=" + aside});
      if (!own.ok()) return own.status();
    }
    options.convert.sites.push_back(rule.take());
  }
  return read_plan(options.plan, options.convert);
}

Result<FloatNetwork> load_labelled(JobOptions& options) {
  Result<FloatNetwork> network = load_with_notes(options.source);
  if (!network.ok() || options.labels.empty()) return network;
  if (Status status = needs_logits(network.value(), "--labels"); !status.ok()) return status;
  Result<std::vector<std::string>> labels = read_labels(options.labels, network.value().classes());
  if (!labels.ok()) return labels.status();
  network.value().labels = labels.take();
  return network;
}

// That every rule is about something.
Status check_sites(const FloatNetwork& network, const ConvertOptions& options) {
  if (options.sites.empty()) return {};
  const std::vector<std::string> names = site_names(network);
  for (const SiteRule& rule : options.sites) {
    const auto is_meant = [&rule](const std::string& name) { return matches(rule.pattern, name); };
    if (std::any_of(names.begin(), names.end(), is_meant)) continue;
    const std::string guess = closest(rule.pattern, names);
    return {Code::invalid_argument, "--site '" + rule.pattern.substr(0, 200) + "' matches nothing" +
                                        (guess.empty() ? "" : ", did you mean '" + guess + "'?") +
                                        "; 'vitconvert plan' prints all names"};
  }
  return check_site_rules(network, options.sites, options.activation_bits);
}

// The last name of a path, without the folders that it is in.
std::string base_name(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::weakly_canonical(path, error);
  const std::string name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  return name.substr(0, 200);
}

std::uint64_t checksum_of(const std::string& text) {
  return checksum64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// What a calibration cache is of, but for the pictures; and part of what a state of training is of.
Result<FileKey> file_key(const JobOptions& options, const FloatNetwork& network) {
  if (options.cache.empty() && options.resume.empty()) return FileKey{};
  if (Status status = check_output_file("the calibration cache", options.cache); !status.ok()) return status;
  if (Status status = check_output_file("the state of --optimise", options.resume); !status.ok()) return status;
  const Result<SweepChecksums> sums =
      sweep_checksums(options.source.path, options.source.outputs.texts, {}, {}, options.pictures);
  if (!sums.ok()) return sums.status();
  std::string outputs =
      std::to_string(network.preprocessing.height) + "x" + std::to_string(network.preprocessing.width);
  for (const NetworkOutput& output : network.outputs) outputs += " " + output.name;
  return FileKey{{"checkpoint", hex64(sums.value().checkpoint)},
                 {"input size or choice of outputs", hex64(checksum_of(outputs))},
                 {"way to read pictures", hex64(sums.value().reading)},
                 {"build of vitconvert", hex64(sums.value().program)},
                 {"kind of CPU", std::to_string(float_instructions())}};
}

// What plan and training depend on beside network and pictures.
std::string training_text(const JobOptions& options) {
  const ConvertOptions& convert = options.convert;
  std::string text = convert.method + " " + std::to_string(convert.weight_bits) + " " +
                     std::to_string(convert.activation_bits) + " " + options.equalise_heads + " " +
                     (convert.optimise_modules ? "modules " : "") + (convert.optimise_network ? "network " : "") +
                     std::to_string(convert.seed) + " " + std::to_string(convert.budget.milliseconds) + " " +
                     std::to_string(convert.budget.megabytes) + " " +
                     std::to_string(static_cast<int>(convert.budget.isa)) + "\n";
  for (const auto* list : {&convert.settings, &options.sites, &convert.optimise_settings}) {
    for (const std::string& setting : *list) text += setting + "\n";
    text += "\n";
  }
  return text + (convert.plan ? plan_to_json(*convert.plan) : "");
}

Status open_kept_files(Job& job) {
  if (job.cache_path.empty() && job.resume_path.empty()) return {};
  FileKey key = job.key;
  key.emplace_back("choice of calibration pictures", hex64(pictures_checksum(job.calibration)));
  const auto note = [](const std::string& line) { std::cerr << "vitconvert: note: " << line << '\n'; };
  if (!job.resume_path.empty()) {
    FileKey own = key;
    own.emplace_back("method, plan or number", hex64(checksum_of(job.training)));
    Result<TrainingState> state = TrainingState::open(job.resume_path, std::move(own), note);
    if (!state.ok()) return state.status();
    job.training_state = std::make_unique<TrainingState>(state.take());
    job.convert.training = job.training_state.get();
  }
  if (job.cache_path.empty()) return {};
  Result<CalibrationCache> cache = CalibrationCache::open(job.cache_path, std::move(key), note);
  if (!cache.ok()) return cache.status();
  job.cache = std::make_unique<CalibrationCache>(cache.take());
  job.convert.cache = job.cache.get();
  return {};
}

}  // namespace

Result<Job> start_job(JobOptions& options) {
  if (Status status = settle_options(options); !status.ok()) return status;
  Result<CalibrationPictures> pictures = split_pictures(options.calibration, options.calibration_count, options.strict);
  if (!pictures.ok()) return pictures.status();
  Result<FloatNetwork> network = load_labelled(options);
  if (!network.ok()) return network.status();
  if (Status status = check_sites(network.value(), options.convert); !status.ok()) return status;
  const Result<InputGeometry> geometry = input_geometry(network.value().preprocessing);
  if (!geometry.ok()) return geometry.status();
  const Result<std::uint64_t> checksum = checkpoint_checksum(options.source.path);
  if (!checksum.ok()) return checksum.status();
  options.convert.origin = {{"source", base_name(options.source.path)},
                            {"checkpoint_checksum", hex64(checksum.value())}};
  Result<FileKey> key = file_key(options, network.value());
  if (!key.ok()) return key.status();
  return Job{network.take(),
             options.convert,
             geometry.value(),
             options.pictures,
             options.strict,
             std::move(pictures.value().calibration),
             std::move(pictures.value().unseen),
             options.cache,
             options.resume,
             key.take(),
             training_text(options),
             {},
             {},
             {},
             {},
             pictures.value().folders_left_out};
}

Status open_pictures(Job& job) {
  const int threads = job.convert.threads;
  const std::size_t wanted = job.calibration.size();
  Status status = keep_readable(job.calibration, job.geometry, job.reading, threads, job.strict);
  if (!status.ok()) return status;
  job.left_out += wanted - job.calibration.size();
  job.pictures = std::make_unique<PictureFiles>(paths_of(job.calibration), job.geometry, job.reading);
  if (!job.unseen.empty()) {
    status = keep_readable(job.unseen, job.geometry, job.reading, threads, job.strict);
    if (!status.ok() && job.strict) return status;
    // What lies behind the calibration pictures was not asked for: no reason to stop.
    if (!status.ok()) job.unseen.clear();
  }
  if (!job.unseen.empty()) {
    job.unseen_pictures = std::make_unique<PictureFiles>(paths_of(job.unseen), job.geometry, job.reading);
    job.convert.unseen = job.unseen_pictures.get();
  }
  const Progress progress = terminal_progress();
  status = try_lowering(job.network, {*job.pictures, threads, progress}, job.convert);
  return status.ok() ? open_kept_files(job) : status;
}

void add_job_options(CLI::App& command, JobOptions& options) {
  add_source_options(command, options.source);
  command.add_option("--calib", options.calibration, "LIST file or folder of calibration pictures")->required();
  command.add_option("--calib-count", options.calibration_count, "Use only the first N pictures")
      ->check(CLI::Range(1, 1000000));
  command
      .add_option("--calib-cache", options.cache,
                  "Keep what calibration saw in this file, and take it from there for other methods and bits")
      ->check(file_name());
  command.add_flag("--strict", options.strict,
                   "Stop at a picture or folder that cannot be read, instead of leaving it out");
  add_picture_options(command, options.pictures);
  add_output_options(command, options.source.outputs);
  add_input_size_option(command, options.source.input);
  options.convert.method = "auto";
  add_convert_options(command, options.convert);
  command
      .add_option("--equalise-heads", options.equalise_heads,
                  "Scale and rotate the channels of query, key and value, exactly, before they are quantized to "
                  "fewer than 8 bits: on or off")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  command
      .add_option("--site", options.sites,
                  "PATTERN=KEY:VALUE,... of some quantizers by name (* for any letters): bits, method, aside, range; "
                  "the last that matches holds (repeatable)")
      ->type_name("RULE")
      ->allow_extra_args(false);
  command
      .add_option("--max-ms", options.convert.budget.milliseconds,
                  "Method auto: at most so many milliseconds a picture, on one thread of this machine")
      ->check(real_number(1e-6, 1e9, "POSITIVE"));
  command.add_option("--max-mb", options.convert.budget.megabytes, "Method auto: at most so many megabytes of file")
      ->check(real_number(1e-6, 1e9, "POSITIVE"));
  command.add_option("--isa", options.isa, "The instruction set that --max-ms is of; default: the best one here");
  command.add_option("--labels", options.labels, "Class names, one per line, instead of the checkpoint's")
      ->check(file_name());
}

}  // namespace intvit
