/* What a shared library shows. The rest of it is compiled with -fvisibility=hidden, so that only what this macro marks
 * can be linked against. CMake's targets define INTVIT_SHARED where the library is a shared one, for itself and for
 * users. */
#ifndef INTVIT_EXPORT_H
#define INTVIT_EXPORT_H

#if defined(INTVIT_SHARED) && (defined(__GNUC__) || defined(__clang__))
#define INTVIT_API __attribute__((visibility("default")))
#else
#define INTVIT_API
#endif

#endif
