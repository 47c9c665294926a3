// For sched_getcpu and the sets of processors.
#define _GNU_SOURCE
#include "CPool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
static inline void relax(void) { _mm_pause(); }
#elif defined(__aarch64__)
static inline void relax(void) { __builtin_arm_yield(); }
#else
static inline void relax(void) {}
#endif

/// How long a waiting thread looks before it sleeps: a network's next layer, and the next band of a map, find the others
/// awake; an idle program keeps no processor busy, and on a busy machine two threads do not wait out each other's time
/// slice.
enum { SPIN_NANOSECONDS = 50000, LOOKS_PER_CLOCK = 64 };

/// A number that one thread sets and others wait for.
struct gate {
  atomic_uint value;
  atomic_uint sleepers;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
};

static void gate_init(struct gate *gate) {
  pthread_mutex_init(&gate->mutex, NULL);
  pthread_cond_init(&gate->changed, NULL);
}

static unsigned gate_value(struct gate *gate) { return atomic_load_explicit(&gate->value, memory_order_acquire); }

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/// Waits while the gate shows `old`; returns whether it slept.
static bool gate_wait(struct gate *gate, unsigned old) {
  for (int i = 0; i < LOOKS_PER_CLOCK; ++i) {
    if (gate_value(gate) != old) return false;
    relax();
  }
  const uint64_t end = nanoseconds() + SPIN_NANOSECONDS;
  for (int i = 1; i % LOOKS_PER_CLOCK != 0 || nanoseconds() < end; ++i) {
    if (gate_value(gate) != old) return false;
    relax();
  }
  pthread_mutex_lock(&gate->mutex);
  // Sequentially consistent, as is the pair in gate_set: one of the two sees the other's store.
  atomic_fetch_add(&gate->sleepers, 1);
  while (atomic_load(&gate->value) == old) pthread_cond_wait(&gate->changed, &gate->mutex);
  atomic_fetch_sub(&gate->sleepers, 1);
  pthread_mutex_unlock(&gate->mutex);
  return true;
}

static void gate_set(struct gate *gate, unsigned value) {
  atomic_store(&gate->value, value);
  if (atomic_load(&gate->sleepers) == 0) return;
  pthread_mutex_lock(&gate->mutex);
  pthread_cond_broadcast(&gate->changed);
  pthread_mutex_unlock(&gate->mutex);
}

struct worker {
  /// 1 while the worker has a part to run: set by the caller, cleared by the worker.
  _Alignas(128) struct gate busy;
  size_t part;
};

static struct {
  pthread_mutex_t owner;  ///< held by the caller whose parts run
  size_t count;           ///< workers made so far; worker i runs part i + 1
  void (*body)(void *, size_t);
  void *context;
  /// The parts that have come to the barrier, and the number of times that all had.
  _Alignas(128) atomic_uint arrived;
  struct gate round;
  /// Where each part was when it last looked.
  atomic_int processors[LOWRANK_MOST_THREADS];
  struct worker workers[LOWRANK_MOST_THREADS];
} pool = {
    .owner = PTHREAD_MUTEX_INITIALIZER,
    .round = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER},
};

#if defined(__linux__)
/// Whether a part before this one was last on this processor.
static bool is_shared(int processor, size_t part) {
  for (size_t i = 0; i < part; ++i) {
    if (atomic_load_explicit(&pool.processors[i], memory_order_relaxed) == processor) return true;
  }
  return false;
}

/// Moves the thread to a processor that it may use and that no part before it is on, if there is one.
static void move_away(size_t part) {
  cpu_set_t allowed, others;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  others = allowed;
  for (size_t i = 0; i < part; ++i) {
    const int processor = atomic_load_explicit(&pool.processors[i], memory_order_relaxed);
    if (processor >= 0 && processor < CPU_SETSIZE) CPU_CLR(processor, &others);
  }
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);
}

/// Parts the threads of a run from one another.
///
/// Linux may wake a thread on the processor of the one that wakes it though others are idle, and does not part two
/// threads that take turns by the microsecond: seen with two threads on two idle processors, at the speed of one.
static void settle(size_t part) {
  int processor = sched_getcpu();
  if (is_shared(processor, part)) {
    move_away(part);
    processor = sched_getcpu();
  }
  atomic_store_explicit(&pool.processors[part], processor, memory_order_relaxed);
}
#else
static void settle(size_t part) { (void)part; }
#endif

static void *work(void *argument) {
  struct worker *w = argument;
  for (;;) {
    gate_wait(&w->busy, 0);
    settle(w->part);
    pool.body(pool.context, w->part);
    gate_set(&w->busy, 0);
  }
  return NULL;
}

/// A forked process has none of its parent's threads, and makes its own when it first needs them.
static void forget_threads(void) {
  pool.count = 0;
  pthread_mutex_init(&pool.owner, NULL);
  atomic_store(&pool.arrived, 0);
  atomic_store(&pool.round.sleepers, 0);
  gate_init(&pool.round);
}

static void watch_forks(void) { pthread_atfork(NULL, NULL, forget_threads); }

/// Makes workers until there are `count`, or until one cannot be made.
static void grow(size_t count) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  while (pool.count < count) {
    struct worker *w = &pool.workers[pool.count];
    *w = (struct worker){.part = pool.count + 1};
    gate_init(&w->busy);
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, w) != 0) return;
    pthread_detach(thread);
    ++pool.count;
  }
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
  settle(0);
  for (size_t i = 0; i < helpers; ++i) gate_set(&pool.workers[i].busy, 1);
  body(context, 0);
  for (size_t part = helpers + 1; part < parts; ++part) body(context, part);
  for (size_t i = 0; i < helpers; ++i) gate_wait(&pool.workers[i].busy, 1);
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

void lowrank_pool_meet(size_t part, size_t parts) {
  const unsigned round = gate_value(&pool.round);
  if (atomic_fetch_add(&pool.arrived, 1) + 1 == parts) {
    atomic_store(&pool.arrived, 0);
    gate_set(&pool.round, round + 1);
  } else if (gate_wait(&pool.round, round)) {
    settle(part);
  }
}
