// Included before everything else by the build for MemorySanitizer: the templates of the standard library that its
// binary has, strings and streams, are instantiated in our code, which is instrumented.
#include <bits/c++config.h>
#undef _GLIBCXX_EXTERN_TEMPLATE
#define _GLIBCXX_EXTERN_TEMPLATE 0
