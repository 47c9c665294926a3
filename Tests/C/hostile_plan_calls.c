#include "hostile.h"

static const void *some_geometry(lowrank_geometry *geometry, int32_t order) {
  *geometry = (lowrank_geometry){.struct_size = sizeof *geometry,
                                 .axes = some_int(order - 2),
                                 .groups = some_int((int32_t)chance(2)),
                                 .batch = some_integer(chance(3))};
  for (int axis = 0; axis < LOWRANK_MAX_AXES; ++axis) {
    geometry->input[axis] = some_integer(3 + chance(6));
    geometry->stride[axis] = some_integer(chance(3));
    geometry->dilation[axis] = some_integer(chance(3));
    geometry->padding_before[axis] = some_integer(chance(3));
    geometry->padding_after[axis] = some_integer(chance(3));
  }
  return some_structure(geometry, sizeof *geometry);
}

static const void *some_plan_options(lowrank_plan_options *options) {
  if (chance(2)) return NULL;
  *options = (lowrank_plan_options){.struct_size = sizeof *options,
                                    .backend = (lowrank_backend)some_int((int32_t)chance(2)),
                                    .winograd = (lowrank_winograd)some_int((int32_t)chance(5)),
                                    .activation = (lowrank_activation)some_int((int32_t)chance(3)),
                                    .threads = some_int((int32_t)chance(4)),
                                    .clip_low = some_double(-1),
                                    .clip_high = some_double(1)};
  return some_structure(options, sizeof *options);
}

/* Most often a plan of the right precision, which handle_keep has put into that half of the pool. */
static void *some_plan(int half) {
  void *plan = some_handle(PLAN);
  return chance(8) ? handle_of_half(PLAN, half) : plan;
}

static void keep(const char *function, lowrank_status status, void **result, int half) {
  judge(function, status, result);
  if (status != LOWRANK_OK) return;
  /* Only plans that the buffers have room for: lowrank_plan_run_* believes counts that are right. */
  lowrank_plan_info info = {.struct_size = sizeof info};
  const size_t room = ROOM_BYTES - 128;
  if (lowrank_plan_get_info(*result, &info) == LOWRANK_OK && info.input_count * 8 <= room &&
      info.output_count * 8 <= room && info.workspace_bytes <= room)
    handle_keep(PLAN, *result, half);
  else
    lowrank_plan_destroy(*result);
}

#define PLANS(SUFFIX, TYPE)                                                                                       \
  static void create_##SUFFIX(void) {                                                                             \
    int64_t shape[16];                                                                                            \
    size_t count;                                                                                                 \
    const int32_t order = some_shape(shape, &count);                                                              \
    const bool biased = chance(2);                                                                                \
    lowrank_geometry geometry;                                                                                    \
    lowrank_plan_options options;                                                                                 \
    void *result = UNTOUCHED;                                                                                     \
    keep("lowrank_plan_create_" #SUFFIX,                                                                          \
         lowrank_plan_create_##SUFFIX(                                                                            \
             some_geometry(&geometry, order), some_buffer(0), some_count(count, ROOM_BYTES / sizeof(TYPE) - 8),   \
             some_pointer(shape), some_int(order), biased ? some_buffer(1) : NULL,                                \
             some_count(biased ? (size_t)shape[0] : 0, ROOM_BYTES / sizeof(TYPE) - 8),                            \
             some_plan_options(&options), some_pointer(&result)),                                                 \
         &result, sizeof(TYPE) == 8);                                                                             \
  }                                                                                                               \
  static void create_factored_##SUFFIX(void) {                                                                    \
    void *decomposition = some_handle(DECOMPOSITION);                                                             \
    lowrank_decomposition_info info = {.struct_size = sizeof info, .kernel_order = 4};                            \
    lowrank_decomposition_get_info(decomposition, &info);                                                         \
    const bool biased = chance(2);                                                                                \
    lowrank_geometry geometry;                                                                                    \
    lowrank_plan_options options;                                                                                 \
    void *result = UNTOUCHED;                                                                                     \
    keep("lowrank_plan_create_factored_" #SUFFIX,                                                                 \
         lowrank_plan_create_factored_##SUFFIX(                                                                   \
             some_geometry(&geometry, info.kernel_order), decomposition, biased ? some_buffer(1) : NULL,          \
             some_count(biased ? (size_t)info.kernel_shape[0] : 0, ROOM_BYTES / sizeof(TYPE) - 8),                \
             some_plan_options(&options), some_pointer(&result)),                                                 \
         &result, sizeof(TYPE) == 8);                                                                             \
  }                                                                                                               \
  static void create_stages_##SUFFIX(void) {                                                                      \
    int64_t shape[16], ranks[4] = {some_integer(1 + chance(4)), some_integer(1 + chance(4)), 1, 1};               \
    size_t count, counts[8];                                                                                      \
    const int32_t order = some_shape(shape, &count);                                                              \
    const int64_t r = ranks[0], taps = order > 2 ? shape[2] * (order > 3 ? shape[3] : 1) : 1;                     \
    const size_t right[4][4] = {{count},                                                                          \
                                {(size_t)(shape[1] * ranks[1]), (size_t)(r * ranks[1] * taps), (size_t)(shape[0] * r)}, \
                                {(size_t)(shape[1] * r), (size_t)(shape[0] * r)},                                 \
                                {(size_t)(shape[1] * r), (size_t)(r * taps), (size_t)(shape[0] * r)}};            \
    const int32_t methods[4] = {LOWRANK_DENSE, LOWRANK_TUCKER2, LOWRANK_SVD, LOWRANK_CP3};                        \
    const int32_t which = (int32_t)chance(4), stages[4] = {1, 3, 2, 3}, rank_counts[4] = {0, 2, 1, 1};            \
    const TYPE *weights[8];                                                                                       \
    for (int i = 0; i < 8; ++i) {                                                                                 \
      weights[i] = some_buffer(0);                                                                                \
      counts[i] = some_count(i < 4 ? right[which][i] : 1, ROOM_BYTES / sizeof(TYPE) - 8);                         \
    }                                                                                                             \
    const bool biased = chance(2);                                                                                \
    lowrank_geometry geometry;                                                                                    \
    lowrank_plan_options options;                                                                                 \
    void *result = UNTOUCHED;                                                                                     \
    keep("lowrank_plan_create_stages_" #SUFFIX,                                                                   \
         lowrank_plan_create_stages_##SUFFIX(                                                                     \
             some_geometry(&geometry, order), some_pointer(shape), some_int(order),                               \
             (lowrank_method)some_int(methods[which]), some_pointer(ranks), some_int(rank_counts[which]),         \
             some_pointer(weights), some_pointer(counts), some_int(stages[which]),                                \
             biased ? some_buffer(1) : NULL,                                                                      \
             some_count(biased ? (size_t)shape[0] : 0, ROOM_BYTES / sizeof(TYPE) - 8),                            \
             some_plan_options(&options), some_pointer(&result)),                                                 \
         &result, sizeof(TYPE) == 8);                                                                             \
  }                                                                                                               \
  static void run_##SUFFIX(void) {                                                                                \
    void *plan = some_plan(sizeof(TYPE) == 8);                                                                    \
    lowrank_plan_info info = {.struct_size = sizeof info, .input_count = 9, .output_count = 9, .workspace_bytes = 99}; \
    lowrank_plan_get_info(plan, &info);                                                                           \
    unsigned char *workspace = hostile() ? some_buffer(4) : memory_buffer(4);                                     \
    judge("lowrank_plan_run_" #SUFFIX,                                                                            \
          lowrank_plan_run_##SUFFIX(plan, some_buffer(2), some_count(info.input_count, ROOM_BYTES),               \
                                    some_buffer(3), some_count(info.output_count, ROOM_BYTES),                    \
                                    workspace ? workspace + chance(64) : NULL,                                    \
                                    some_count(info.workspace_bytes, ROOM_BYTES)),                                \
          NULL);                                                                                                  \
  }
PLANS(f32, float)
PLANS(f64, double)

static void get_info(void) {
  lowrank_plan_info info = {.struct_size = sizeof info};
  judge("lowrank_plan_get_info", lowrank_plan_get_info(some_handle(PLAN), some_structure(&info, sizeof info)), NULL);
}

const struct call plan_calls[] = {
    {"lowrank_plan_create_f32", create_f32},
    {"lowrank_plan_create_f64", create_f64},
    {"lowrank_plan_create_factored_f32", create_factored_f32},
    {"lowrank_plan_create_factored_f64", create_factored_f64},
    {"lowrank_plan_create_stages_f32", create_stages_f32},
    {"lowrank_plan_create_stages_f64", create_stages_f64},
    {"lowrank_plan_get_info", get_info},
    {"lowrank_plan_run_f32", run_f32},
    {"lowrank_plan_run_f64", run_f64},
};
const size_t plan_call_count = sizeof plan_calls / sizeof *plan_calls;
