// Rules that only a mistake in the calling program breaks: an index that does not exist, a value that is not there.
// Where a Status can be returned, it is. Elsewhere there is nothing to go on with, and the process ends with one line
// on stderr that names the rule.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace intvit::rules {

[[noreturn]] inline void broken(const char* rule) {
  std::fprintf(stderr, "intvit: %s\n", rule);
  std::abort();
}

// `what` is who asks for one of what, such as "Session::output(): picture".
inline void require_index(long long index, long long count, const char* what) {
  if (index >= 0 && index < count) return;
  std::fprintf(stderr, "intvit: %s %lld does not exist; there are %lld, counted from 0\n", what, index, count);
  std::abort();
}

}  // namespace intvit::rules
