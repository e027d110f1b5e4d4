/* A library to be preloaded, which fails one allocation of a program, or all from one on. Allocations are told apart by
 * the calls that led to them: a site is one chain of return addresses, whatever the thread and the order of things.
 * What oneDNN, OpenMP and the dynamic linker allocate for themselves is left alone.
 *
 * INTVIT_FAULT_SITES=FILE: writes the sites there, a line each: a number and how deep in the stack.
 * INTVIT_FAULT_AT='SITE DEPTH': fails the first allocation of that site, and writes it to INTVIT_FAULT_SITES; with
 * INTVIT_FAULT_REST all that follow fail, too. Calls are followed only near that depth, which makes runs faster.
 * INTVIT_FAULT_WITHIN=FUNCTION: fails the first allocation that the program makes through this function of a library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <unwind.h>

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

enum { kMostFrames = 64, kPlaces = 1 << 16, kMostSites = 1 << 18 };
enum { kOther = 0, kProgram = 1, kForeign = 2 };

/* What an address is: where in its module, and whose that is. */
struct place {
  uintptr_t address;
  uint64_t mark;
  int kind;
};

static struct place places[kPlaces];
static uint64_t sites[kMostSites];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local int inside __attribute__((tls_model("initial-exec")));
static int active;
static int list = -1;
static uint64_t failing_site;
static long failing_depth;
static int failing, rest;
static void* within;

extern void* __libc_stack_end;

/* Of this thread's stack, in bytes; the same for a chain of calls, but for what frames are aligned to. */
static __attribute__((noinline)) long depth(void) {
  static const long kMostMainStack = 64l << 20;
  const char* here = __builtin_frame_address(0);
  const long in_main = (const char*)__libc_stack_end - here;
  if (in_main >= 0 && in_main < kMostMainStack) return in_main;
  return (const char*)__builtin_thread_pointer() - here; /* which is at the end of a thread's stack */
}

static uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 29;
}

/* Before the program's own constructors; earlier than that there is no environment. */
static __attribute__((constructor)) void start(void) {
  const char* file = getenv("INTVIT_FAULT_SITES");
  const char* at = getenv("INTVIT_FAULT_AT");
  if (file != NULL) list = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  char* behind = NULL;
  if (at != NULL) failing_site = strtoull(at, &behind, 10);
  if (at != NULL) failing_depth = strtol(behind, NULL, 10);
  rest = getenv("INTVIT_FAULT_REST") != NULL;
  const char* function = getenv("INTVIT_FAULT_WITHIN");
  if (function != NULL) within = dlsym(RTLD_DEFAULT, function);
  active = list >= 0 || at != NULL || within != NULL;
}

static const struct place* place_of(uintptr_t address) {
  struct place* p = &places[mix(0, address) % kPlaces];
  for (; p->address != 0; p = p + 1 == places + kPlaces ? places : p + 1) {
    if (p->address == address) return p;
  }
  Dl_info info;
  if (dladdr((void*)address, &info) == 0 || info.dli_fname == NULL) return p;
  const char* slash = strrchr(info.dli_fname, '/');
  const char* name = slash != NULL ? slash + 1 : info.dli_fname;
  p->mark = address - (uintptr_t)info.dli_fbase;
  for (const char* c = name; *c != 0; ++c) p->mark = mix(p->mark, (unsigned char)*c);
  if (getauxval(AT_PHDR) - (uintptr_t)info.dli_fbase < 4096) p->kind = kProgram;
  if (strncmp(name, "libdnnl", 7) == 0 || strncmp(name, "libgomp", 7) == 0) p->kind = kForeign;
  p->address = address;
  return p;
}

struct trace {
  uintptr_t frames[kMostFrames];
  int count;
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context* context, void* to) {
  struct trace* trace = to;
  if (trace->count == kMostFrames) return _URC_END_OF_STACK;
  trace->frames[trace->count++] = _Unwind_GetIP(context);
  return _URC_NO_REASON;
}

/* 0: an allocation that is not the program's own. */
static uint64_t site_of(const struct trace* trace) {
  uint64_t site = 1;
  int ours = 0;
  for (int i = 2; i < trace->count; ++i) { /* without the frames of this file */
    const struct place* p = place_of(trace->frames[i]);
    if (p->kind == kForeign) return 0;
    ours |= p->kind == kProgram;
    site = mix(site, p->mark);
  }
  return ours ? site >> 11 : 0; /* exact in a double, which is what awk has */
}

static int is_within(const struct trace* trace, const void* function) {
  for (int i = 2; i < trace->count; ++i) {
    Dl_info info;
    if (dladdr((void*)trace->frames[i], &info) != 0 && info.dli_saddr == function) return 1;
  }
  return 0;
}

static void write_site(uint64_t site, long at_depth) {
  if (list >= 0) dprintf(list, "%llu %ld\n", (unsigned long long)site, at_depth);
}

static void note_site(uint64_t site, long at_depth) {
  uint64_t* s = &sites[site % kMostSites];
  for (; *s != 0; s = s + 1 == sites + kMostSites ? sites : s + 1) {
    if (*s == site) return;
  }
  *s = site;
  write_site(site, at_depth);
}

static __attribute__((noinline)) int fails(void) {
  enum { kAligned = 512 }; /* what alignment of frames may add up to */
  if (inside || !active || (failing && !rest)) return 0;
  const long at_depth = depth();
  if (failing_site != 0 && !failing && labs(at_depth - failing_depth) > kAligned) return 0;
  inside = 1;
  int result = 0;
  struct trace trace = {.count = 0};
  _Unwind_Backtrace(note_frame, &trace);
  pthread_mutex_lock(&lock);
  const uint64_t site = site_of(&trace);
  if (site != 0 && failing_site == 0) note_site(site, at_depth);
  const int is_it = within != NULL ? is_within(&trace, within) : site == failing_site;
  if (site != 0 && is_it && !failing) {
    failing = result = 1;
    write_site(site, at_depth);
  } else if (site != 0 && failing && rest) {
    result = 1;
  }
  pthread_mutex_unlock(&lock);
  inside = 0;
  if (result) errno = ENOMEM;
  return result;
}

void* malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }
void* realloc(void* p, size_t size) { return fails() ? NULL : __libc_realloc(p, size); }
void* memalign(size_t alignment, size_t size) { return fails() ? NULL : __libc_memalign(alignment, size); }
void* aligned_alloc(size_t alignment, size_t size) { return fails() ? NULL : __libc_memalign(alignment, size); }
int posix_memalign(void** p, size_t alignment, size_t size) {
  void* got = fails() ? NULL : __libc_memalign(alignment, size);
  if (got == NULL) return ENOMEM;
  *p = got;
  return 0;
}
