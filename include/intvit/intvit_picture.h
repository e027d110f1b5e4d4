/* Files of pictures in C, beside intvit/intvit.h: part of the library intvit-picture. What is read, and what is
 * refused, intvit/picture.h says. */
#ifndef INTVIT_INTVIT_PICTURE_H
#define INTVIT_INTVIT_PICTURE_H

#include "intvit/intvit.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Limits that are 0 are the usual ones of intvit/picture.h. */
typedef struct intvit_picture_options {
  size_t struct_size;
  int32_t exif_rotate; /* not 0: turn the picture as its EXIF orientation says */
  int32_t reserved;    /* 0 */
  int64_t max_pixels;
  int64_t max_file_bytes;
  int64_t max_scans;
  int64_t max_memory_bytes;
} intvit_picture_options;
#define INTVIT_PICTURE_OPTIONS_INIT \
  { sizeof(intvit_picture_options), 0, 0, 0, 0, 0, 0 }

/* As intvit_session_set_picture, of a file. `options` may be NULL. */
INTVIT_API intvit_status intvit_session_set_picture_file(intvit_session* session, int32_t index, const char* path,
                                                         const intvit_picture_options* options);
/* Of a file's bytes. `name` is for messages; NULL: "picture". */
INTVIT_API intvit_status intvit_session_set_picture_bytes(intvit_session* session, int32_t index, const void* bytes,
                                                          size_t size, const char* name,
                                                          const intvit_picture_options* options);

/* What decodes in this build, such as "libjpeg-turbo, libpng, libwebp, stb_image". */
INTVIT_API const char* intvit_picture_decoders(void);

#ifdef __cplusplus
}
#endif

#endif
