#include "tools/vitconvert/sweep/float_truth.h"

#include <algorithm>
#include <limits>

#include "converter/float/finite.h"
#include "converter/float/for_each_in_order.h"
#include "converter/float/forward.h"

namespace intvit {

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
    if (seen.picture.code() == Code::out_of_memory) return seen.picture;
    if (!seen.picture.ok()) log(seen.picture.message());
    progress("float network", i + 1, source.count());
    return seen.network;
  };
  progress("float network", 0, source.count());
  // A picture that fails ends nothing, unless another run could read it: what is found here is kept.
  const Status status = for_each_in_order(source.count(), threads, make_worker, note);
  log_notes(source.notes(), log);
  if (!status.ok()) return status;
  return truth;
}

}  // namespace intvit
