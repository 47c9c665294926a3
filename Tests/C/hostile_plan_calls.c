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

/* Slopes of PReLU, as many as small kernels have output channels. */
static const double slopes[16] = {0.5, -0.5, 0.25, 2, 0, 1, 0.125, -1, 0.5, -0.5, 0.25, 2, 0, 1, 0.125, -1};

static const double *some_slopes(void) { return some_pointer((void *)slopes); }

static size_t some_slope_count(int64_t channels) {
  return some_count((size_t)channels, sizeof slopes / sizeof *slopes);
}

/* `activations` is the number of those that may be chosen; a chain's options have but the first. */
static const void *some_plan_options(lowrank_plan_options *options, int64_t channels, uint32_t activations) {
  if (chance(2)) return NULL;
  *options = (lowrank_plan_options){.struct_size = sizeof *options,
                                    .backend = (lowrank_backend)some_int((int32_t)chance(2)),
                                    .winograd = (lowrank_winograd)some_int((int32_t)chance(5)),
                                    .activation = (lowrank_activation)some_int((int32_t)chance(activations)),
                                    .threads = some_int((int32_t)chance(4)),
                                    .clip_low = some_double(-1),
                                    .clip_high = some_double(1),
                                    .alpha = some_double(0.5),
                                    .beta = some_double(0.5),
                                    .slopes = some_slopes(),
                                    .slope_count = some_slope_count(channels),
                                    .input_layout = (lowrank_layout)some_int((int32_t)chance(2)),
                                    .output_layout = (lowrank_layout)some_int((int32_t)chance(2)),
                                    .input_stride = some_integer(chance(2) ? 0 : 100 + chance(400)),
                                    .input_image_stride = some_integer(0),
                                    .output_stride = some_integer(chance(2) ? 0 : 100 + chance(400)),
                                    .output_image_stride = some_integer(chance(4) ? 0 : 8000)};
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
  if (lowrank_plan_get_info(*result, &info) == LOWRANK_OK && info.input_count <= room / 8 &&
      info.output_count <= room / 8 && info.workspace_bytes <= room)
    handle_keep(PLAN, *result, half);
  else
    lowrank_plan_destroy(*result);
}

/* A chain's stages: each reads as many channels as the one before writes, all over `axes` axes. */
static int32_t some_stages(lowrank_stage *stages, int32_t axes, size_t room) {
  const int32_t count = 1 + (int32_t)chance(3);
  int64_t channels = 1 + chance(5);
  for (int32_t i = 0; i < count; ++i) {
    const bool depthwise = chance(3) == 0;
    const int64_t outputs = depthwise ? channels : 1 + chance(7);
    lowrank_stage *stage = &stages[i];
    *stage = (lowrank_stage){.struct_size = sizeof *stage,
                             .order = some_int(axes + 2),
                             .groups = some_int(depthwise ? (int32_t)channels : (int32_t)chance(2)),
                             .shape = {some_integer(outputs), some_integer(depthwise ? 1 : channels)},
                             .weights = some_buffer(0),
                             .activation = (lowrank_activation)some_int((int32_t)chance(13)),
                             .reserved = some_int(0),
                             .clip_low = some_double(-1),
                             .clip_high = some_double(1),
                             .alpha = some_double(0.5),
                             .beta = some_double(0.5),
                             .slopes = some_slopes(),
                             .slope_count = some_slope_count(outputs)};
    size_t weights = (size_t)(outputs * (depthwise ? 1 : channels));
    for (int axis = 0; axis < axes && axis < LOWRANK_MAX_AXES; ++axis) {
      const int64_t extent = 1 + chance(3);
      stage->shape[axis + 2] = some_integer(extent);
      stage->stride[axis] = some_integer(chance(3));
      stage->dilation[axis] = some_integer(chance(3));
      stage->padding_before[axis] = some_integer(chance(3));
      stage->padding_after[axis] = some_integer(1 + chance(2));
      weights *= (size_t)extent;
    }
    stage->weight_count = some_count(weights, room);
    if (chance(2)) {
      stage->bias = some_buffer(1);
      stage->bias_count = some_count((size_t)outputs, room);
    }
    channels = outputs;
  }
  return count;
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
             some_plan_options(&options, shape[0], 13), some_pointer(&result)),                                   \
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
             some_plan_options(&options, info.kernel_shape[0], 13), some_pointer(&result)),                       \
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
             some_plan_options(&options, shape[0], 13), some_pointer(&result)),                                   \
         &result, sizeof(TYPE) == 8);                                                                             \
  }                                                                                                               \
  static void create_chain_##SUFFIX(void) {                                                                       \
    lowrank_stage stages[3];                                                                                      \
    const lowrank_stage *pointers[3];                                                                             \
    const int32_t axes = (int32_t)chance(4);                                                                      \
    int64_t extents[LOWRANK_MAX_AXES] = {0};                                                                      \
    for (int32_t axis = 0; axis < axes; ++axis) extents[axis] = some_integer(3 + chance(6));                      \
    const int32_t count = some_stages(stages, axes, ROOM_BYTES / sizeof(TYPE) - 8);                               \
    const int64_t channels = stages[count - 1].shape[0];                                                          \
    for (int i = 0; i < 3; ++i) pointers[i] = i < count ? some_structure(&stages[i], sizeof *stages) : NULL;      \
    lowrank_plan_options options;                                                                                 \
    void *result = UNTOUCHED;                                                                                     \
    keep("lowrank_plan_create_chain_" #SUFFIX,                                                                    \
         lowrank_plan_create_chain_##SUFFIX(some_pointer(pointers), count, some_integer(chance(3)),               \
                                            some_pointer(extents), some_int(axes),                                \
                                            some_plan_options(&options, channels, 1), some_pointer(&result)),     \
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
    {"lowrank_plan_create_chain_f32", create_chain_f32},
    {"lowrank_plan_create_chain_f64", create_chain_f64},
    {"lowrank_plan_get_info", get_info},
    {"lowrank_plan_run_f32", run_f32},
    {"lowrank_plan_run_f64", run_f64},
};
const size_t plan_call_count = sizeof plan_calls / sizeof *plan_calls;
