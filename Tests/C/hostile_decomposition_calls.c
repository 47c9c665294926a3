#include "hostile.h"

int32_t some_shape(int64_t shape[16], size_t *count) {
  const int32_t order = 2 + (int32_t)chance(4);
  *count = 1;
  for (int32_t axis = 0; axis < 16; ++axis) {
    shape[axis] = some_integer(1 + (int64_t)chance(axis < 2 ? 6 : 3));
    if (axis < order && __builtin_mul_overflow(*count, (size_t)shape[axis], count)) *count = SIZE_MAX - 5;
  }
  return order;
}

static const void *some_decompose_options(lowrank_decompose_options *options) {
  if (chance(2)) return NULL;
  *options = (lowrank_decompose_options){
      .struct_size = sizeof *options,
      .tucker2_algorithm = (lowrank_tucker2_algorithm)some_int((int32_t)chance(3)),
      .cp_iterations = some_int((int32_t)chance(5)),
      .cp_tolerance = some_double(1e-3),
      .cp_seed = (uint64_t)some_integer(3)};
  /* Iterations that are many but allowed are no attack, only slow. */
  if (options->cp_iterations > 1000 && options->cp_iterations <= 100000) options->cp_iterations = 100001;
  return some_structure(options, sizeof *options);
}

/* The elements of the largest kernel that is factored: large ones are no attack, only slow. */
enum { MOST = 600 };

#define DECOMPOSE(SUFFIX, TYPE)                                                                                   \
  static void decompose_##SUFFIX(void) {                                                                          \
    int64_t shape[16], ranks[4] = {some_integer(1 + chance(4)), some_integer(1 + chance(4)), 1, 1};               \
    size_t count;                                                                                                 \
    const int32_t order = some_shape(shape, &count);                                                              \
    const int32_t method = 1 + (int32_t)chance(8);                                                                \
    lowrank_decompose_options options;                                                                            \
    void *result = UNTOUCHED, **place = some_pointer(&result);                                                    \
    TYPE *kernel = some_buffer(0);                                                                                \
    const TYPE sound = kernel && (uintptr_t)kernel % sizeof(TYPE) == 0 ? kernel[0] : 0;                           \
    const bool spoil = hostile() && kernel && (uintptr_t)kernel % sizeof(TYPE) == 0;                              \
    if (spoil) kernel[0] = (TYPE)some_double(1);                                                                  \
    const lowrank_status status = lowrank_decompose_##SUFFIX(                                                     \
        (lowrank_method)some_int(method), kernel, some_count(count, MOST),                                        \
        some_pointer(shape), some_int(order), some_pointer(ranks), some_int(method == 1 ? 2 : 1),                 \
        some_decompose_options(&options), (lowrank_decomposition **)place);                                       \
    if (spoil) kernel[0] = sound;                                                                                 \
    judge("lowrank_decompose_" #SUFFIX, status, &result);                                                         \
    if (status == LOWRANK_OK) handle_keep(DECOMPOSITION, result, sizeof(TYPE) == 8);                                                 \
  }
DECOMPOSE(f32, float)
DECOMPOSE(f64, double)

static void get_info(void) {
  lowrank_decomposition_info info = {.struct_size = sizeof info};
  judge("lowrank_decomposition_get_info",
        lowrank_decomposition_get_info(some_handle(DECOMPOSITION), some_structure(&info, sizeof info)), NULL);
}

static void get_tensor(void) {
  lowrank_tensor_info info = {.struct_size = sizeof info};
  judge("lowrank_decomposition_get_tensor",
        lowrank_decomposition_get_tensor(some_handle(DECOMPOSITION), (lowrank_part)some_int((int32_t)chance(2)),
                                         some_int((int32_t)chance(4)), some_structure(&info, sizeof info)),
        NULL);
}

#define COPIES(SUFFIX, TYPE)                                                                                      \
  static void copy_##SUFFIX(void) {                                                                               \
    void *decomposition = some_handle(DECOMPOSITION);                                                             \
    const lowrank_part part = (lowrank_part)some_int((int32_t)chance(2));                                         \
    const int32_t index = some_int((int32_t)chance(3));                                                           \
    lowrank_tensor_info info = {.struct_size = sizeof info};                                                      \
    if (lowrank_decomposition_get_tensor(decomposition, part, index, &info) != LOWRANK_OK) info.count = 5;        \
    judge("lowrank_decomposition_copy_" #SUFFIX,                                                                  \
          lowrank_decomposition_copy_##SUFFIX(decomposition, part, index, some_buffer(1),                         \
                                              some_count((size_t)info.count, ROOM_BYTES / sizeof(TYPE) - 8)),     \
          NULL);                                                                                                  \
  }                                                                                                               \
  static void reconstruct_##SUFFIX(void) {                                                                        \
    void *decomposition = some_handle(DECOMPOSITION);                                                             \
    lowrank_decomposition_info info = {.struct_size = sizeof info};                                               \
    size_t count = 1;                                                                                             \
    if (lowrank_decomposition_get_info(decomposition, &info) == LOWRANK_OK)                                       \
      for (int32_t axis = 0; axis < info.kernel_order; ++axis) count *= (size_t)info.kernel_shape[axis];          \
    judge("lowrank_decomposition_reconstruct_" #SUFFIX,                                                           \
          lowrank_decomposition_reconstruct_##SUFFIX(decomposition, some_buffer(1),                               \
                                                     some_count(count, ROOM_BYTES / sizeof(TYPE) - 8)),           \
          NULL);                                                                                                  \
  }
COPIES(f32, float)
COPIES(f64, double)

const struct call decomposition_calls[] = {
    {"lowrank_decompose_f32", decompose_f32},
    {"lowrank_decompose_f64", decompose_f64},
    {"lowrank_decomposition_get_info", get_info},
    {"lowrank_decomposition_get_tensor", get_tensor},
    {"lowrank_decomposition_copy_f32", copy_f32},
    {"lowrank_decomposition_copy_f64", copy_f64},
    {"lowrank_decomposition_reconstruct_f32", reconstruct_f32},
    {"lowrank_decomposition_reconstruct_f64", reconstruct_f64},
};
const size_t decomposition_call_count = sizeof decomposition_calls / sizeof *decomposition_calls;
