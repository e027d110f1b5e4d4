// What a result of a sweep depends on, as checksums: a result is reused only if all of it is unchanged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "converter/families/class_texts.h"
#include "intvit/picture.h"
#include "intvit/status.h"
#include "tools/common/pictures/picture_list.h"
#include "tools/vitconvert/sweep/combination.h"

namespace intvit {

struct SweepChecksums {
  std::uint64_t checkpoint = 0;   // weights, configs and labels; classes of texts, where they are given
  std::uint64_t calibration = 0;  // the pictures' bytes, in order
  std::uint64_t evaluation = 0;   // the pictures' bytes and labels, in order
  std::uint64_t reading = 0;      // how both are read
  std::uint64_t program = 0;      // of this program itself: another build may convert differently
};

// not_found or io for a checkpoint that cannot be read. A picture that cannot be read counts as empty.
Result<SweepChecksums> sweep_checksums(const std::string& checkpoint, const std::optional<ClassTexts>& texts,
                                       const std::vector<LabelledPicture>& calibration,
                                       const std::vector<LabelledPicture>& evaluation, const PictureOptions& reading);

// Of the pictures' bytes and labels, in order.
std::uint64_t pictures_checksum(const std::vector<LabelledPicture>& pictures);

// Of the file, or of all checkpoints of the folder, and of the configs and labels beside.
Result<std::uint64_t> checkpoint_checksum(const std::string& source);

// Hexadecimal. The float network's does not depend on calibration.
std::string key_of(const Combination& combination, const SweepChecksums& checksums);
std::string float_key(const SweepChecksums& checksums);

// The whole file; nothing if it cannot be read.
std::vector<std::uint8_t> read_bytes(const std::string& path);

}  // namespace intvit
