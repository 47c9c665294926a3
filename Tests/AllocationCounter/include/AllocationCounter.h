#ifndef LOWRANK_ALLOCATION_COUNTER_H
#define LOWRANK_ALLOCATION_COUNTER_H

#include <stdbool.h>
#include <stddef.h>

/// The allocations that the calling thread has made so far: a count that only grows, 0 where they are not counted.
size_t lowrank_allocations(void);

/// The bytes of those allocations.
size_t lowrank_allocated_bytes(void);

/// Whether allocations are counted, which takes standing in front of the C library's allocator: not with another C library
/// than glibc, nor with a sanitizer that stands there itself.
bool lowrank_counts_allocations(void);

#endif
