#ifndef LOWRANK_ALLOCATION_COUNTER_H
#define LOWRANK_ALLOCATION_COUNTER_H

#include <stddef.h>

/// The allocations that the calling thread has made so far: a count that only grows.
///
/// Counts by standing in front of the C library's allocator; SIZE_MAX where that is not possible (another C library than
/// glibc, or a sanitizer that does the same).
size_t lowrank_allocations(void);

/// The bytes of those allocations; SIZE_MAX where they are not counted.
size_t lowrank_allocated_bytes(void);

#endif
