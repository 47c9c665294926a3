#include "hostile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures, tests;

void expect(lowrank_status wanted, lowrank_status got, const char *file, int line, const char *call) {
  ++tests;
  if (wanted == got) return;
  ++failures;
  fprintf(stderr, "%s:%d: %s\n  %s (%s), not %s\n", file, line, call, lowrank_status_name(got),
          got == LOWRANK_OK ? "" : lowrank_last_error(), lowrank_status_name(wanted));
}

static void decompose_arguments(void) {
  float *k = memory_buffer(0);
  double *k64 = memory_buffer(1);
  for (int i = 0; i < 400; ++i) k64[i] = sin(i);
  int64_t shape[8] = {6, 5, 3, 3, 1, 1, 1, 1}, ranks[2] = {3, 2};
  lowrank_decompose_options o = {.struct_size = sizeof o};
  lowrank_decomposition *d = NULL;
  const lowrank_method m = LOWRANK_TUCKER2;
#define TRY(STATUS, M, K, COUNT, SHAPE, ORDER, RANKS, RC, O, R) \
  EXPECT(STATUS, lowrank_decompose_f32(M, K, COUNT, SHAPE, ORDER, RANKS, RC, O, R))
  TRY(INVALID_ARGUMENT, (lowrank_method)77, k, 270, shape, 4, ranks, 2, &o, &d);
  TRY(UNSUITABLE, LOWRANK_DENSE, k, 270, shape, 4, NULL, 0, &o, &d);
  TRY(UNSUITABLE, LOWRANK_SVD, k, 270, shape, 4, ranks, 1, &o, &d);
  TRY(NULL_ARGUMENT, m, NULL, 270, shape, 4, ranks, 2, &o, &d);
  TRY(MISALIGNED, m, ODD(k), 270, shape, 4, ranks, 2, &o, &d);
  TRY(SIZE_MISMATCH, m, k, 269, shape, 4, ranks, 2, &o, &d);
  TRY(SIZE_MISMATCH, m, k, 0, shape, 4, ranks, 2, &o, &d);
  TRY(TOO_LARGE, m, k, SIZE_MAX, shape, 4, ranks, 2, &o, &d);
  TRY(NULL_ARGUMENT, m, k, 270, NULL, 4, ranks, 2, &o, &d);
  TRY(MISALIGNED, m, k, 270, ODD(shape), 4, ranks, 2, &o, &d);
  TRY(INVALID_ARGUMENT, m, k, 270, shape, 1, ranks, 2, &o, &d);
  TRY(INVALID_ARGUMENT, m, k, 270, shape, 9, ranks, 2, &o, &d);
  TRY(INVALID_ARGUMENT, m, k, 270, shape, -4, ranks, 2, &o, &d);
  TRY(NULL_ARGUMENT, m, k, 270, shape, 4, NULL, 2, &o, &d);
  TRY(MISALIGNED, m, k, 270, shape, 4, ODD(ranks), 2, &o, &d);
  TRY(INVALID_ARGUMENT, m, k, 270, shape, 4, ranks, 1, &o, &d);
  TRY(MISALIGNED, m, k, 270, shape, 4, ranks, 2, ODD(&o), &d);
  TRY(NULL_ARGUMENT, m, k, 270, shape, 4, ranks, 2, &o, NULL);
  TRY(MISALIGNED, m, k, 270, shape, 4, ranks, 2, &o, ODD(&d));
  const int64_t wrong_ranks[] = {0, -1, 7, INT64_MAX, INT64_MIN};
  for (int i = 0; i < 5; ++i) {
    int64_t r[2] = {wrong_ranks[i], 2};
    TRY(RANK_OUT_OF_RANGE, m, k, 270, shape, 4, r, 2, &o, &d);
  }
  const int64_t wrong_extents[] = {0, -1, (int64_t)1 << 31, INT64_MAX, INT64_MIN};
  for (int i = 0; i < 5; ++i) {
    int64_t s[4] = {6, wrong_extents[i], 3, 3};
    TRY(INVALID_ARGUMENT, m, k, 270, s, 4, ranks, 2, &o, &d);
  }
  int64_t huge[4] = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}, long_kernel[2] = {16385, 1};
  TRY(TOO_LARGE, m, k, 270, huge, 4, ranks, 2, &o, &d);
  TRY(TOO_LARGE, m, k, 16385, long_kernel, 2, ranks, 2, &o, &d);
  o.struct_size = 1;
  TRY(INVALID_ARGUMENT, m, k, 270, shape, 4, ranks, 2, &o, &d);
  o = (lowrank_decompose_options){.struct_size = sizeof o, .cp_iterations = -1};
  TRY(INVALID_ARGUMENT, m, k, 270, shape, 4, ranks, 2, &o, &d);
  o = (lowrank_decompose_options){.struct_size = sizeof o, .cp_tolerance = NAN};
  TRY(INVALID_ARGUMENT, m, k, 270, shape, 4, ranks, 2, &o, &d);
  o = (lowrank_decompose_options){.struct_size = sizeof o};
  const float first = k[7];
  k[7] = NAN;
  TRY(NOT_FINITE, m, k, 270, shape, 4, ranks, 2, &o, &d);
  k[7] = INFINITY;
  TRY(NOT_FINITE, m, k, 270, shape, 4, ranks, 2, &o, &d);
  k[7] = first;
  if (d) EXPECT(INTERNAL, LOWRANK_OK);
  const lowrank_method methods[] = {LOWRANK_TUCKER2, LOWRANK_SPATIAL, LOWRANK_SPATIAL_MIRRORED, LOWRANK_CHANNEL,
                                    LOWRANK_CHANNEL_MIRRORED, LOWRANK_CP3, LOWRANK_CP4};
  for (int i = 0; i < 7; ++i) {
    TRY(OK, methods[i], k, 270, shape, 4, ranks, i == 0 ? 2 : 1, &o, &d);
    EXPECT(OK, lowrank_decomposition_destroy(d));
    EXPECT(OK, lowrank_decompose_f64(methods[i], k64, 270, shape, 4, ranks, i == 0 ? 2 : 1, NULL, &d));
    EXPECT(OK, lowrank_decomposition_destroy(d));
    EXPECT(BAD_HANDLE, lowrank_decomposition_destroy(d));
  }
#undef TRY
}

static void decomposition_arguments(void) {
  double *k = memory_buffer(1);
  float *out = memory_buffer(2);
  const int64_t shape[4] = {6, 5, 3, 3}, ranks[2] = {3, 2};
  lowrank_decomposition *d = NULL;
  EXPECT(OK, lowrank_decompose_f64(LOWRANK_TUCKER2, k, 270, shape, 4, ranks, 2, NULL, &d));
  lowrank_decomposition_info info = {.struct_size = sizeof info};
  EXPECT(OK, lowrank_decomposition_get_info(d, &info));
  EXPECT(NULL_ARGUMENT, lowrank_decomposition_get_info(d, NULL));
  EXPECT(BAD_HANDLE, lowrank_decomposition_get_info(NULL, &info));
  EXPECT(BAD_HANDLE, lowrank_decomposition_get_info((void *)out, &info));
  info.struct_size = 0;
  EXPECT(INVALID_ARGUMENT, lowrank_decomposition_get_info(d, &info));
  lowrank_tensor_info tensor = {.struct_size = sizeof tensor};
  for (int32_t index = 0; index < 3; ++index) {
    EXPECT(OK, lowrank_decomposition_get_tensor(d, LOWRANK_FACTOR, index, &tensor));
    EXPECT(OK, lowrank_decomposition_copy_f32(d, LOWRANK_FACTOR, index, out, (size_t)tensor.count));
    EXPECT(SIZE_MISMATCH, lowrank_decomposition_copy_f32(d, LOWRANK_FACTOR, index, out, (size_t)tensor.count - 1));
    EXPECT(MISALIGNED, lowrank_decomposition_copy_f64(d, LOWRANK_STAGE, index, ODD(k), 3));
    EXPECT(NULL_ARGUMENT, lowrank_decomposition_copy_f64(d, LOWRANK_STAGE, index, NULL, 3));
  }
  EXPECT(INVALID_ARGUMENT, lowrank_decomposition_get_tensor(d, LOWRANK_FACTOR, 3, &tensor));
  EXPECT(INVALID_ARGUMENT, lowrank_decomposition_get_tensor(d, LOWRANK_STAGE, -1, &tensor));
  EXPECT(INVALID_ARGUMENT, lowrank_decomposition_get_tensor(d, (lowrank_part)2, 0, &tensor));
  EXPECT(OK, lowrank_decomposition_reconstruct_f32(d, out, 270));
  EXPECT(SIZE_MISMATCH, lowrank_decomposition_reconstruct_f32(d, out, 271));
  EXPECT(TOO_LARGE, lowrank_decomposition_reconstruct_f32(d, out, SIZE_MAX / 2));
  EXPECT(OK, lowrank_decomposition_destroy(NULL));
  EXPECT(BAD_HANDLE, lowrank_plan_destroy((lowrank_plan *)d));
  EXPECT(OK, lowrank_decomposition_destroy(d));
  info.struct_size = sizeof info;
  EXPECT(BAD_HANDLE, lowrank_decomposition_get_info(d, &info));
}

lowrank_geometry square(int64_t extent) {
  return (lowrank_geometry){.struct_size = sizeof(lowrank_geometry), .axes = 2, .input = {extent, extent}};
}

static void geometry_arguments(lowrank_plan **p) {
  float *k = memory_buffer(0);
  const int64_t shape[4] = {6, 5, 3, 3};
#define TRY(STATUS, MEMBER, VALUE)                                                                   \
  do {                                                                                               \
    lowrank_geometry g = square(9);                                                                  \
    g.MEMBER = VALUE;                                                                                \
    EXPECT(STATUS, lowrank_plan_create_f32(&g, k, 270, shape, 4, NULL, 0, NULL, p));                 \
  } while (0)
  TRY(INVALID_ARGUMENT, struct_size, 3);
  TRY(BAD_GEOMETRY, axes, 1);
  TRY(INVALID_ARGUMENT, axes, -1);
  TRY(INVALID_ARGUMENT, axes, 7);
  TRY(BAD_GEOMETRY, groups, 4);
  TRY(INVALID_ARGUMENT, groups, -1);
  TRY(INVALID_ARGUMENT, batch, INT64_MAX);
  TRY(INVALID_ARGUMENT, batch, -1);
  TRY(INVALID_ARGUMENT, input[1], 0);
  TRY(BAD_GEOMETRY, input[1], 2);
  TRY(INVALID_ARGUMENT, input[0], INT64_MIN);
  TRY(TOO_LARGE, input[0], (1 << 20) + 1);
  TRY(INVALID_ARGUMENT, stride[0], -1);
  TRY(INVALID_ARGUMENT, stride[1], INT64_MAX);
  TRY(BAD_GEOMETRY, dilation[0], 5);
  TRY(INVALID_ARGUMENT, dilation[0], INT64_MIN);
  TRY(INVALID_ARGUMENT, padding_before[0], -1);
  TRY(TOO_LARGE, padding_after[0], 1 << 24);
  TRY(INVALID_ARGUMENT, padding_after[0], INT64_MAX);
#undef TRY
  lowrank_geometry wide = square(1 << 20);
  EXPECT(TOO_LARGE, lowrank_plan_create_f32(&wide, k, 270, shape, 4, NULL, 0, NULL, p));
  EXPECT(NULL_ARGUMENT, lowrank_plan_create_f32(NULL, k, 270, shape, 4, NULL, 0, NULL, p));
}

static void plan_arguments(void) {
  float *k = memory_buffer(0), *x = memory_buffer(2), *y = memory_buffer(3);
  unsigned char *work = memory_buffer(4);
  const int64_t shape[4] = {6, 5, 3, 3}, ranks[2] = {3, 2};
  lowrank_geometry g = square(9);
  lowrank_plan *p = NULL;
  geometry_arguments(&p);
  lowrank_plan_options o = {.struct_size = sizeof o, .threads = 65};
  EXPECT(INVALID_ARGUMENT, lowrank_plan_create_f32(&g, k, 270, shape, 4, NULL, 0, &o, &p));
  o = (lowrank_plan_options){.struct_size = sizeof o, .activation = LOWRANK_CLIP, .clip_low = 1};
  EXPECT(INVALID_ARGUMENT, lowrank_plan_create_f32(&g, k, 270, shape, 4, NULL, 0, &o, &p));
  EXPECT(SIZE_MISMATCH, lowrank_plan_create_f32(&g, k, 270, shape, 4, k, 5, NULL, &p));
  EXPECT(NULL_ARGUMENT, lowrank_plan_create_f32(&g, k, 270, shape, 4, NULL, 6, NULL, &p));
  EXPECT(BAD_HANDLE, lowrank_plan_create_factored_f32(&g, NULL, NULL, 0, NULL, &p));
  const float *weights[3] = {k, k, k};
  size_t counts[3] = {10, 54, 18};
#define STAGES(STATUS, R, RC, W, C, SC) \
  EXPECT(STATUS, lowrank_plan_create_stages_f32(&g, shape, 4, LOWRANK_TUCKER2, R, RC, W, C, SC, NULL, 0, NULL, &p))
  STAGES(OK, ranks, 2, weights, counts, 3);
  EXPECT(OK, lowrank_plan_destroy(p));
  STAGES(NULL_ARGUMENT, ranks, 2, NULL, counts, 3);
  STAGES(NULL_ARGUMENT, ranks, 2, weights, NULL, 3);
  STAGES(SIZE_MISMATCH, ranks, 2, weights, counts, 2);
  counts[1] = 53;
  STAGES(SIZE_MISMATCH, ranks, 2, weights, counts, 3);
  counts[1] = SIZE_MAX;
  STAGES(TOO_LARGE, ranks, 2, weights, counts, 3);
  const int64_t many[2] = {INT32_MAX, INT32_MAX};
  STAGES(TOO_LARGE, many, 2, weights, counts, 3);
#undef STAGES
  EXPECT(OK, lowrank_plan_create_f32(&g, k, 270, shape, 4, k, 6, NULL, &p));
  lowrank_plan_info info = {.struct_size = sizeof info};
  EXPECT(OK, lowrank_plan_get_info(p, &info));
  const size_t in = info.input_count, out = info.output_count, bytes = info.workspace_bytes;
#define RUN(STATUS, P, X, IN, Y, OUT, W, BYTES) EXPECT(STATUS, lowrank_plan_run_f32(P, X, IN, Y, OUT, W, BYTES))
  RUN(OK, p, x, in, y, out, work, bytes);
  RUN(OK, p, x, in, y, out, work + 13, bytes);
  RUN(BAD_HANDLE, NULL, x, in, y, out, work, bytes);
  RUN(NULL_ARGUMENT, p, NULL, in, y, out, work, bytes);
  RUN(NULL_ARGUMENT, p, x, in, NULL, out, work, bytes);
  RUN(NULL_ARGUMENT, p, x, in, y, out, NULL, bytes);
  RUN(MISALIGNED, p, ODD(x), in, y, out, work, bytes);
  RUN(MISALIGNED, p, x, in, ODD(y), out, work, bytes);
  RUN(SIZE_MISMATCH, p, x, in - 1, y, out, work, bytes);
  RUN(SIZE_MISMATCH, p, x, in, y, out + 1, work, bytes);
  RUN(SIZE_MISMATCH, p, x, in, y, out, work, bytes - 1);
  RUN(TOO_LARGE, p, x, SIZE_MAX, y, out, work, bytes);
  RUN(TOO_LARGE, p, x, in, y, out, work, SIZE_MAX);
  RUN(OVERLAP, p, x, in, x, out, work, bytes);
  RUN(OVERLAP, p, x, in, x + in - 1, out, work, bytes);
  RUN(OVERLAP, p, x, in, y, out, x, bytes);
  RUN(OVERLAP, p, x, in, y, out, (char *)y + out, bytes);
#undef RUN
  EXPECT(INVALID_ARGUMENT, lowrank_plan_run_f64(p, (double *)x, in, (double *)y, out, work, bytes));
  EXPECT(OK, lowrank_plan_destroy(p));
  EXPECT(BAD_HANDLE, lowrank_plan_run_f32(p, x, in, y, out, work, bytes));
}

static void model_arguments(void) {
  lowrank_report *r = NULL;
  char text[16];
  size_t length = 0;
  EXPECT(NULL_ARGUMENT, lowrank_model_inspect(NULL, NULL, &r));
  EXPECT(NULL_ARGUMENT, lowrank_model_inspect(sound_model(), NULL, NULL));
  EXPECT(BAD_FILE, lowrank_model_inspect("none/none", NULL, &r));
  EXPECT(INVALID_ARGUMENT, lowrank_model_inspect("\xff", NULL, &r));
  EXPECT(BAD_FILE, lowrank_model_compress(sound_model(), "none/x.onnx", NULL, &r));
  EXPECT(NULL_ARGUMENT, lowrank_model_compress(sound_model(), NULL, NULL, &r));
  EXPECT(OK, lowrank_model_compress(sound_model(), "own.onnx", NULL, &r));
  EXPECT(OK, lowrank_report_destroy(r));
  EXPECT(INVALID_ARGUMENT, lowrank_model_compress("own.onnx", "./own.onnx", NULL, &r));
  lowrank_model_options o = {.struct_size = sizeof o, .layers = "("};
  EXPECT(INVALID_ARGUMENT, lowrank_model_inspect(sound_model(), &o, &r));
  o = (lowrank_model_options){.struct_size = sizeof o, .criterion = LOWRANK_ENERGY, .criterion_value = NAN};
  EXPECT(INVALID_ARGUMENT, lowrank_model_inspect(sound_model(), &o, &r));
  o = (lowrank_model_options){.struct_size = sizeof o, .input_shape_count = 1};
  EXPECT(NULL_ARGUMENT, lowrank_model_inspect(sound_model(), &o, &r));
  o = (lowrank_model_options){.struct_size = sizeof o, .criterion = LOWRANK_LATENCY, .criterion_value = 1.5};
  EXPECT(INVALID_ARGUMENT, lowrank_model_compress(sound_model(), "own.onnx", &o, &r));
  o = (lowrank_model_options){.struct_size = sizeof o, .criterion = LOWRANK_MILLISECONDS, .criterion_value = NAN};
  EXPECT(INVALID_ARGUMENT, lowrank_model_compress(sound_model(), "own.onnx", &o, &r));
  o = (lowrank_model_options){.struct_size = sizeof o, .min_agreement = 2};
  EXPECT(INVALID_ARGUMENT, lowrank_model_compress(sound_model(), "own.onnx", &o, &r));
  float pixels[2 * 8 * 9 * 7];
  for (size_t i = 0; i < sizeof pixels / sizeof *pixels; ++i) pixels[i] = (float)(i % 37) - 18;
  lowrank_array samples = {.struct_size = sizeof samples, .type = LOWRANK_FLOAT32, .order = 4, .shape = {2, 8, 9, 7},
                           .elements = pixels, .count = sizeof pixels / sizeof *pixels};
  o = (lowrank_model_options){.struct_size = sizeof o, .samples = &samples};
  EXPECT(INVALID_ARGUMENT, lowrank_model_compress(sound_model(), "own.onnx", &o, &r));
  o.criterion = LOWRANK_MULTIPLIES;
  o.criterion_value = 0.5;
  EXPECT(OK, lowrank_model_compress(sound_model(), "own.onnx", &o, &r));
  EXPECT(OK, lowrank_report_destroy(r));
  samples.shape[0] = 3;
  EXPECT(SIZE_MISMATCH, lowrank_model_compress(sound_model(), "own.onnx", &o, &r));
  samples.shape[0] = 0;
  EXPECT(INVALID_ARGUMENT, lowrank_model_compress(sound_model(), "own.onnx", &o, &r));
  EXPECT(OK, lowrank_model_inspect(sound_model(), NULL, &r));
  EXPECT(OK, lowrank_report_copy(r, NULL, 0, &length));
  EXPECT(SIZE_MISMATCH, lowrank_report_copy(r, text, sizeof text, &length));
  EXPECT(NULL_ARGUMENT, lowrank_report_copy(r, NULL, 16, &length));
  EXPECT(OVERLAP, lowrank_report_copy(r, (char *)&length, sizeof length, &length));
  char *whole = memory_buffer(5);
  EXPECT(OK, lowrank_report_copy(r, whole, length + 1, NULL));
  if (strlen(whole) != length || whole[0] != '{') EXPECT(INTERNAL, LOWRANK_OK);
  EXPECT(OK, lowrank_report_destroy(r));
  EXPECT(BAD_HANDLE, lowrank_report_copy(r, NULL, 0, &length));
  EXPECT(NULL_ARGUMENT, lowrank_system(NULL));
}

void directed_tests(void) {
  decompose_arguments();
  decomposition_arguments();
  plan_arguments();
  chain_tests();
  model_arguments();
  memory_check("a directed test");
  printf("  %d single wrong arguments, %d answered wrongly; %zu handles left\n", tests, failures,
         lowrank_handle_count());
  if (failures > 0 || lowrank_handle_count() > 0) exit(1);
}
