/*
 * hostile [CALLS [THREADS [SEED [MODELS-FOLDER [SCRATCH-FOLDER]]]]]
 *
 * CALLS of each function with hostile arguments (100000), first on one thread and looking for leaks, then a tenth of
 * them on several threads that share their handles.
 */
#include "hostile.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_ulong answers[16];
static _Thread_local unsigned long sound;
static uint64_t seed = 20240917;

void judge(const char *function, lowrank_status status, void *const *result) {
  if ((unsigned)status > LOWRANK_UNSUPPORTED || status == LOWRANK_INTERNAL) {
    fprintf(stderr, "%s: status %d, %s\n", function, (int)status, lowrank_last_error());
    exit(1);
  }
  if (status != LOWRANK_OK && !*lowrank_last_error()) {
    fprintf(stderr, "%s: %s without a message\n", function, lowrank_status_name(status));
    exit(1);
  }
  if (result && (*result == UNTOUCHED) == (status == LOWRANK_OK)) {
    fprintf(stderr, "%s: %s, and its result is %p\n", function, lowrank_status_name(status), *result);
    exit(1);
  }
  atomic_fetch_add(&answers[status], 1);
  sound += status == LOWRANK_OK;
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void repeat(const struct call *calls, size_t count, unsigned long times, bool print) {
  for (size_t i = 0; i < count; ++i) {
    const double start = seconds();
    sound = 0;
    for (unsigned long n = 0; n < times; ++n) {
      chance_begin_call();
      calls[i].run();
      if (n % 64 == 0) memory_check(calls[i].name);
    }
    memory_check(calls[i].name);
    if (print) printf("  %-40s %7.2f s, %lu sound\n", calls[i].name, seconds() - start, sound);
  }
}

static void all_calls(unsigned long times, bool print) {
  repeat(decomposition_calls, decomposition_call_count, times, print);
  repeat(plan_calls, plan_call_count, times, print);
  repeat(model_calls, model_call_count, times, print);
  repeat(network_calls, network_call_count, times, print);
}

struct worker {
  pthread_t thread;
  uint64_t number;
  unsigned long times;
};

static void *work(void *argument) {
  const struct worker *worker = argument;
  chance_seed(seed + worker->number);
  memory_make();
  /* In turns of a few, so that each thread meets handles that another makes and destroys. */
  for (unsigned long n = 0; n < worker->times; n += 10) all_calls(10, false);
  memory_free();
  return NULL;
}

static void many_threads(unsigned count, unsigned long times) {
  struct worker workers[64];
  if (count > 64) count = 64;
  for (unsigned i = 0; i < count; ++i) {
    workers[i] = (struct worker){.number = i + 1, .times = times};
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) abort();
  }
  for (unsigned i = 0; i < count; ++i) pthread_join(workers[i].thread, NULL);
}

/* Bytes of malloc that are in use. */
static size_t used(void) {
  handles_destroy();
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

static void require_no_leak(size_t before, unsigned long calls) {
  const size_t after = used();
  printf("  malloc: %zu bytes in use before, %zu after, %zu handles left\n", before, after, lowrank_handle_count());
  /* The runtime's tables grow where a path is taken for the first time, and malloc counts what threads keep ready as
     used: both end. A block, of 32 bytes at least, in an eighth of one function's calls is beyond this. */
  if (lowrank_handle_count() == 0 && after <= before + (256 << 10) + 4 * calls) return;
  fprintf(stderr, "memory or handles are lost\n");
  exit(1);
}

int main(int argc, char **argv) {
  const unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
  const unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 4;
  if (argc > 3) seed = strtoull(argv[3], NULL, 10);
  if (argc > 4) models_folder = argv[4];
  models_folder = realpath(models_folder, NULL);
  /* Files of odd names are written there. */
  if (!models_folder || chdir(argc > 5 ? argv[5] : "/tmp") != 0) {
    perror("the folder of the models, or the one for files");
    return 2;
  }
  const size_t functions = decomposition_call_count + plan_call_count + model_call_count + network_call_count;
  printf("%lu hostile calls of each of %zu functions, seed %llu\n", calls, functions, (unsigned long long)seed);
  memory_make();
  directed_tests();
  structure_tests();
  chance_seed(seed);
  /* As often as afterwards: what inspecting models takes for its threads is still growing after a tenth of it. */
  all_calls(calls, false);
  const size_t before = used();
  all_calls(calls, true);
  require_no_leak(before, calls);
  const double start = seconds();
  many_threads(threads, calls / 10);
  printf("  %u threads, %lu calls of each function by each: %.2f s\n", threads, calls / 10, seconds() - start);
  require_no_leak(before, calls);
  for (int status = 0; status <= LOWRANK_UNSUPPORTED; ++status)
    printf("  %10lu %s\n", atomic_load(&answers[status]), lowrank_status_name((lowrank_status)status));
  memory_free();
  free((void *)models_folder);
  return 0;
}
