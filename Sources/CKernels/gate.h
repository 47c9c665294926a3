#ifndef LOWRANK_GATE_H
#define LOWRANK_GATE_H

#include <pthread.h>
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
  atomic_store(&gate->value, 0);
  atomic_store(&gate->sleepers, 0);
  pthread_mutex_init(&gate->mutex, NULL);
  pthread_cond_init(&gate->changed, NULL);
}

static void gate_destroy(struct gate *gate) {
  pthread_cond_destroy(&gate->changed);
  pthread_mutex_destroy(&gate->mutex);
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

#endif
