#include "CPool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#if defined(__x86_64__)
#include <immintrin.h>
static inline void relax(void) { _mm_pause(); }
#elif defined(__aarch64__)
static inline void relax(void) { __builtin_arm_yield(); }
#else
static inline void relax(void) {}
#endif

/// A few microseconds of looking without a call of the system, then some tens in which others may run in between: a
/// network's next layer finds the threads awake, an idle program does not keep them so, and two threads on one processor
/// do not wait out each other's time slice.
enum { SPINS = 200, YIELDS = 200 };

/// Waits a moment, the `round`th of one wait.
static inline void pause_briefly(int round) {
  if (round < SPINS) relax();
  else sched_yield();
}

struct worker {
  _Alignas(128) atomic_bool busy;  ///< set by the caller, cleared when the part has run
  atomic_bool asleep;
  size_t part;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
};

static struct {
  pthread_mutex_t owner;  ///< held by the caller whose parts run
  size_t count;           ///< workers made so far; worker i runs part i + 1
  void (*body)(void *, size_t);
  void *context;
  struct worker workers[LOWRANK_MOST_THREADS];
} pool = {.owner = PTHREAD_MUTEX_INITIALIZER};

static void wait_for_part(struct worker *w) {
  for (int i = 0; i < SPINS + YIELDS; ++i) {
    if (atomic_load_explicit(&w->busy, memory_order_acquire)) return;
    pause_briefly(i);
  }
  pthread_mutex_lock(&w->mutex);
  atomic_store(&w->asleep, true);
  while (!atomic_load(&w->busy)) pthread_cond_wait(&w->wake, &w->mutex);
  atomic_store(&w->asleep, false);
  pthread_mutex_unlock(&w->mutex);
}

static void *work(void *argument) {
  struct worker *w = argument;
  for (;;) {
    wait_for_part(w);
    pool.body(pool.context, w->part);
    atomic_store_explicit(&w->busy, false, memory_order_release);
  }
  return NULL;
}

/// Makes workers until there are `count`, or until one cannot be made.
static void grow(size_t count) {
  while (pool.count < count) {
    struct worker *w = &pool.workers[pool.count];
    w->part = pool.count + 1;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->wake, NULL);
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, w) != 0) return;
    pthread_detach(thread);
    ++pool.count;
  }
}

static void start(struct worker *w) {
  // Sequentially consistent, as is the worker's pair: one of the two sees the other's store.
  atomic_store(&w->busy, true);
  if (atomic_load(&w->asleep)) {
    pthread_mutex_lock(&w->mutex);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mutex);
  }
}

static void wait_until_done(struct worker *w) {
  for (int i = 0; atomic_load_explicit(&w->busy, memory_order_acquire); i += i < SPINS) pause_briefly(i);
}

/// Takes the pool and makes workers for `parts` parts; returns how many there are, 0 where the pool is taken.
static size_t take(size_t parts) {
  if (parts <= 1 || pthread_mutex_trylock(&pool.owner) != 0) return 0;
  const size_t wanted = (parts < LOWRANK_MOST_THREADS ? parts : LOWRANK_MOST_THREADS) - 1;
  grow(wanted);
  if (pool.count == 0) pthread_mutex_unlock(&pool.owner);
  return pool.count < wanted ? pool.count : wanted;
}

/// Runs every part on `helpers` workers and the caller, and gives the pool back.
static void run(size_t parts, size_t helpers, void (*body)(void *, size_t), void *context) {
  pool.body = body;
  pool.context = context;
  for (size_t i = 0; i < helpers; ++i) start(&pool.workers[i]);
  body(context, 0);
  for (size_t part = helpers + 1; part < parts; ++part) body(context, part);
  for (size_t i = 0; i < helpers; ++i) wait_until_done(&pool.workers[i]);
  pthread_mutex_unlock(&pool.owner);
}

size_t lowrank_pool_run(size_t parts, void (*body)(void *context, size_t part), void *context) {
  const size_t helpers = take(parts);
  if (helpers > 0) {
    run(parts, helpers, body, context);
  } else {
    for (size_t part = 0; part < parts; ++part) body(context, part);
  }
  return helpers + 1;
}

int lowrank_pool_together(size_t parts, void (*body)(void *context, size_t part), void *context) {
  const size_t helpers = take(parts);
  if (helpers == 0) return 0;
  if (helpers + 1 < parts) {
    pthread_mutex_unlock(&pool.owner);
    return 0;
  }
  run(parts, helpers, body, context);
  return 1;
}

void lowrank_barrier_wait(struct lowrank_barrier *barrier, size_t parts) {
  const unsigned round = __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == parts) {
    __atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&barrier->round, round + 1, __ATOMIC_RELEASE);
    return;
  }
  for (int i = 0; __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE) == round; i += i < SPINS) pause_briefly(i);
}
