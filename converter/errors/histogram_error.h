// The error of quantizers by the values themselves, from histograms of these.
#pragma once

#include "converter/observe/histogram.h"
#include "converter/plan/scheme.h"

namespace intvit {

// Sum of squared differences between the values and what the codes stand for.
double squared_error(const Histogram& histogram, const UniformScheme& scheme);
double squared_error(const Histogram& histogram, const TableScheme& table);

// Signal to quantization noise in dB; infinity without any error.
double sqnr_db(const Histogram& histogram, const UniformScheme& scheme);

}  // namespace intvit
