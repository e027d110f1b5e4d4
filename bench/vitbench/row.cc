#include "bench/vitbench/row.h"

namespace intvit::bench {

std::string verdict_name(Verdict verdict) {
  return verdict == Verdict::slower ? "slower" : verdict == Verdict::faster ? "faster" : "same";
}

std::optional<double> Row::percent_of_peak() const {
  if (!peak_gmac_s) return std::nullopt;
  return 100 * gmac_per_s() / *peak_gmac_s;
}

std::string row_name(const std::string& model, const std::string& isa, int threads, int batch) {
  return model + ", " + isa + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads") + ", batch " +
         std::to_string(batch);
}

}  // namespace intvit::bench
