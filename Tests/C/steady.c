/*
 * A run of a plan allocates nothing: malloc is counted, in front of libc's, while plans of several kinds run.
 */
#include <lowrank.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *block, size_t bytes);
extern void *__libc_memalign(size_t boundary, size_t bytes);

static atomic_ulong allocations;

void *malloc(size_t bytes) {
  atomic_fetch_add(&allocations, 1);
  return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
  atomic_fetch_add(&allocations, 1);
  return __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes) {
  atomic_fetch_add(&allocations, 1);
  return __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t boundary, size_t bytes) {
  atomic_fetch_add(&allocations, 1);
  return __libc_memalign(boundary, bytes);
}

int posix_memalign(void **block, size_t boundary, size_t bytes) {
  *block = aligned_alloc(boundary, bytes);
  return *block ? 0 : 12;
}

enum { CHANNELS = 32, EXTENT = 28, RUNS = 50 };
static double kernel[CHANNELS * CHANNELS * 9], input[CHANNELS * EXTENT * EXTENT], output[CHANNELS * EXTENT * EXTENT];
static unsigned char workspace[1 << 25];

static void need(lowrank_status status) {
  if (status == LOWRANK_OK) return;
  fprintf(stderr, "%s\n", lowrank_last_error());
  exit(1);
}

static double nanoseconds(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static lowrank_plan *make_plan(bool is_double, bool factored, int32_t threads, int64_t channels, int64_t extent) {
  const int64_t shape[4] = {channels, channels, 3, 3}, ranks[2] = {channels / 2, channels / 2};
  const size_t count = (size_t)(channels * channels * 9);
  lowrank_geometry geometry = {.struct_size = sizeof geometry, .axes = 2};
  lowrank_plan_options options = {.struct_size = sizeof options, .threads = threads};
  for (int axis = 0; axis < 2; ++axis) {
    geometry.input[axis] = extent;
    geometry.padding_before[axis] = geometry.padding_after[axis] = 1;
  }
  lowrank_decomposition *factors = NULL;
  lowrank_plan *plan = NULL;
  if (factored) {
    need(lowrank_decompose_f64(LOWRANK_TUCKER2, kernel, count, shape, 4, ranks, 2, NULL, &factors));
    need(is_double ? lowrank_plan_create_factored_f64(&geometry, factors, NULL, 0, &options, &plan)
                   : lowrank_plan_create_factored_f32(&geometry, factors, NULL, 0, &options, &plan));
  } else {
    need(is_double ? lowrank_plan_create_f64(&geometry, kernel, count, shape, 4, NULL, 0, &options, &plan)
                   : lowrank_plan_create_f32(&geometry, (float *)kernel, count, shape, 4, NULL, 0, &options, &plan));
  }
  need(lowrank_decomposition_destroy(factors));
  return plan;
}

static lowrank_status run(bool is_double, lowrank_plan *plan, const lowrank_plan_info *info) {
  if (is_double)
    return lowrank_plan_run_f64(plan, input, info->input_count, output, info->output_count, workspace,
                                sizeof workspace);
  return lowrank_plan_run_f32(plan, (float *)input, info->input_count, (float *)output, info->output_count, workspace,
                              sizeof workspace);
}

/* The allocations of RUNS runs, behind some to begin with. */
static unsigned long count_runs(bool is_double, bool factored, int32_t threads, int64_t channels, int64_t extent) {
  lowrank_plan *plan = make_plan(is_double, factored, threads, channels, extent);
  lowrank_plan_info info = {.struct_size = sizeof info};
  need(lowrank_plan_get_info(plan, &info));
  for (int i = 0; i < 5; ++i) need(run(is_double, plan, &info));
  const unsigned long before = atomic_load(&allocations);
  const double start = nanoseconds();
  for (int i = 0; i < RUNS; ++i) need(run(is_double, plan, &info));
  const double taken = (nanoseconds() - start) / RUNS;
  const unsigned long counted = atomic_load(&allocations) - before;
  printf("  %s %s, %d channels of %dx%d, %d threads: %8.0f ns a run, %lu allocations\n", is_double ? "f64" : "f32",
         factored ? "factored" : "dense   ", (int)channels, (int)extent, (int)extent, (int)threads, taken, counted);
  need(lowrank_plan_destroy(plan));
  return counted;
}

int main(void) {
  unsigned long counted = 0;
  for (size_t i = 0; i < sizeof kernel / sizeof *kernel; ++i) kernel[i] = (double)(i * 7919 % 2003) / 1000 - 1;
  for (int is_double = 0; is_double < 2; ++is_double)
    for (int factored = 0; factored < 2; ++factored)
      for (int32_t threads = 1; threads <= 2; ++threads) {
        counted += count_runs(is_double, factored, threads, 2, 2);
        counted += count_runs(is_double, factored, threads, CHANNELS, EXTENT);
      }
  if (counted > 0) fprintf(stderr, "a run allocates\n");
  return counted > 0;
}
