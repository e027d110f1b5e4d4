#include "bench/vitbench/cold_start.h"

#include <algorithm>

namespace intvit::bench {

ColdStart median_cold_start(std::vector<ColdStart> starts) {
  const auto middle = starts.begin() + static_cast<std::ptrdiff_t>((starts.size() - 1) / 2);
  std::nth_element(starts.begin(), middle, starts.end(),
                   [](const ColdStart& a, const ColdStart& b) { return a.total() < b.total(); });
  return *middle;
}

}  // namespace intvit::bench
