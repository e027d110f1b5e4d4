// What a network in floating point is fed: (pixel / 255 - mean) / std of each channel. The engine takes the pixels, and
// has the rest in its weights.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "intvit/model.h"
#include "intvit/status.h"

namespace intvit {

struct Normalisation {
  std::array<double, 3> mean;
  std::array<double, 3> std;
};

// Of the metadata's `preprocessing`; nothing if it does not say.
std::optional<Normalisation> normalisation_of(const Metadata& metadata);

// The pixels [height][width][3] of which `values`, [3][height][width], are the normalised ones: what undoing mean and
// std gives, rounded to 0..255. invalid_argument if a value is no number, or if more than a tenth are no such pixels,
// as where nothing was normalised; some are beyond the ends where a resize in floating point has overshot. The message
// does not name the picture.
Result<std::unique_ptr<std::uint8_t[]>> pixels_of(std::span<const float> values, const Normalisation& normalisation);

}  // namespace intvit
