/* A C program of the library's, as a function: tests/capi/c11_program.c. */
#ifndef INTVIT_TESTS_CAPI_C11_PROGRAM_H
#define INTVIT_TESTS_CAPI_C11_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens a model with outputs logits, embedding, tokens and features from memory, runs a grey picture in two places and
 * compares what the calls say with each other. NULL, or the first line that is not as it should be. */
const char* c11_use_model(const uint8_t* bytes, size_t size);

/* Every call without what it needs. */
const char* c11_use_nulls(void);

#ifdef __cplusplus
}
#endif

#endif
