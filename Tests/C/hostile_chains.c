#include "hostile.h"

#include <math.h>

static void layout_arguments(void) {
  float *k = memory_buffer(0);
  const int64_t shape[4] = {6, 5, 3, 3};
  const lowrank_geometry g = square(9);
  lowrank_plan *p = NULL;
#define TRY(STATUS, ...)                                                              \
  do {                                                                                \
    p = NULL;                                                                         \
    const lowrank_plan_options o = {.struct_size = sizeof o, __VA_ARGS__};            \
    EXPECT(STATUS, lowrank_plan_create_f32(&g, k, 270, shape, 4, NULL, 0, &o, &p));   \
    EXPECT(OK, lowrank_plan_destroy(p));                                              \
  } while (0)
  TRY(OK, .input_layout = LOWRANK_CHANNEL_LAST, .output_layout = LOWRANK_CHANNEL_LAST);
  TRY(INVALID_ARGUMENT, .input_layout = (lowrank_layout)2);
  TRY(INVALID_ARGUMENT, .output_layout = (lowrank_layout)-1);
  TRY(OK, .input_stride = 81);
  TRY(BAD_GEOMETRY, .input_stride = 80);
  TRY(BAD_GEOMETRY, .input_layout = LOWRANK_CHANNEL_LAST, .input_stride = 4);
  TRY(INVALID_ARGUMENT, .input_stride = -1);
  TRY(INVALID_ARGUMENT, .input_stride = INT64_MAX);
  TRY(INVALID_ARGUMENT, .input_stride = INT64_MIN);
  TRY(BAD_GEOMETRY, .input_image_stride = 404);
  TRY(INVALID_ARGUMENT, .input_image_stride = -1);
  TRY(OK, .output_stride = INT32_MAX);
  TRY(BAD_GEOMETRY, .output_stride = 48);
  TRY(INVALID_ARGUMENT, .output_stride = (int64_t)INT32_MAX + 1);
  TRY(OK, .output_image_stride = (int64_t)1 << 46);
  TRY(INVALID_ARGUMENT, .output_image_stride = INT64_MAX);
  const double slopes[6] = {0}, wrong[6] = {0, 0, 0, 0, 0, NAN};
  TRY(OK, .activation = LOWRANK_PRELU, .slopes = slopes, .slope_count = 6);
  TRY(NULL_ARGUMENT, .activation = LOWRANK_PRELU, .slope_count = 6);
  TRY(MISALIGNED, .activation = LOWRANK_PRELU, .slopes = ODD(slopes), .slope_count = 6);
  TRY(SIZE_MISMATCH, .activation = LOWRANK_PRELU, .slopes = slopes, .slope_count = 5);
  TRY(SIZE_MISMATCH, .activation = LOWRANK_PRELU, .slopes = slopes);
  TRY(TOO_LARGE, .activation = LOWRANK_PRELU, .slopes = slopes, .slope_count = SIZE_MAX);
  TRY(INVALID_ARGUMENT, .activation = LOWRANK_PRELU, .slopes = wrong, .slope_count = 6);
  TRY(INVALID_ARGUMENT, .activation = LOWRANK_LEAKY_RELU, .alpha = NAN);
  TRY(INVALID_ARGUMENT, .activation = LOWRANK_ELU, .alpha = INFINITY);
  TRY(INVALID_ARGUMENT, .activation = LOWRANK_HARD_SIGMOID, .beta = -INFINITY);
  TRY(OK, .activation = LOWRANK_ELU, .beta = NAN);
  TRY(INVALID_ARGUMENT, .activation = (lowrank_activation)13);
  TRY(INVALID_ARGUMENT, .activation = (lowrank_activation)-1);
#undef TRY
}

/* Two stages, 5 to 6 and 6 to 6 channels, the second depthwise. */
static void chain_arguments(void) {
  float *k = memory_buffer(0);
  const int64_t extents[2] = {9, 9};
  lowrank_plan *p = NULL;
  const lowrank_stage sound[2] = {
      {.struct_size = sizeof *sound, .order = 4, .shape = {6, 5, 3, 3}, .weights = k, .weight_count = 270},
      {.struct_size = sizeof *sound, .order = 4, .groups = 6, .shape = {6, 1, 3, 3}, .weights = k, .weight_count = 54}};
#define TRY(STATUS, INDEX, MEMBER, VALUE)                                                    \
  do {                                                                                       \
    lowrank_stage stages[2] = {sound[0], sound[1]};                                          \
    const lowrank_stage *const pointers[2] = {&stages[0], &stages[1]};                       \
    stages[INDEX].MEMBER = VALUE;                                                            \
    p = NULL;                                                                                \
    EXPECT(STATUS, lowrank_plan_create_chain_f32(pointers, 2, 1, extents, 2, NULL, &p));     \
    EXPECT(OK, lowrank_plan_destroy(p));                                                     \
  } while (0)
  TRY(OK, 0, groups, 1);
  TRY(INVALID_ARGUMENT, 1, struct_size, 95);
  TRY(INVALID_ARGUMENT, 0, order, 1);
  TRY(INVALID_ARGUMENT, 0, order, 9);
  TRY(BAD_GEOMETRY, 1, order, 3);
  TRY(BAD_GEOMETRY, 0, groups, 4);
  TRY(OK, 0, groups, 3);
  TRY(INVALID_ARGUMENT, 0, groups, -1);
  TRY(BAD_GEOMETRY, 1, groups, 3);
  TRY(INVALID_ARGUMENT, 0, shape[1], 0);
  TRY(INVALID_ARGUMENT, 0, shape[3], INT64_MIN);
  TRY(SIZE_MISMATCH, 0, shape[2], 4);
  TRY(TOO_LARGE, 0, shape[0], INT32_MAX);
  TRY(NULL_ARGUMENT, 0, weights, NULL);
  TRY(MISALIGNED, 0, weights, ODD(k));
  TRY(SIZE_MISMATCH, 1, weight_count, 53);
  TRY(TOO_LARGE, 1, weight_count, SIZE_MAX);
  TRY(NULL_ARGUMENT, 0, bias_count, 6);
  TRY(SIZE_MISMATCH, 0, bias, k);
  TRY(INVALID_ARGUMENT, 0, stride[0], -1);
  TRY(INVALID_ARGUMENT, 1, dilation[1], INT64_MAX);
  TRY(BAD_GEOMETRY, 1, dilation[1], 4);
  TRY(INVALID_ARGUMENT, 0, padding_before[0], -1);
  TRY(TOO_LARGE, 1, padding_after[0], 1 << 24);
  TRY(INVALID_ARGUMENT, 0, activation, (lowrank_activation)13);
  TRY(NULL_ARGUMENT, 0, activation, LOWRANK_PRELU);
  TRY(INVALID_ARGUMENT, 1, reserved, 1);
#undef TRY
  const lowrank_stage *pointers[65] = {&sound[0], &sound[1]};
#define TRY(STATUS, STAGES, COUNT, BATCH, EXTENTS, AXES, OPTIONS, P) \
  EXPECT(STATUS, lowrank_plan_create_chain_f32(STAGES, COUNT, BATCH, EXTENTS, AXES, OPTIONS, P))
  TRY(NULL_ARGUMENT, NULL, 2, 1, extents, 2, NULL, &p);
  TRY(MISALIGNED, ODD(pointers), 2, 1, extents, 2, NULL, &p);
  TRY(NULL_ARGUMENT, pointers, 3, 1, extents, 2, NULL, &p);
  TRY(INVALID_ARGUMENT, pointers, 0, 1, extents, 2, NULL, &p);
  TRY(INVALID_ARGUMENT, pointers, 65, 1, extents, 2, NULL, &p);
  TRY(INVALID_ARGUMENT, pointers, INT32_MIN, 1, extents, 2, NULL, &p);
  TRY(INVALID_ARGUMENT, pointers, 2, -1, extents, 2, NULL, &p);
  TRY(INVALID_ARGUMENT, pointers, 2, INT64_MAX, extents, 2, NULL, &p);
  TRY(NULL_ARGUMENT, pointers, 2, 1, NULL, 2, NULL, &p);
  TRY(MISALIGNED, pointers, 2, 1, ODD(extents), 2, NULL, &p);
  TRY(INVALID_ARGUMENT, pointers, 2, 1, extents, 7, NULL, &p);
  TRY(INVALID_ARGUMENT, pointers, 2, 1, extents, -1, NULL, &p);
  TRY(BAD_GEOMETRY, pointers, 2, 1, extents, 1, NULL, &p);
  TRY(NULL_ARGUMENT, pointers, 2, 1, extents, 2, NULL, NULL);
  const int64_t small[2] = {9, 4}, none[2] = {9, 0}, high[2] = {(1 << 20) + 1, 9};
  TRY(BAD_GEOMETRY, pointers, 2, 1, small, 2, NULL, &p);
  TRY(INVALID_ARGUMENT, pointers, 2, 1, none, 2, NULL, &p);
  TRY(TOO_LARGE, pointers, 2, 1, high, 2, NULL, &p);
  const lowrank_plan_options o = {.struct_size = sizeof o, .activation = LOWRANK_RELU};
  TRY(INVALID_ARGUMENT, pointers, 2, 1, extents, 2, &o, &p);
  pointers[1] = &sound[0];
  TRY(BAD_GEOMETRY, pointers, 2, 1, extents, 2, NULL, &p);
  /* The most stages, each of 3 by 3 positions fewer rows and columns than it reads: too few for all of them. */
  for (int i = 1; i < 64; ++i) pointers[i] = &sound[1];
  TRY(BAD_GEOMETRY, pointers, 64, 1, extents, 2, NULL, &p);
  const int64_t wide[2] = {130, 130};
  TRY(OK, pointers, 64, 1, wide, 2, NULL, &p);
  EXPECT(OK, lowrank_plan_destroy(p));
#undef TRY
}

void chain_tests(void) {
  layout_arguments();
  chain_arguments();
}
