// For sched_getcpu, the sets of processors and the names of threads.
#define _GNU_SOURCE
#include "CPool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "gate.h"

/// The most workers of all teams together.
enum { MOST_WORKERS = 256 };

struct worker {
  /// 1 while the worker has a part to run: set by the caller, cleared by the worker.
  _Alignas(128) struct gate busy;
  struct lowrank_team *team;
  size_t part;
  /// Where the worker was when it last looked.
  atomic_int processor;
  /// Whether a team has the worker; under the pool's mutex.
  bool taken;
};

struct lowrank_team {
  lowrank_pool_body body;
  void *context;
  /// Where the caller was when it last looked.
  atomic_int processor;
  size_t helpers;
  struct worker *workers[LOWRANK_MOST_THREADS];  ///< worker i runs part i + 1
  /// The parts that have come to the barrier, and the number of times that all had.
  _Alignas(128) atomic_uint arrived;
  struct gate round;
};

static struct {
  /// Guards everything but what the gates guard.
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  /// Callers take tickets, and are served in their order.
  uint64_t tickets, served;
  size_t running;  ///< threads of the teams that run, their callers among them
  size_t count;    ///< workers made so far
  struct worker workers[MOST_WORKERS];
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

#if defined(__linux__)
/// The processors that the process started with.
static cpu_set_t processors;
static size_t processor_count;

/// When the library is loaded, of the process's first thread: later, the first caller may have been tied to some.
__attribute__((constructor)) static void look_for_processors(void) {
  if (sched_getaffinity(getpid(), sizeof processors, &processors) == 0) {
    processor_count = (size_t)CPU_COUNT(&processors);
  }
}

static void use_all_processors(void) {
  if (processor_count > 0) sched_setaffinity(0, sizeof processors, &processors);
}

static void set_name(void) { pthread_setname_np(pthread_self(), "lowrank-pool"); }

static atomic_int *processor_of(struct lowrank_team *team, size_t part) {
  return part == 0 ? &team->processor : &team->workers[part - 1]->processor;
}

/// Whether a part before this one was last on this processor.
static bool is_shared(struct lowrank_team *team, int processor, size_t part) {
  for (size_t i = 0; i < part; ++i) {
    if (atomic_load_explicit(processor_of(team, i), memory_order_relaxed) == processor) return true;
  }
  return false;
}

/// Moves the thread to a processor that it may use and that no part before it is on, if there is one.
static void move_away(struct lowrank_team *team, size_t part) {
  cpu_set_t allowed, others;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  others = allowed;
  for (size_t i = 0; i < part; ++i) {
    const int processor = atomic_load_explicit(processor_of(team, i), memory_order_relaxed);
    if (processor >= 0 && processor < CPU_SETSIZE) CPU_CLR(processor, &others);
  }
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);
}

/// Parts the threads of a run from one another.
///
/// Linux may wake a thread on the processor of the one that wakes it though others are idle, and does not part two
/// threads that take turns by the microsecond: seen with two threads on two idle processors, at the speed of one.
static void settle(struct lowrank_team *team, size_t part) {
  int processor = sched_getcpu();
  if (is_shared(team, processor, part)) {
    move_away(team, part);
    processor = sched_getcpu();
  }
  atomic_store_explicit(processor_of(team, part), processor, memory_order_relaxed);
}
#else
static const size_t processor_count = 0;
static void use_all_processors(void) {}
static void set_name(void) {}
static void settle(struct lowrank_team *team, size_t part) { (void)team, (void)part; }
#endif

/// The threads that may run at the same time.
static size_t most_threads(void) {
  const long online = processor_count > 0 ? (long)processor_count : sysconf(_SC_NPROCESSORS_ONLN);
  return online < 1 ? 1 : online < MOST_WORKERS ? (size_t)online : MOST_WORKERS;
}

static void *work(void *argument) {
  struct worker *w = argument;
  use_all_processors();
  set_name();
  for (;;) {
    gate_wait(&w->busy, 0);
    settle(w->team, w->part);
    w->team->body(w->team->context, w->team, w->part);
    gate_set(&w->busy, 0);
  }
  return NULL;
}

/// A forked process has none of its parent's threads, and makes its own when it first needs them.
static void forget_threads(void) {
  pthread_mutex_init(&pool.mutex, NULL);
  pthread_cond_init(&pool.changed, NULL);
  pool.served = pool.tickets;
  pool.running = 0;
  pool.count = 0;
}

static void watch_forks(void) { pthread_atfork(NULL, NULL, forget_threads); }

/// The signals that a program handles in its own threads. A fault stays with the thread that makes it.
static sigset_t signals_of_others(void) {
  sigset_t set;
  sigfillset(&set);
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; ++i) sigdelset(&set, faults[i]);
  return set;
}

/// Makes one more worker; false where the system has no thread left.
static bool grow(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  struct worker *w = &pool.workers[pool.count];
  *w = (struct worker){.processor = -1};
  gate_init(&w->busy);
  // A thread begins with the signals of the one that makes it.
  const sigset_t blocked = signals_of_others();
  sigset_t former;
  pthread_sigmask(SIG_SETMASK, &blocked, &former);
  pthread_t thread;
  const int failure = pthread_create(&thread, NULL, work, w);
  pthread_sigmask(SIG_SETMASK, &former, NULL);
  if (failure != 0) return false;
  pthread_detach(thread);
  ++pool.count;
  return true;
}

/// Waits until the caller's turn has come and `parts` threads may run, and gives the team its workers.
static void enter(struct lowrank_team *team, size_t parts) {
  const size_t most = most_threads();
  pthread_mutex_lock(&pool.mutex);
  const uint64_t ticket = pool.tickets++;
  while (ticket != pool.served || (pool.running > 0 && pool.running + parts > most)) {
    pthread_cond_wait(&pool.changed, &pool.mutex);
  }
  ++pool.served;
  pool.running += parts;
  // The first that are idle: a caller who is alone finds those of its last run.
  for (size_t i = 0; i < MOST_WORKERS && team->helpers < parts - 1; ++i) {
    if (i == pool.count && !grow()) break;
    if (pool.workers[i].taken) continue;
    pool.workers[i].taken = true;
    team->workers[team->helpers++] = &pool.workers[i];
  }
  // The next may have room beside this one.
  if (pool.served != pool.tickets) pthread_cond_broadcast(&pool.changed);
  pthread_mutex_unlock(&pool.mutex);
}

/// Gives the workers back.
static void leave(struct lowrank_team *team, size_t parts) {
  pthread_mutex_lock(&pool.mutex);
  pool.running -= parts;
  for (size_t i = 0; i < team->helpers; ++i) team->workers[i]->taken = false;
  if (pool.served != pool.tickets) pthread_cond_broadcast(&pool.changed);
  pthread_mutex_unlock(&pool.mutex);
}

/// Runs every part on the team's workers and the caller.
static void run(struct lowrank_team *team, size_t parts) {
  settle(team, 0);
  for (size_t i = 0; i < team->helpers; ++i) {
    team->workers[i]->team = team;
    team->workers[i]->part = i + 1;
    gate_set(&team->workers[i]->busy, 1);
  }
  team->body(team->context, team, 0);
  for (size_t part = team->helpers + 1; part < parts; ++part) team->body(team->context, team, part);
  for (size_t i = 0; i < team->helpers; ++i) gate_wait(&team->workers[i]->busy, 1);
}

/// Runs the parts on a team of its own; returns its threads. Where `all` parts need a thread of their own and there are too
/// few, runs nothing and returns 0.
static size_t run_as_team(size_t parts, lowrank_pool_body body, void *context, bool all) {
  const size_t threads = parts < LOWRANK_MOST_THREADS ? parts : LOWRANK_MOST_THREADS;
  struct lowrank_team team;
  team.body = body;
  team.context = context;
  team.helpers = 0;
  atomic_init(&team.processor, -1);
  atomic_init(&team.arrived, 0);
  gate_init(&team.round);
  enter(&team, threads);
  const bool runs = !all || team.helpers + 1 == parts;
  if (runs) run(&team, parts);
  leave(&team, threads);
  gate_destroy(&team.round);
  return runs ? team.helpers + 1 : 0;
}

size_t lowrank_pool_run(size_t parts, lowrank_pool_body body, void *context) {
  if (parts > 1) return run_as_team(parts, body, context, false);
  if (parts == 1) body(context, NULL, 0);
  return parts;
}

size_t lowrank_pool_together(size_t parts, lowrank_pool_body body, void *context) {
  if (parts > 1) return run_as_team(parts, body, context, true);
  if (parts == 1) body(context, NULL, 0);
  return parts;
}

void lowrank_pool_meet(struct lowrank_team *team, size_t part) {
  if (!team) return;
  const unsigned round = gate_value(&team->round);
  if (atomic_fetch_add(&team->arrived, 1) == team->helpers) {
    atomic_store(&team->arrived, 0);
    gate_set(&team->round, round + 1);
  } else if (gate_wait(&team->round, round)) {
    settle(team, part);
  }
}
