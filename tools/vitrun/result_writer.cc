#include "tools/vitrun/result_writer.h"

#include <iomanip>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/common/cli/shown_text.h"
#include "tools/common/results/csv_text.h"
#include "tools/common/results/digest.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/top_k.h"

namespace intvit {
namespace {

constexpr int kBarCells = 10;

class TextWriter : public ResultWriter {
 public:
  TextWriter(std::ostream& out, ResultFormat format) : out_(out), format_(std::move(format)) {}

  void picture(const ClassifiedPicture& picture) override {
    out_ << shown(picture.name) << '\n' << std::fixed << std::setprecision(2);
    int rank = 0;
    for (const Prediction& p : top_k(picture.logits, logit_meaning(format_.rule, picture.outputs), format_.top_k)) {
      const std::string label = format_.labels.empty() ? "class " + std::to_string(p.class_index)
                                                       : format_.labels[static_cast<std::size_t>(p.class_index)];
      out_ << std::setw(4) << ++rank << std::setw(8) << 100 * p.probability << " %  ";
      if (format_.bars) out_ << text_bar(p.probability, kBarCells) << "  ";
      out_ << shown(label) << '\n';
    }
    for (std::size_t i = 0; i < format_.ports.size(); ++i) {
      const Port& port = format_.ports[i];
      if (port.kind == PortKind::logits) continue;
      out_ << "   " << port.name << ' ' << shape_text(shape_of(port));
      if (port.kind == PortKind::embedding) out_ << ", L2 norm " << std::setprecision(6) << l2_norm(picture.outputs[i]);
      out_ << '\n' << std::setprecision(2);
    }
    out_ << std::flush;
  }
  void failure(const ClassifiedPicture&) override {}
  void finish() override {}

 private:
  std::string shown(const std::string& text) const { return format_.terminal ? escaped(text) : text; }

  std::ostream& out_;
  ResultFormat format_;
};

class DigestWriter : public ResultWriter {
 public:
  DigestWriter(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}

  void picture(const ClassifiedPicture& picture) override {
    out_ << hex64(picture.digest) << "  " << (terminal_ ? escaped(picture.name) : picture.name) << '\n' << std::flush;
  }
  void failure(const ClassifiedPicture&) override {}
  void finish() override {}

 private:
  std::ostream& out_;
  bool terminal_;
};

// An array with one line per picture, or such lines alone, written as the pictures come, so that a million of them need
// no memory.
class JsonWriter : public ResultWriter {
 public:
  JsonWriter(std::ostream& out, ResultFormat format)
      : out_(out), format_(std::move(format)), lines_(format_.format == OutputFormat::jsonl) {}

  void picture(const ClassifiedPicture& picture) override {
    nlohmann::ordered_json object = {{"name", picture.name}};
    if (!picture.logits.empty()) object["predictions"] = predictions(picture);
    object["outputs"] = outputs(picture);
    object["isa"] = isa_name(picture.isa);
    object["threads"] = picture.threads;
    element(object);
  }
  void failure(const ClassifiedPicture& picture) override {
    element({{"name", picture.name}, {"error", picture.status.message()}});
  }
  void finish() override {
    if (!lines_) out_ << (empty_ ? "[]\n" : "\n]\n");
  }

 private:
  nlohmann::ordered_json predictions(const ClassifiedPicture& picture) const {
    auto predictions = nlohmann::ordered_json::array();
    const LogitMeaning meaning = logit_meaning(format_.rule, picture.outputs);
    for (const Prediction& p : top_k(picture.logits, meaning, format_.top_k)) {
      predictions.push_back({{"class", p.class_index},
                             {"label", nullptr},
                             {"probability", p.probability},
                             {"logit", logit_value(p.logit, format_.fraction_bits)}});
      if (format_.rule.divisor) predictions.back()["normalised_logit"] = meaning.value(p.logit);
      if (!format_.labels.empty()) {
        predictions.back()["label"] = format_.labels[static_cast<std::size_t>(p.class_index)];
      }
    }
    return predictions;
  }

  nlohmann::ordered_json outputs(const ClassifiedPicture& picture) const {
    // Each is made an object at once: null that becomes one is left half made where memory ends, and crashes at its
    // end.
    auto outputs = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < format_.ports.size(); ++i) {
      const Port& port = format_.ports[i];
      auto output = nlohmann::ordered_json::object();
      output["shape"] = shape_of(port);
      if (port.kind == PortKind::embedding) output["l2_norm"] = l2_norm(picture.outputs[i]);
      outputs[port.name] = std::move(output);
    }
    return outputs;
  }

  void element(const nlohmann::ordered_json& object) {
    if (lines_) {
      out_ << json_text(object) << std::endl;
      return;
    }
    out_ << (empty_ ? "[\n  " : ",\n  ") << json_text(object) << std::flush;
    empty_ = false;
  }

  std::ostream& out_;
  ResultFormat format_;
  bool lines_;
  bool empty_ = true;
};

// A row for each class that is printed; of a picture that failed, or that has no classes, one.
class CsvWriter : public ResultWriter {
 public:
  CsvWriter(std::ostream& out, ResultFormat format) : out_(out), format_(std::move(format)) {
    out_ << csv_row({"name", "rank", "class", "label", "probability", "logit", "error"}) << std::flush;
  }

  void picture(const ClassifiedPicture& picture) override {
    int rank = 0;
    for (const Prediction& p : top_k(picture.logits, logit_meaning(format_.rule, picture.outputs), format_.top_k)) {
      const auto index = static_cast<std::size_t>(p.class_index);
      out_ << csv_row({picture.name, std::to_string(++rank), std::to_string(p.class_index),
                       format_.labels.empty() ? "" : format_.labels[index], exact_text(p.probability),
                       exact_text(logit_value(p.logit, format_.fraction_bits)), ""});
    }
    if (rank == 0) out_ << csv_row({picture.name, "", "", "", "", "", ""});
    out_ << std::flush;
  }
  void failure(const ClassifiedPicture& picture) override {
    out_ << csv_row({picture.name, "", "", "", "", "", picture.status.message()}) << std::flush;
  }
  void finish() override {}

 private:
  std::ostream& out_;
  ResultFormat format_;
};

}  // namespace

std::unique_ptr<ResultWriter> make_result_writer(std::ostream& out, ResultFormat format) {
  if (format.digest) return std::make_unique<DigestWriter>(out, format.terminal);
  switch (format.format) {
    case OutputFormat::json:
    case OutputFormat::jsonl:
      return std::make_unique<JsonWriter>(out, std::move(format));
    case OutputFormat::csv:
      return std::make_unique<CsvWriter>(out, std::move(format));
    default:
      return std::make_unique<TextWriter>(out, std::move(format));
  }
}

}  // namespace intvit
