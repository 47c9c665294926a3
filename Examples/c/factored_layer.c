/*
 * Factors a 3 x 3 convolution, runs it beside the dense one, and prints the time and the difference of both.
 *
 *   cc -O2 -o factored_layer factored_layer.c $(pkg-config --cflags --libs lowrank) -lm
 *   ./factored_layer [output-channels input-channels size R1 R2]
 */
#include <lowrank.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Ends the program with the library's message where a call fails. */
#define CHECK(call) check((call), #call)

static void check(lowrank_status status, const char *call) {
  if (status == LOWRANK_OK) return;
  fprintf(stderr, "%s\n  %s: %s\n", call, lowrank_status_name(status), lowrank_last_error());
  exit(1);
}

static void *allocate(size_t bytes) {
  void *memory = malloc(bytes);
  if (!memory) {
    fprintf(stderr, "no memory for %zu bytes\n", bytes);
    exit(1);
  }
  return memory;
}

static double milliseconds(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* Numbers between -1 and 1 that are the same in every run. */
static void fill(float *numbers, size_t count) {
  static unsigned state = 1;
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    numbers[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
  }
}

/* A kernel of low rank with a little noise, as trained kernels are: the sum of `rank` separable terms. */
static float *make_kernel(const int64_t shape[4], int64_t rank, size_t *count) {
  const int64_t taps = shape[2] * shape[3];
  *count = (size_t)(shape[0] * shape[1] * taps);
  float *kernel = allocate(*count * sizeof *kernel);
  float *outputs = allocate((size_t)(shape[0] * rank) * sizeof *outputs);
  float *inputs = allocate((size_t)(shape[1] * rank) * sizeof *inputs);
  float *spatial = allocate((size_t)(rank * taps) * sizeof *spatial);
  fill(outputs, (size_t)(shape[0] * rank));
  fill(inputs, (size_t)(shape[1] * rank));
  fill(spatial, (size_t)(rank * taps));
  fill(kernel, *count);
  for (int64_t t = 0; t < shape[0]; ++t)
    for (int64_t s = 0; s < shape[1]; ++s)
      for (int64_t d = 0; d < taps; ++d) {
        float sum = 0.05f * kernel[(t * shape[1] + s) * taps + d];
        for (int64_t r = 0; r < rank; ++r)
          sum += outputs[t * rank + r] * inputs[s * rank + r] * spatial[r * taps + d];
        kernel[(t * shape[1] + s) * taps + d] = sum;
      }
  free(outputs);
  free(inputs);
  free(spatial);
  return kernel;
}

/* The best time of some runs, in milliseconds. */
static double run(lowrank_plan *plan, const float *input, float *output) {
  lowrank_plan_info info = {0};
  info.struct_size = sizeof info;
  CHECK(lowrank_plan_get_info(plan, &info));
  void *workspace = allocate(info.workspace_bytes);
  double best = INFINITY;
  for (int i = 0; i < 10; ++i) {
    const double start = milliseconds();
    CHECK(lowrank_plan_run_f32(plan, input, info.input_count, output, info.output_count, workspace,
                               info.workspace_bytes));
    best = fmin(best, milliseconds() - start);
  }
  printf("%d stage%s, %.1f million multiplies, workspace %zu KiB: %.3f ms\n", info.stage_count,
         info.stage_count == 1 ? "" : "s", (double)info.multiplies * 1e-6, info.workspace_bytes >> 10, best);
  free(workspace);
  return best;
}

int main(int argc, char **argv) {
  const int64_t given[5] = {argc > 1 ? atoll(argv[1]) : 128, argc > 2 ? atoll(argv[2]) : 128,
                            argc > 3 ? atoll(argv[3]) : 56, argc > 4 ? atoll(argv[4]) : 32,
                            argc > 5 ? atoll(argv[5]) : 32};
  const int64_t shape[4] = {given[0], given[1], 3, 3}, ranks[2] = {given[3], given[4]};
  lowrank_system_info here = {0};
  here.struct_size = sizeof here;
  CHECK(lowrank_system(&here));
  printf("lowrank %s on %s, kernels %s, %s\n", here.version, here.architecture, here.kernels, here.blas);

  size_t count;
  float *kernel = make_kernel(shape, (given[3] + 1) / 2, &count);
  lowrank_decomposition *factors = NULL;
  const double start = milliseconds();
  CHECK(lowrank_decompose_f32(LOWRANK_TUCKER2, kernel, count, shape, 4, ranks, 2, NULL, &factors));
  const double taken = milliseconds() - start;
  lowrank_decomposition_info facts = {0};
  facts.struct_size = sizeof facts;
  CHECK(lowrank_decomposition_get_info(factors, &facts));
  printf("Tucker-2 with ranks %lld and %lld: %zu weights -> %lld, relative error %.4f, %.1f ms\n",
         (long long)ranks[0], (long long)ranks[1], count, (long long)facts.weight_count, facts.relative_error, taken);

  lowrank_geometry geometry = {0};
  geometry.struct_size = sizeof geometry;
  geometry.axes = 2;
  for (int axis = 0; axis < 2; ++axis) {
    geometry.input[axis] = given[2];
    geometry.padding_before[axis] = geometry.padding_after[axis] = 1;
  }
  lowrank_plan *dense = NULL, *factored = NULL;
  CHECK(lowrank_plan_create_f32(&geometry, kernel, count, shape, 4, NULL, 0, NULL, &dense));
  CHECK(lowrank_plan_create_factored_f32(&geometry, factors, NULL, 0, NULL, &factored));

  const size_t inputs = (size_t)(shape[1] * given[2] * given[2]), outputs = (size_t)(shape[0] * given[2] * given[2]);
  float *x = allocate(inputs * sizeof *x), *y = allocate(outputs * sizeof *y), *z = allocate(outputs * sizeof *z);
  fill(x, inputs);
  printf("dense     ");
  const double slow = run(dense, x, y);
  printf("factored  ");
  const double fast = run(factored, x, z);
  double difference = 0, total = 0;
  for (size_t i = 0; i < outputs; ++i) {
    difference += pow((double)y[i] - z[i], 2);
    total += pow(y[i], 2);
  }
  const double error = sqrt(difference / total);
  printf("%.2f times as fast, relative difference of the outputs %.4f\n", slow / fast, error);

  free(x), free(y), free(z), free(kernel);
  CHECK(lowrank_decomposition_destroy(factors));
  CHECK(lowrank_plan_destroy(dense));
  CHECK(lowrank_plan_destroy(factored));
  /* The outputs differ by about as much as the kernels; were it far more, a stage would be wrong. */
  return error < 3 * facts.relative_error + 1e-4 ? 0 : 1;
}
