// What calibration saw of a network, in a file, for further conversions of the same network with the same pictures, by
// other methods and to other bits. Below 8 bits heads are equalised before calibration, by bits of activations; so a
// file has an entry for each number of them. Files are replaced as a whole, and may come from an enemy.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "converter/observe/calibrate.h"
#include "converter/plan/scheme.h"
#include "converter/read/keyed_file.h"
#include "intvit/status.h"

namespace intvit {

// The heads' equalisations, and the calibration of the network that they are folded into.
struct KeptCalibration {
  std::map<std::string, Equalisation> heads;
  Calibration calibration;
};

class CalibrationCache {
 public:
  using Note = std::function<void(const std::string&)>;

  // The key is everything that calibration depends on beside the equalisation of heads. A file of another key counts as
  // empty. corrupt_file for one that is damaged or no cache; `note` is told what the cache is good for, a line each
  // time.
  static Result<CalibrationCache> open(std::string path, FileKey key, Note note);

  // What is kept for heads that are equalised for so many bits, 0: not at all; nothing if there is nothing. The
  // heads are folded into the network, which is kept by pointer (statistics). corrupt_file.
  Result<std::optional<KeptCalibration>> find(int head_bits, int pictures, FloatNetwork& network) const;

  // Writes the file anew, with this entry.
  Status keep(int head_bits, const std::map<std::string, Equalisation>& heads, const Calibration& calibration);

 private:
  std::string path_;
  Note note_;
  KeyedFile file_;  // as it lies there
};

}  // namespace intvit
