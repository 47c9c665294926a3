// The one setting of the C allocator that Swift's own module does not import.
#ifndef CALLOCATOR_H
#define CALLOCATOR_H

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

// Has free() give blocks of `bytes` and more back to the system at once. glibc begins so at 128 KiB, but raises its limit
// to 32 MiB as large blocks are freed, and then keeps the pieces: a fifth of the peak when a large model is compressed.
static inline void allocator_return_blocks(int bytes) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, bytes);
#else
  (void)bytes;
#endif
}

#endif
