#include "tools/vitconvert/sweep/float_truth.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "converter/float/finite.h"
#include "converter/float/for_each_in_order.h"
#include "converter/float/forward.h"
#include "engine/format/checksum.h"
#include "engine/format/writer.h"
#include "tools/common/results/digest.h"
#include "tools/common/results/npy.h"
#include "tools/vitconvert/sweep/checksums.h"

namespace intvit {
namespace {

std::string logits_path(const std::string& folder) { return folder + "/float_logits.npy"; }
std::string facts_path(const std::string& folder) { return folder + "/float.json"; }

}  // namespace

Accuracy FloatTruth::accuracy(const std::vector<LabelledPicture>& pictures) const {
  Accuracy result;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (has(i)) result.add(row(i), static_cast<int>(classes), pictures[i].label);
  }
  return result;
}

void log_notes(PictureNotes& notes, const Log& log) {
  for (const std::string& note : notes.take()) log(note);
}

Result<FloatTruth> float_truth(const FloatNetwork& network, const std::vector<LabelledPicture>& pictures,
                               const PictureOptions& reading, const InputGeometry& geometry, int threads,
                               const Progress& progress, const Log& log) {
  struct Seen {
    Status picture, network;
  };
  FloatTruth truth;
  truth.classes = static_cast<std::size_t>(network.classes());
  truth.logits.resize(pictures.size() * truth.classes);
  PictureFiles source(paths_of(pictures), geometry, reading);
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by),
            pixels = std::vector<std::uint8_t>(std::size_t{geometry.height} * geometry.width * 3)](int i) mutable {
      float* row = truth.logits.data() + static_cast<std::size_t>(i) * truth.classes;
      Seen seen{source.read(i, pixels.data()), {}};
      if (seen.picture.ok()) {
        forward.run(pixels.data());
        std::ranges::copy(forward.output(network.judged_output()), row);
        seen.network = check_finite(network, forward, pixels.data());
      } else {
        std::fill_n(row, truth.classes, std::numeric_limits<float>::quiet_NaN());
      }
      return seen;
    };
  };
  const auto note = [&](int i, const Seen& seen) -> Status {
    if (!seen.picture.ok()) log(seen.picture.message());
    progress("float network", i + 1, source.count());
    return seen.network;
  };
  progress("float network", 0, source.count());
  // A picture that fails ends nothing.
  const Status status = for_each_in_order(source.count(), threads, make_worker, note);
  log_notes(source.notes(), log);
  if (!status.ok()) return status;
  return truth;
}

Status save(const FloatTruth& truth, const std::string& folder, const std::string& key) {
  NpyMatrix matrix(truth.classes);
  for (std::size_t i = 0; i * truth.classes < truth.logits.size(); ++i) matrix.add_row({truth.row(i), truth.classes});
  if (Status status = matrix.write(logits_path(folder)); !status.ok()) return status;
  const nlohmann::ordered_json facts = {{"key", key}, {"logits_checksum", hex64(checksum64(matrix.bytes()))}};
  const std::string text = facts.dump(1) + "\n";
  return write_file_atomically(facts_path(folder), {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

bool load(const std::string& folder, const std::string& key, std::size_t pictures, std::size_t classes,
          FloatTruth& truth) {
  const nlohmann::json facts = nlohmann::json::parse(read_bytes(facts_path(folder)), nullptr, false);
  if (!facts.is_object() || !facts.contains("key") || facts["key"] != key) return false;
  const std::vector<std::uint8_t> file = read_bytes(logits_path(folder));
  const std::size_t bytes = pictures * classes * sizeof(float);
  if (facts.value("logits_checksum", "") != hex64(checksum64(file)) || file.size() < bytes) return false;
  truth.classes = classes;
  truth.logits.resize(pictures * classes);
  std::memcpy(truth.logits.data(), file.data() + (file.size() - bytes), bytes);  // behind the header
  return true;
}

}  // namespace intvit
