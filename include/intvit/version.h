/* The version of these headers. intvit_version() tells that of the library. */
#ifndef INTVIT_VERSION_H
#define INTVIT_VERSION_H

#define INTVIT_VERSION_MAJOR 0
#define INTVIT_VERSION_MINOR 1
#define INTVIT_VERSION_PATCH 0
#define INTVIT_VERSION_STRING "0.1.0"

#endif
