#ifndef LOWRANK_CPOOL_H
#define LOWRANK_CPOOL_H

#include <stddef.h>

/// The most parts that run side by side.
enum { LOWRANK_MOST_THREADS = 64 };

/// The threads of one run: the caller, and workers that nobody else has until it ends.
struct lowrank_team;

/// What a thread of a run does; `team` is for `lowrank_pool_meet`.
typedef void (*lowrank_pool_body)(void *context, struct lowrank_team *team, size_t part);

/// Runs `body` for every part from 0 to `parts` - 1 and returns when all have run.
///
/// The caller runs part 0, workers of one pool for the whole process the others. Several callers run at the same time as
/// long as their threads together are not more than the processors that the process started with; further callers wait
/// their turn, in the order in which they came, so that each runs on as many threads as it asks for. More parts than
/// processors run when nobody else does. A body must not start another run.
///
/// Workers spin for some tens of microseconds after a run before they sleep. They may run on the processors that the
/// process started with, whatever those of the caller are, and leave all signals but those of their own faults to the
/// threads of the program. Allocates nothing once the workers exist.
///
/// Returns the number of threads that took part: fewer than `parts` only where no more threads can be made, or `parts` is
/// over LOWRANK_MOST_THREADS; the caller then runs what is left, one part after the other.
size_t lowrank_pool_run(size_t parts, lowrank_pool_body body, void *context);

/// As `lowrank_pool_run`, each part on a thread of its own at the same time, so that the parts may wait for one another with
/// `lowrank_pool_meet`. Returns 0, having run nothing, where there are too few threads.
size_t lowrank_pool_together(size_t parts, lowrank_pool_body body, void *context);

/// Waits, in the body of `lowrank_pool_together` that runs `part`, until all parts have come.
void lowrank_pool_meet(struct lowrank_team *team, size_t part);

#endif
