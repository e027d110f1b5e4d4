// One self-contained page about a conversion: what the model is, and where along the network precision is lost. No
// scripts and nothing that is loaded, so that it can be kept, printed and sent.
#pragma once

#include <string>

#include "converter/convert/convert.h"

namespace intvit {

// Calibration pictures on which a report's figures are measured (ConvertOptions::report_pictures).
inline constexpr int kReportPictures = 4;

// `name` is the model's, as the title has it; empty: its architecture.
std::string html_report(const Conversion& conversion, const std::string& name = {});

}  // namespace intvit
