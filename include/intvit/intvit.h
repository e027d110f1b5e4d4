/* intvit in C: what intvit.hpp offers, for C11, C++ and whatever calls C functions. docs/library.md explains it.
 *
 * A call that can fail returns an intvit_status, and intvit_last_error() says in one line what failed. No exception
 * comes out of any call. Handles may be NULL by mistake: that is an error like others. What is returned by pointer
 * belongs to the model or session and lives as long; a handle that was closed must not be used.
 *
 * Structs begin with struct_size, which INTVIT_..._INIT sets. They may grow at their end: a program that was built with
 * an older header, or a newer one whose additions it leaves 0, works with this library.
 *
 * Threads: a model may be used by any number at a time, a session by one at a time. */
#ifndef INTVIT_INTVIT_H
#define INTVIT_INTVIT_H

#include <stddef.h>
#include <stdint.h>

#include "intvit/export.h"
#include "intvit/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors and versions ---- */

typedef int32_t intvit_status;
enum {
  INTVIT_OK = 0,
  INTVIT_INVALID_ARGUMENT = 1, /* the caller passed something that can never work */
  INTVIT_NOT_FOUND = 2,        /* a file or a name does not exist */
  INTVIT_IO = 3,               /* the operating system refused to read */
  INTVIT_CORRUPT_FILE = 4,     /* damaged, truncated or not what it claims to be */
  INTVIT_UNSUPPORTED = 5,      /* valid, but this version cannot do it */
  INTVIT_UNSUPPORTED_CPU = 6,  /* this CPU or this build lacks what was asked for */
  INTVIT_OUT_OF_MEMORY = 7,
  INTVIT_CHECK_FAILED = 8
};

/* Of the calling thread's last call that failed, until its next one that does; "" before. At most 1023 bytes. */
INTVIT_API const char* intvit_last_error(void);

/* "invalid argument" and so on; "unknown status" for another number. */
INTVIT_API const char* intvit_status_name(intvit_status status);

/* Such as "0.1.0". */
INTVIT_API const char* intvit_version(void);

/* The instruction sets that are built and supported here, "scalar" first, in rising order; NULL behind the last. */
INTVIT_API const char* intvit_available_isa(size_t index);

/* One line without a newline, valid during the call, in the thread that called the library. */
enum { INTVIT_LOG_INFO = 0, INTVIT_LOG_WARNING = 1 };
typedef void (*intvit_log_function)(void* context, int level, const char* message);

/* ---- Models ---- */

typedef struct intvit_model intvit_model;

enum {
  INTVIT_STORAGE_USUAL = 0,    /* a file is mapped, memory is copied */
  INTVIT_STORAGE_IN_PLACE = 1, /* a file is mapped, memory is borrowed: it begins at a multiple of 8, stays and does not
                                  change until the model and all its sessions are closed */
  INTVIT_STORAGE_COPIED = 2    /* a file is read: it may be replaced or changed afterwards */
};

typedef struct intvit_model_options {
  size_t struct_size;
  int32_t storage;         /* INTVIT_STORAGE_... */
  intvit_log_function log; /* may be NULL */
  void* log_context;
} intvit_model_options;
#define INTVIT_MODEL_OPTIONS_INIT \
  { sizeof(intvit_model_options), INTVIT_STORAGE_USUAL, NULL, NULL }

/* Open a model and check all of it. `options` may be NULL. `*model` is NULL after an error. */
INTVIT_API intvit_status intvit_model_open(const char* path, const intvit_model_options* options, intvit_model** model);
/* `name` is for messages; NULL: "memory". */
INTVIT_API intvit_status intvit_model_from_memory(const void* bytes, size_t size, const char* name,
                                                  const intvit_model_options* options, intvit_model** model);
/* Sessions keep what they need, so the order of closing does not matter. NULL is nothing to do. */
INTVIT_API void intvit_model_close(intvit_model* model);

/* What becomes of a picture: resized, then cropped in the middle to width x height. */
enum { INTVIT_NEAREST = 0, INTVIT_BILINEAR = 1, INTVIT_BICUBIC = 2, INTVIT_LANCZOS = 3 };
enum {
  INTVIT_CROP_CENTER = 0,      /* resized until it just covers resize_width x resize_height */
  INTVIT_CROP_SQUASH = 1,      /* resized to exactly that */
  INTVIT_CROP_CENTER_FLOOR = 2 /* as CENTER; the crop begins at half the difference rounded down */
};
typedef struct intvit_input {
  size_t struct_size;
  int32_t width, height;
  int32_t resize_width, resize_height;
  int32_t interpolation; /* INTVIT_NEAREST ... */
  int32_t crop;          /* INTVIT_CROP_... */
} intvit_input;
#define INTVIT_INPUT_INIT \
  { sizeof(intvit_input), 0, 0, 0, 0, 0, 0 }
INTVIT_API intvit_status intvit_model_input(const intvit_model* model, intvit_input* input);

/* Outputs. Further kinds may come: treat one that you do not know as numbers in rows. */
enum { INTVIT_LOGITS = 1, INTVIT_EMBEDDING = 2, INTVIT_TOKENS = 3, INTVIT_FEATURES = 4 };
enum { INTVIT_U8 = 0, INTVIT_S8 = 1, INTVIT_S16 = 2, INTVIT_S32 = 3 };
typedef struct intvit_port {
  size_t struct_size;
  const char* name;
  int32_t kind; /* INTVIT_LOGITS ... */
  int32_t type; /* INTVIT_U8 ... */
  int32_t rows, columns;
  int32_t grid_height, grid_width; /* where rows are the places of a map, row after row; else 0 */
  /* The real value of an integer is (integer - zero) * mantissa * 2^exponent. */
  int32_t zero;
  uint32_t mantissa;
  int32_t exponent;
} intvit_port;
#define INTVIT_PORT_INIT \
  { sizeof(intvit_port), NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
INTVIT_API size_t intvit_model_output_count(const intvit_model* model);
INTVIT_API intvit_status intvit_model_output(const intvit_model* model, size_t port, intvit_port* out);
/* The place of the output with this name. */
INTVIT_API intvit_status intvit_model_find_output(const intvit_model* model, const char* name, size_t* port);

/* 0 for a model without logits. Those are in units of 2^-logit_fraction_bits. */
INTVIT_API int32_t intvit_model_classes(const intvit_model* model);
INTVIT_API int32_t intvit_model_logit_fraction_bits(const intvit_model* model);
/* NULL where the model has no labels, and for a class that there is not. */
INTVIT_API const char* intvit_model_label(const intvit_model* model, int32_t class_index);

/* What logits stand for: a real one is integer * 2^-fraction_bits / norm + bias. The norm is 1, or, where classes are
 * told by texts, the L2 norm of another output of the picture. intvit_probabilities() goes by it. */
typedef struct intvit_logit_rule {
  size_t struct_size;
  int32_t fraction_bits;
  int32_t sigmoid;       /* not 0: every class by itself; else softmax over all */
  int32_t divisor;       /* the place of that output; -1: there is none */
  int32_t bias_exponent; /* the bias is bias_mantissa * 10^bias_exponent */
  int64_t bias_mantissa;
} intvit_logit_rule;
#define INTVIT_LOGIT_RULE_INIT \
  { sizeof(intvit_logit_rule), 0, 0, -1, 0, 0 }
INTVIT_API intvit_status intvit_model_logit_rule(const intvit_model* model, intvit_logit_rule* rule);

/* Attention layers, which a session can be asked for, from 0 in the order in which they run. intvit/attention.h says
 * what windows, queries and keys are. */
typedef struct intvit_attention_layer {
  size_t struct_size;
  const char* name;
  int32_t windows, heads, queries, keys;
  int32_t tokens;                  /* that there are keys of, over all windows */
  int32_t grid_height, grid_width; /* of the picture, at this layer; 0: not known */
} intvit_attention_layer;
#define INTVIT_ATTENTION_LAYER_INIT \
  { sizeof(intvit_attention_layer), NULL, 0, 0, 0, 0, 0, 0, 0 }
INTVIT_API size_t intvit_model_attention_count(const intvit_model* model);
INTVIT_API intvit_status intvit_model_attention(const intvit_model* model, size_t layer, intvit_attention_layer* out);

/* What a key is. Tokens are counted from 0, those that are no place of the grid in front. */
typedef struct intvit_attention_token {
  int32_t token; /* -1: padding, or beyond the last key of this window */
  int32_t x, y;  /* its place on the grid; -1: none */
} intvit_attention_token;
/* Of the keys of a layer, window after window; `count` is windows * keys. */
INTVIT_API intvit_status intvit_model_attention_tokens(const intvit_model* model, size_t layer,
                                                       intvit_attention_token* tokens, size_t count);

/* Facts that travel in the file, by key; NULL if there is none of that key. */
INTVIT_API const char* intvit_model_metadata(const intvit_model* model, const char* key);
INTVIT_API size_t intvit_model_metadata_count(const intvit_model* model);
/* In the order of keys. */
INTVIT_API intvit_status intvit_model_metadata_entry(const intvit_model* model, size_t index, const char** key,
                                                     const char** value);
INTVIT_API uint64_t intvit_model_file_bytes(const intvit_model* model);
INTVIT_API uint64_t intvit_model_digest(const intvit_model* model);

/* ---- Sessions ---- */

typedef struct intvit_session intvit_session;

/* A "parallel for" of the caller's: calls task(data, i) once for every i of 0 .. count - 1, in any order, on any
 * threads, and returns when all of these calls have returned. A loop will do: no task waits for another. */
typedef void (*intvit_executor)(void* context, void (*task)(void* data, int index), void* data, int count);

typedef struct intvit_session_options {
  size_t struct_size;
  int32_t threads;          /* 1 .. 1024; of an executor: into how many tasks work is split */
  int32_t batch;            /* most pictures per run, 1 .. 4096 */
  const char* isa;          /* such as "avx2"; NULL: the environment variable INTVIT_ISA, else the best one */
  intvit_executor executor; /* NULL: threads of the session's own */
  void* executor_context;
  intvit_log_function log; /* may be NULL */
  void* log_context;
  const int32_t* attention_layers; /* which intvit_session_attention is wanted of; they cost memory and time */
  size_t attention_layer_count;
} intvit_session_options;
#define INTVIT_SESSION_OPTIONS_INIT \
  { sizeof(intvit_session_options), 1, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0 }

/* What a session takes from the heap (Session::memory_bytes). `options` may be NULL here and below. */
INTVIT_API intvit_status intvit_session_memory(const intvit_model* model, const intvit_session_options* options,
                                               uint64_t* bytes);
/* `*session` is NULL after an error. */
INTVIT_API intvit_status intvit_session_create(const intvit_model* model, const intvit_session_options* options,
                                               intvit_session** session);
INTVIT_API void intvit_session_close(intvit_session* session);

INTVIT_API const char* intvit_session_isa(const intvit_session* session);
INTVIT_API int32_t intvit_session_threads(const intvit_session* session);
INTVIT_API int32_t intvit_session_batch(const intvit_session* session);

enum { INTVIT_RGB = 0, INTVIT_BGR = 1, INTVIT_RGBA = 2, INTVIT_BGRA = 3, INTVIT_GREY = 4 };
typedef struct intvit_pixels {
  size_t struct_size;
  const uint8_t* pixels; /* the top row's first pixel, 8 bits a sample */
  int32_t width, height;
  ptrdiff_t stride; /* bytes from one row to the next; may be negative */
  int32_t format;   /* INTVIT_RGB ... Alpha is dropped, not blended */
} intvit_pixels;
#define INTVIT_PIXELS_INIT \
  { sizeof(intvit_pixels), NULL, 0, 0, 0, INTVIT_RGB }

/* Resizes and crops a picture into place `index` of the next run. The pixels are not needed afterwards. Files of
 * pictures: intvit/intvit_picture.h. */
INTVIT_API intvit_status intvit_session_set_picture(intvit_session* session, int32_t index,
                                                    const intvit_pixels* pixels);
/* A picture whose rows come one by one, from the top, so that nobody has to hold all of it. */
typedef struct intvit_rows {
  size_t struct_size;
  int32_t width, height;
  /* Points `*row` to the next row, 3 * width bytes of RGB, which stay until the next call. At most height calls; those
   * below what the network sees may be left out. What is not INTVIT_OK ends the picture and becomes the status of
   * intvit_session_set_picture_rows. */
  intvit_status (*next_row)(void* context, const uint8_t** row);
  void* context;
} intvit_rows;
#define INTVIT_ROWS_INIT \
  { sizeof(intvit_rows), 0, 0, NULL, NULL }
/* As intvit_session_set_picture. After an error the place has no picture, or part of one. */
INTVIT_API intvit_status intvit_session_set_picture_rows(intvit_session* session, int32_t index,
                                                         const intvit_rows* rows);
/* The same of a picture that is preprocessed: u8 [height][width][3] of intvit_model_input, so `size` is their product.
 */
INTVIT_API intvit_status intvit_session_set_input(intvit_session* session, int32_t index, const uint8_t* rgb,
                                                  size_t size);
/* That place itself, to be written to. */
INTVIT_API intvit_status intvit_session_input(intvit_session* session, int32_t index, uint8_t** rgb, size_t* size);

/* Runs the model on pictures 0 .. count - 1, which stay as they are. Allocates nothing. */
INTVIT_API intvit_status intvit_session_run(intvit_session* session, int32_t count);

/* The integers of an output of picture `index` of the last run, where the session has them: the next run overwrites
 * them. Row r begins at element r * stride. */
typedef struct intvit_output {
  size_t struct_size;
  const void* data;
  size_t stride;
  int32_t type; /* INTVIT_U8 ... */
  int32_t rows, columns;
  int32_t zero;
  uint32_t mantissa;
  int32_t exponent;
} intvit_output;
#define INTVIT_OUTPUT_INIT \
  { sizeof(intvit_output), NULL, 0, 0, 0, 0, 0, 0, 0 }
INTVIT_API intvit_status intvit_session_output(const intvit_session* session, int32_t index, size_t port,
                                               intvit_output* output);
/* One per class; `*count` is 0 for a model without logits. */
INTVIT_API intvit_status intvit_session_logits(const intvit_session* session, int32_t index, const int32_t** logits,
                                               size_t* count);

typedef struct intvit_class {
  int32_t class_index;
  int32_t logit;
} intvit_class;
/* The min(capacity, classes) classes with the largest logits, best first; of equal ones the lower class comes first. */
INTVIT_API intvit_status intvit_session_top_k(const intvit_session* session, int32_t index, intvit_class* best,
                                              size_t capacity, size_t* count);

/* What a layer looked at in picture `index` of the last run. Query i of a head of a window looks at key j with
 * probability weight / divisor. Windows that are smaller than the largest have zeros behind what they have. */
typedef struct intvit_attention {
  size_t struct_size;
  const uint16_t* weights;  /* [windows][heads][queries][keys] */
  const uint32_t* divisors; /* [windows][heads][queries]; 0: this window has no such query */
  int32_t windows, heads, queries, keys;
} intvit_attention;
#define INTVIT_ATTENTION_INIT \
  { sizeof(intvit_attention), NULL, NULL, 0, 0, 0, 0 }
/* Only of layers that the session was created for. */
INTVIT_API intvit_status intvit_session_attention(const intvit_session* session, int32_t index, size_t layer,
                                                  intvit_attention* attention);

#ifdef __cplusplus
}
#endif

#include "intvit/intvit_values.h"

#endif
