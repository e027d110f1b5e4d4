// convert --dry-run: what a conversion would give and take, from short ones of made-up pictures.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/program/program.h"
#include "intvit/session.h"
#include "tools/common/results/json_text.h"
#include "tools/vitconvert/commands.h"

namespace intvit {
namespace {

constexpr int kFewPictures = 1, kMorePictures = 3;

struct Sample {
  Conversion conversion;
  double seconds = 0;
};

Result<Sample> convert_synthetic(const Job& job, int pictures) {
  const Preprocessing& input = job.network.preprocessing;
  SyntheticPictures source(pictures, input.height, input.width, 1);
  ConvertOptions options = job.convert;
  options.sensitivity_pictures = std::min(options.sensitivity_pictures, pictures);
  const auto start = std::chrono::steady_clock::now();
  Result<Conversion> conversion = convert(job.network, source, options, terminal_progress());
  if (!conversion.ok()) return conversion.status();
  return Sample{conversion.take(), std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

// Of a straight line through both samples.
double seconds_for(int pictures, const Sample& few, const Sample& more) {
  const double each = std::max(0.0, (more.seconds - few.seconds) / (kMorePictures - kFewPictures));
  return few.seconds + each * std::max(0, pictures - kFewPictures);
}

void print(const Model& model, const Metadata& metadata, int pictures, int threads, double seconds,
           std::uint64_t session) {
  std::printf("%s, method %s, W%sA%s: about %.2f MB of file\n", metadata.at("architecture").c_str(),
              metadata.at("method").c_str(), metadata.at("weight_bits").c_str(), metadata.at("activation_bits").c_str(),
              static_cast<double>(model.file_bytes()) / 1e6);
  std::printf("arena %.0f KiB a picture, a session of one thread and picture %.1f MiB beside the file\n",
              static_cast<double>(model.program().arena_bytes) / 1024, static_cast<double>(session) / (1 << 20));
  std::printf("%zu steps; from %d pictures in about %.1f s on %d threads of this machine\n",
              model.program().steps.size(), pictures, seconds, threads);
  std::printf("nothing was written and no picture read; figures are of conversions of %d and %d made-up pictures\n",
              kFewPictures, kMorePictures);
}

}  // namespace

int dry_run(const Job& job, OutputFormat format) {
  const Result<Sample> few = convert_synthetic(job, kFewPictures);
  if (!few.ok()) return report_error(few.status());
  const Result<Sample> more = convert_synthetic(job, kMorePictures);
  if (!more.ok()) return report_error(more.status());
  const Conversion& conversion = more.value().conversion;
  const auto model = Model::from_memory(conversion.file, "the trial");
  if (!model.ok()) return report_error(model.status());
  SessionOptions one;
  one.threads = 1;
  const Result<std::uint64_t> session = Session::memory_bytes(*model.value(), one);
  if (!session.ok()) return report_error(session.status());
  const int pictures = static_cast<int>(job.calibration.size()), threads = job.convert.threads;
  const double seconds = seconds_for(pictures, few.value(), more.value());
  const Metadata& metadata = conversion.metadata;
  if (format == OutputFormat::text) {
    print(*model.value(), metadata, pictures, threads, seconds, session.value());
    return kExitOk;
  }
  const nlohmann::ordered_json root = {{"dry_run", true},
                                       {"architecture", metadata.at("architecture")},
                                       {"method", metadata.at("method")},
                                       {"weight_bits", metadata.at("weight_bits")},
                                       {"activation_bits", metadata.at("activation_bits")},
                                       {"bytes", conversion.file.size()},
                                       {"arena_bytes", model.value()->program().arena_bytes},
                                       {"session_bytes", session.value()},
                                       {"steps", model.value()->program().steps.size()},
                                       {"pictures", pictures},
                                       {"threads", threads},
                                       {"seconds", seconds}};
  std::cout << json_text(root, 2) << '\n';
  return kExitOk;
}

}  // namespace intvit
