#include "converter/quantizers/log_tables.h"
#include <cmath>
namespace intvit {
TableScheme shifted_logarithmic_table(LogarithmBase base, double delta, double shift, int bits) {
  const double octave = base == LogarithmBase::two ? 1.0 : 0.5;
  const int count = 1 << bits;
  TableScheme t;
  t.levels.push_back(shift);
  for (int q = count - 2; q >= 0; --q) {
    t.levels.push_back(shift + delta * std::exp2(-octave * q));
    t.thresholds.push_back(shift + delta * std::exp2(-octave * (q + 0.5)));
  }
  return t;
}
TableScheme logarithmic_table(LogarithmBase base, double delta, int bits) { return shifted_logarithmic_table(base, delta, 0, bits); }
}  // namespace intvit
