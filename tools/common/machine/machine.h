// What the numbers were measured on.
#pragma once

#include <string>

namespace intvit {

std::string cpu_name();  // "Intel(R) Xeon(R) ...", or "unknown"

// The most memory that this process ever had resident (VmHWM), mapped files included; 0 if Linux does not tell.
double peak_rss_mib();

}  // namespace intvit
