// The float network on the evaluation pictures: what every combination of a sweep is compared with. Computed once, and
// kept in the sweep's folder.
#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "converter/graph/network.h"
#include "converter/observe/picture_source.h"
#include "converter/observe/progress.h"
#include "intvit/picture.h"
#include "picture/notes.h"
#include "tools/common/pictures/picture_list.h"
#include "tools/common/results/accuracy.h"

namespace intvit {

struct FloatTruth {
  std::size_t classes = 0;
  std::vector<float> logits;  // [pictures][classes]; not a number where a picture cannot be read

  const float* row(std::size_t picture) const { return logits.data() + picture * classes; }
  bool has(std::size_t picture) const { return !std::isnan(*row(picture)); }
  Accuracy accuracy(const std::vector<LabelledPicture>& pictures) const;
};

using Log = std::function<void(const std::string& line)>;
void log_notes(PictureNotes& notes, const Log& log);

// The same bits for any number of threads. Pictures that cannot be read are reported to `log`. An error if the
// network's own values are not finite.
Result<FloatTruth> float_truth(const FloatNetwork& network, const std::vector<LabelledPicture>& pictures,
                               const PictureOptions& reading, const InputGeometry& geometry, int threads,
                               const Progress& progress, const Log& log);

// As the files float_logits.npy and float.json of a folder.
Status save(const FloatTruth& truth, const std::string& folder, const std::string& key);
// False if the folder has none with this key, or a damaged one.
bool load(const std::string& folder, const std::string& key, std::size_t pictures, std::size_t classes,
          FloatTruth& truth);

}  // namespace intvit
