// What all quantizers given by thresholds and levels share. The code of x is the number of thresholds at or below it
// (TableScheme); the files of this folder make tables from the papers' equations.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "converter/errors/histogram_error.h"
#include "converter/observe/histogram.h"
#include "converter/plan/scheme.h"

namespace intvit {

// Every value goes to the nearest level. `levels` must ascend strictly.
TableScheme nearest_level_table(std::vector<double> levels);

// The candidate with the least squared error; `make(i)` for i in [0, count).
TableScheme least_error_table(const Histogram& histogram, std::size_t count,
                              const std::function<TableScheme(std::size_t)>& make);

// Levels become the means of the samples that they stand for, thresholds stay. Levels without samples stay too.
TableScheme with_centroids(TableScheme table, std::span<const float> samples);

// Codes of a tensor: the levels, rounded to a grid of `value_bits` bits that covers them.
ActivationScheme table_scheme(TableScheme table, int bits, int value_bits);

}  // namespace intvit
