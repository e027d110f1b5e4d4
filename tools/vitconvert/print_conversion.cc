#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "converter/report/html_report.h"
#include "engine/format/writer.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/text_table.h"
#include "tools/vitconvert/commands.h"
#include "tools/vitconvert/sensitivity_json.h"

namespace intvit {
namespace {

nlohmann::ordered_json conversion_json(const Conversion& conversion, const std::string& output, double seconds) {
  const Verification& v = conversion.verification;
  nlohmann::ordered_json sites = nlohmann::ordered_json::object();
  for (const SiteError& error : conversion.site_errors) sites[error.site] = error.sqnr_db;
  nlohmann::ordered_json root = {{"model", output},
                                 {"bytes", conversion.file.size()},
                                 {"architecture", conversion.metadata.at("architecture")},
                                 {"method", conversion.metadata.at("method")},
                                 {"pictures", v.pictures},
                                 {"unseen", v.unseen}};
  if (v.top1_agreement) root["top1_agreement"] = *v.top1_agreement;
  auto others = nlohmann::ordered_json::object();
  for (const OutputSqnr& one : v.outputs) {
    if (one.output == "logits") {
      root["logit_sqnr_db"] = one.sqnr_db;
    } else {
      others[one.output] = one.sqnr_db;
    }
  }
  if (!others.empty()) root["output_sqnr_db"] = others;
  root["effective_activation_bits"] = conversion.effective_bits.activations;
  root["seconds"] = seconds;
  root["site_sqnr_db"] = sites;
  if (conversion.milliseconds) root["median_ms"] = *conversion.milliseconds;
  if (conversion.sensitivity) root["sensitivity"] = sensitivity_json(*conversion.sensitivity);
  return root;
}

std::string figures_of(const Verification& v) {
  std::string figures;
  if (v.top1_agreement) figures = "top-1 agreement " + fixed(*v.top1_agreement, 1) + " %";
  for (const OutputSqnr& one : v.outputs) {
    figures += (figures.empty() ? "" : ", ") + (one.output == "logits" ? "logit" : one.output) + " SQNR " +
               fixed(one.sqnr_db, 2) + " dB";
  }
  return figures;
}

void print_text(const Conversion& conversion, const std::string& output, double seconds) {
  std::printf("%s: %s, method %s, W%sA%s, %.2f MB, in %.1f s\n", output.c_str(),
              conversion.metadata.at("architecture").c_str(), conversion.metadata.at("method").c_str(),
              conversion.metadata.at("weight_bits").c_str(), conversion.metadata.at("activation_bits").c_str(),
              static_cast<double>(conversion.file.size()) / 1e6, seconds);
  if (!conversion.effective_bits.aside.empty()) {
    std::printf("activations take %.2f bits a value, those that are aside included\n",
                conversion.effective_bits.activations);
  }
  if (const auto& whole = conversion.network_optimised) {
    const double better_db = 10 * std::log10(std::max(whole->before, 1e-30) / std::max(whole->after, 1e-30));
    std::printf("optimised as a whole: %.2f dB better on calibration pictures that took no part%s\n", better_db,
                whole->after < whole->before ? "" : ", so the model is as it was");
  }
  if (conversion.milliseconds) {
    std::printf("%.2f ms a picture on one thread of this machine (%s); at most %s were allowed\n",
                *conversion.milliseconds, conversion.metadata.at("max_ms_isa").c_str(),
                conversion.metadata.at("max_ms").c_str());
  }
  const Verification& v = conversion.verification;
  std::printf("against float on %d %s pictures: %s\n", v.pictures, v.unseen ? "unseen" : "calibration",
              figures_of(v).c_str());
}

// A bad conversion must not look like a good one.
void warn_if_poor(const Conversion& conversion) {
  constexpr double kPoorAgreement = 90, kPoorSqnr = 10;
  constexpr int kTellingPictures = 16;  // of which one more or less that agrees is a matter of luck
  const Verification& v = conversion.verification;
  const bool disagrees = v.top1_agreement && *v.top1_agreement < kPoorAgreement && v.pictures >= kTellingPictures;
  const bool noisy = !v.outputs.empty() && v.outputs.front().sqnr_db < kPoorSqnr;
  if (!disagrees && !noisy) return;
  std::cerr << "vitconvert: warning: the model is far from float (" << figures_of(v)
            << "); measure it with 'vitrun --eval', and give it more bits, --method auto, more pictures, or --site for "
               "the worst quantizers, which 'vitconvert inspect' names\n";
}

}  // namespace

Status write_text(const std::string& path, const std::string& text) {
  if (path.empty()) return {};
  return write_file_atomically(path, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

int finish_conversion(const Conversion& conversion, const FinishOptions& options, double seconds) {
  const Verification& v = conversion.verification;
  const bool rejected = v.top1_agreement && *v.top1_agreement < options.least_agreement;
  // What is there already may be better, and what was made took long: neither is lost.
  const std::string output = options.output + (rejected ? ".rejected" : "");
  if (const Status status = write_file_atomically(output, conversion.file); !status.ok()) return report_error(status);
  const std::string page = options.report.empty() ? "" : html_report(conversion, options.output);
  if (Status status = write_text(options.report, page); !status.ok()) return report_error(status);
  if (options.format == OutputFormat::json) {
    std::cout << json_text(conversion_json(conversion, output, seconds), 2) << '\n';
  } else {
    print_text(conversion, output, seconds);
  }
  if (rejected) {
    return report_error({Code::check_failed, "top-1 agreement with float is " + fixed(*v.top1_agreement, 1) +
                                                 " %, below --min-agree " + fixed(options.least_agreement, 1) +
                                                 "; the model is in '" + output + "', and '" + options.output +
                                                 "' is as it was"});
  }
  if (options.warn) warn_if_poor(conversion);
  return kExitOk;
}

}  // namespace intvit
