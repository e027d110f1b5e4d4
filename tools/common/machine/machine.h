// What the numbers were measured on.
#pragma once

#include <string>

namespace intvit {

// "Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", or "unknown". A name that hypervisors give to many models, such as "AMD
// EPYC", has what tells them apart: "AMD EPYC (family 25 model 17 stepping 1)". `cpuinfo` is Linux's /proc/cpuinfo.
std::string cpu_name(const std::string& cpuinfo = "/proc/cpuinfo");

// The most memory that this process ever had resident (VmHWM), mapped files included; 0 if Linux does not tell.
double peak_rss_mib();

}  // namespace intvit
