#include "converter/report/model_section.h"

#include <cstdlib>
#include <utility>

#include "converter/report/html.h"

namespace intvit {
namespace {

using html::escape;

// The metadata that a page shows, in its order, and what people call it. What is not named here stands below, in its
// own words.
constexpr std::pair<const char*, const char*> kFacts[] = {
    {"source", "Source"},
    {"architecture", "Architecture"},
    {"method", "Method"},
    {"settings", "Settings of the method"},
    {"sites", "Rules for single places"},
    {"weight_bits", "Bits of weights"},
    {"activation_bits", "Bits of activations"},
    {"effective_activation_bits", "Bits of activations, with what is held aside"},
    {"weight_rounding", "Rounding of weights"},
    {"head_equalisation", "Heads equalised"},
    {"calibration_pictures", "Calibration pictures"},
    {"calibration_checksum", "Checksum of these"},
    {"verified_pictures", "Pictures of the check"},
    {"verified_on", "The check was made on"},
    {"top1_agreement_percent", "Same top-1 class as float, %"},
    {"logit_sqnr_db", "Signal to noise of the logits, dB"},
    {"output_sqnr_db", "Signal to noise of other outputs, dB"},
    {"max_ms", "Time allowed, ms a picture"},
    {"max_ms_isa", "on the instruction set"},
    {"max_mb", "Size allowed, MB"},
    {"preprocessing", "Preprocessing of the checkpoint"},
    {"activation", "Logits become probabilities by"},
    {"zero_shot", "Zero-shot classes, probabilities by"},
    {"logit_scale", "Scale of cosines"},
    {"logit_bias", "Bias of cosines"},
    {"seed", "Seed"},
    {"tool", "Made by"},
};

// Values that are a page of their own, or drawn elsewhere.
bool is_elsewhere(const std::string& key) {
  return key == "labels" || key == "site_sqnr_db" || key == "site_aside_percent" || is_sensitivity_key(key);
}

std::string lines_as_html(const std::string& value) {
  std::string out;
  for (const char c : escape(value)) out += c == '\n' ? std::string("<br>") : std::string(1, c);
  return out;
}

std::string fact(const std::string& name, const std::string& value) {
  return "<tr><td>" + name + "</td><td>" + value + "</td></tr>\n";
}

std::string tile(const std::string& value, const std::string& what) {
  return "<div class=\"tile\"><b>" + value + "</b>" + what + "</div>";
}

std::string value_of(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

const char* interpolation_text(Interpolation interpolation) {
  constexpr const char* kNames[] = {"nearest", "bilinear", "bicubic", "Lanczos"};
  return kNames[static_cast<std::size_t>(interpolation)];
}

std::string preprocessing_text(const InputGeometry& g) {
  const std::string crop = std::to_string(g.height) + " x " + std::to_string(g.width);
  const std::string resized = std::to_string(g.resize_height) + " x " + std::to_string(g.resize_width);
  const std::string how = std::string(" (") + interpolation_text(g.interpolation) + ")";
  if (g.crop_mode == CropMode::squash) return "resized to " + resized + how + ", crop of " + crop;
  return "resized to cover " + resized + how + ", crop of the middle " + crop;
}

std::string outputs_text(const Model& model) {
  std::string text;
  for (const Port& port : model.outputs()) {
    text += (text.empty() ? "" : "<br>") + escape(port.name) + ": " +
            (port.rows == 1 ? "" : std::to_string(port.rows) + " x ") + std::to_string(port.columns) + " numbers";
  }
  return text;
}

}  // namespace

std::string model_subtitle(const Metadata& metadata) {
  return value_of(metadata, "architecture") + ", W" + value_of(metadata, "weight_bits") + "A" +
         value_of(metadata, "activation_bits") + ", method " + value_of(metadata, "method");
}

std::string judged_text(const Model& model) {
  return model.classes() > 0 ? "the logits" : "the output " + model.outputs().front().name;
}

double judged_db(const Metadata& metadata) {
  std::string text = value_of(metadata, "logit_sqnr_db");
  if (text.empty()) {
    text = value_of(metadata, "output_sqnr_db");
    text = text.substr(0, text.find('\n'));
    const std::size_t blank = text.rfind(' ');
    text = blank == std::string::npos ? "" : text.substr(blank + 1);
  }
  return std::strtod(text.c_str(), nullptr);
}

std::string model_tiles(const Model& model) {
  const Metadata& metadata = model.metadata();
  std::string out = "<div class=\"tiles\">";
  if (const std::string agreement = value_of(metadata, "top1_agreement_percent"); !agreement.empty()) {
    out += tile(escape(agreement) + " %", "same answer as float");
  }
  if (const double db = judged_db(metadata); db > 0) {
    out += tile(html::decibels(db) + (db >= 200 ? "" : " dB"), "signal to noise of " + escape(judged_text(model)));
  }
  out += tile(html::number(static_cast<double>(model.file_bytes()) / 1e6, 2) + " MB", "of file");
  out += tile("W" + escape(value_of(metadata, "weight_bits")) + " A" + escape(value_of(metadata, "activation_bits")),
              "bits of weights, activations");
  return out + "</div>\n";
}

std::string model_facts(const Model& model) {
  const Metadata& metadata = model.metadata();
  std::string out = "<table class=\"facts\">\n";
  Metadata others = metadata;
  for (const auto& [key, words] : kFacts) {
    others.erase(key);
    if (const std::string value = value_of(metadata, key); !value.empty()) out += fact(words, lines_as_html(value));
  }
  out += fact("Size", html::number(static_cast<double>(model.file_bytes()) / 1e6, 2) + " MB");
  out += fact("Outputs", outputs_text(model));
  if (model.classes() > 0) {
    out += fact("Classes",
                std::to_string(model.classes()) + (model.labels().empty() ? ", without names" : ", with names"));
  }
  out += fact("Pictures are", preprocessing_text(model.input()));
  for (const auto& [key, value] : others) {
    if (!is_elsewhere(key)) out += fact(escape(key), lines_as_html(value));
  }
  return out + "</table>\n";
}

}  // namespace intvit
