#include "hostile.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 4096, MARK = 0xA5 };

static _Thread_local unsigned char *base;

static unsigned char *buffer(int index) { return base + GUARD + (size_t)index * (ROOM_BYTES + GUARD); }

void memory_make(void) {
  const size_t bytes = GUARD + (size_t)BUFFERS * (ROOM_BYTES + GUARD);
  if (posix_memalign((void **)&base, 64, bytes) != 0) abort();
  memset(base, MARK, bytes);
  for (int index = 0; index < BUFFERS; ++index) {
    float *numbers = memory_buffer(index);
    for (size_t i = 0; i < ROOM_BYTES / sizeof *numbers; ++i) numbers[i] = (float)(i * 7919 % 2003) / 1000 - 1;
  }
}

void memory_free(void) { free(base); }

void *memory_buffer(int index) { return buffer(index); }

void *some_buffer(int index) {
  if (!hostile()) return buffer(index);
  switch (chance(4)) {
    case 0: return NULL;
    case 1: return buffer(index) + 1 + chance(7);
    default: return buffer((int)chance(BUFFERS)) + 8 * chance(3);
  }
}

void memory_check(const char *function) {
  for (int guard = 0; guard <= BUFFERS; ++guard) {
    const unsigned char *bytes = base + (size_t)guard * (ROOM_BYTES + GUARD);
    for (size_t i = 0; i < GUARD; ++i) {
      if (bytes[i] == MARK) continue;
      fprintf(stderr, "%s wrote outside of the buffers, at guard %d, byte %zu\n", function, guard, i);
      exit(1);
    }
  }
}

/* ---------------------------------------------------------------------------------------------- handles */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *pool[KINDS][POOL];
static void *last_destroyed[KINDS];

void *some_handle(enum kind kind) {
  const bool wrong = hostile();
  const uint32_t which = chance(7), place = chance(POOL);
  pthread_mutex_lock(&lock);
  void *handle = pool[kind][place];
  if (wrong) {
    switch (which) {
      case 0: handle = NULL; break;
      case 1: handle = last_destroyed[kind]; break;
      case 2: handle = pool[(kind + 1) % KINDS][place]; break;
      case 3: handle = base; break;
      case 4: handle = (char *)handle + 1; break;
      case 5: handle = (void *)(uintptr_t)place; break;
      default: handle = (void *)UINTPTR_MAX; break;
    }
  }
  pthread_mutex_unlock(&lock);
  return handle;
}

static lowrank_status destroy(enum kind kind, void *handle) {
  switch (kind) {
    case DECOMPOSITION: return lowrank_decomposition_destroy(handle);
    case PLAN: return lowrank_plan_destroy(handle);
    case NETWORK: return lowrank_network_destroy(handle);
    case SESSION: return lowrank_session_destroy(handle);
    default: return lowrank_report_destroy(handle);
  }
}

void *handle_of_half(enum kind kind, int half) {
  const uint32_t place = chance(POOL / 2) * 2 + (uint32_t)half;
  pthread_mutex_lock(&lock);
  void *handle = pool[kind][place];
  pthread_mutex_unlock(&lock);
  return handle;
}

void handle_keep(enum kind kind, void *handle, int half) {
  const uint32_t place = chance(POOL / 2) * 2 + (uint32_t)half;
  pthread_mutex_lock(&lock);
  void *old = pool[kind][place];
  pool[kind][place] = handle;
  if (old) last_destroyed[kind] = old;
  pthread_mutex_unlock(&lock);
  /* The calls of destroy may have been there before. */
  const lowrank_status status = destroy(kind, old);
  if (status != LOWRANK_OK && status != LOWRANK_BAD_HANDLE) judge("destroy", (lowrank_status)-1, NULL);
}

void handles_destroy(void) {
  for (int kind = 0; kind < KINDS; ++kind) {
    for (int place = 0; place < POOL; ++place) {
      destroy((enum kind)kind, pool[kind][place]);
      pool[kind][place] = NULL;
    }
  }
}
