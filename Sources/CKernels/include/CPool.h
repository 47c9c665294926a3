#ifndef LOWRANK_CPOOL_H
#define LOWRANK_CPOOL_H

#include <stddef.h>

/// The most parts that run side by side.
enum { LOWRANK_MOST_THREADS = 64 };

/// Runs `body(context, part)` for every part from 0 to `parts` - 1 and returns when all have run.
///
/// The caller runs part 0, threads of one pool for the whole process the others. The pool's threads spin for some tens of
/// microseconds after a run before they sleep. Where the pool is taken by another caller, or a thread cannot be made,
/// the caller runs the parts one after the other. Allocates nothing once the threads exist.
///
/// Returns the number of threads that took part.
size_t lowrank_pool_run(size_t parts, void (*body)(void *context, size_t part), void *context);

/// Runs `body(context, part)` for every part from 0 to `parts` - 1, each on a thread of its own at the same time, so that
/// the parts may wait for one another with `lowrank_pool_meet`. Returns 0, having run nothing, where the pool is taken or has too few
/// threads.
int lowrank_pool_together(size_t parts, void (*body)(void *context, size_t part), void *context);

/// Waits, in the body of `lowrank_pool_together` that runs `part`, until all its `parts` parts have come.
void lowrank_pool_meet(size_t part, size_t parts);

#endif
