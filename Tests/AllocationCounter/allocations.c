#include "AllocationCounter.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)
static __thread size_t count, bytes;

// The C library's own, under the names that it keeps for those who stand in front of it.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  ++count;
  bytes += size;
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  ++count;
  bytes += number * size;
  return __libc_calloc(number, size);
}

void *realloc(void *pointer, size_t size) {
  ++count;
  bytes += size;
  return __libc_realloc(pointer, size);
}

void *memalign(size_t alignment, size_t size) {
  ++count;
  bytes += size;
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  ++count;
  bytes += size;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size) {
  ++count;
  bytes += size;
  *pointer = __libc_memalign(alignment, size);
  return *pointer ? 0 : ENOMEM;
}

size_t lowrank_allocations(void) { return count; }

size_t lowrank_allocated_bytes(void) { return bytes; }

bool lowrank_counts_allocations(void) { return true; }
#else
size_t lowrank_allocations(void) { return 0; }

size_t lowrank_allocated_bytes(void) { return 0; }

bool lowrank_counts_allocations(void) { return false; }
#endif
