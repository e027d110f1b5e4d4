// How much of very many similar things a test tries.
#pragma once

namespace intvit::test {

// AddressSanitizer makes tests some ten times as slow, so there they try one of so many; everywhere else all.
#ifdef __SANITIZE_ADDRESS__
inline constexpr int kOneOf = 3;
#else
inline constexpr int kOneOf = 1;
#endif

}  // namespace intvit::test
