#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every structure with every size: those of older and newer headers are understood, others refused, and nothing is
 * written behind a size. */

#define END(TYPE, MEMBER) (offsetof(TYPE, MEMBER) + sizeof(((TYPE *)0)->MEMBER))

enum { ROOM = 8192, LARGEST = 4096, RUBBISH = 0xA5 };

static lowrank_decomposition *decomposition;
static lowrank_plan *plan;
static const int64_t shape[4] = {6, 5, 3, 3}, ranks[2] = {3, 2};
static int failures, tests;

/* A structure of the header: what it holds, where its members end from the least size on, and a call with it. */
struct structure {
  const char *name;
  const void *sound;
  size_t size;
  lowrank_status (*call)(void *);
  size_t ends[16];
};

static lowrank_status call_decompose(void *options) {
  lowrank_decomposition *result = NULL;
  const lowrank_status status =
      lowrank_decompose_f32(LOWRANK_TUCKER2, memory_buffer(0), 270, shape, 4, ranks, 2, options, &result);
  lowrank_decomposition_destroy(result);
  return status;
}

static lowrank_status call_create(const lowrank_geometry *geometry, const lowrank_plan_options *options) {
  lowrank_plan *result = NULL;
  const lowrank_status status =
      lowrank_plan_create_f32(geometry, memory_buffer(0), 270, shape, 4, NULL, 0, options, &result);
  lowrank_plan_destroy(result);
  return status;
}

static const lowrank_geometry nine = {.struct_size = sizeof nine, .axes = 2, .input = {9, 9}};

static const float stage_weights[12];
static const lowrank_stage stage = {
    .struct_size = sizeof stage, .order = 2, .shape = {3, 4}, .weights = stage_weights, .weight_count = 12};

static lowrank_status call_chain(void *given) {
  const lowrank_stage *const stages[1] = {given};
  lowrank_plan *result = NULL;
  const lowrank_status status = lowrank_plan_create_chain_f32(stages, 1, 0, NULL, 0, NULL, &result);
  lowrank_plan_destroy(result);
  return status;
}

static lowrank_status call_geometry(void *geometry) { return call_create(geometry, NULL); }
static lowrank_status call_plan_options(void *options) { return call_create(&nine, options); }
static lowrank_status call_decomposition_info(void *info) {
  return lowrank_decomposition_get_info(decomposition, info);
}
static lowrank_status call_tensor_info(void *info) {
  return lowrank_decomposition_get_tensor(decomposition, LOWRANK_STAGE, 1, info);
}
static lowrank_status call_plan_info(void *info) { return lowrank_plan_get_info(plan, info); }
static lowrank_status call_system(void *info) { return lowrank_system(info); }
static lowrank_status call_model(void *options) {
  /* Options are looked at before the file, and a file that is there is slow. */
  lowrank_report *report = NULL;
  const lowrank_status status = lowrank_model_inspect("none/none", options, &report);
  return status == LOWRANK_BAD_FILE ? LOWRANK_OK : status;
}

static lowrank_network *network;
static lowrank_session *session;

static lowrank_status call_network_options(void *options) {
  lowrank_network *result = NULL;
  const lowrank_status status = lowrank_network_open(sound_model(), options, &result);
  lowrank_network_destroy(result);
  return status;
}
static lowrank_status call_network_info(void *info) { return lowrank_network_get_info(network, info); }
static lowrank_status call_value_info(void *info) {
  return lowrank_network_get_value(network, LOWRANK_INPUT, 0, info);
}
static lowrank_status call_array(void *output) {
  const lowrank_array input = {.struct_size = sizeof input,
                               .type = LOWRANK_FLOAT32,
                               .order = 4,
                               .shape = {1, 8, 9, 7},
                               .elements = memory_buffer(0),
                               .count = 504};
  const lowrank_array *const inputs[1] = {&input};
  lowrank_array *const outputs[1] = {output};
  return lowrank_session_run(session, inputs, 1, outputs, 1);
}

#define STRUCTURE(TYPE, SOUND, CALL, ...) {#TYPE, SOUND, sizeof(TYPE), CALL, {__VA_ARGS__}}
static const lowrank_system_info system_info;
static const lowrank_decompose_options decompose_options;
static const lowrank_decomposition_info decomposition_info;
static const lowrank_tensor_info tensor_info;
static const lowrank_plan_options plan_options;
static const lowrank_plan_info plan_info;
static const lowrank_model_options model_options;
static const lowrank_network_options network_options;
static const lowrank_network_info network_info;
static const lowrank_value_info value_info;
static const lowrank_array array;

static const struct structure structures[] = {
    STRUCTURE(lowrank_system_info, &system_info, call_system, END(lowrank_system_info, version),
              END(lowrank_system_info, architecture), END(lowrank_system_info, kernels),
              END(lowrank_system_info, blas_core), END(lowrank_system_info, blas),
              END(lowrank_system_info, blas_threads), END(lowrank_system_info, reserved)),
    STRUCTURE(lowrank_decompose_options, &decompose_options, call_decompose,
              END(lowrank_decompose_options, tucker2_algorithm), END(lowrank_decompose_options, cp_iterations),
              END(lowrank_decompose_options, cp_tolerance), END(lowrank_decompose_options, cp_seed)),
    STRUCTURE(lowrank_decomposition_info, &decomposition_info, call_decomposition_info,
              END(lowrank_decomposition_info, method), END(lowrank_decomposition_info, type),
              END(lowrank_decomposition_info, kernel_order), END(lowrank_decomposition_info, rank_count),
              END(lowrank_decomposition_info, kernel_shape), END(lowrank_decomposition_info, ranks),
              END(lowrank_decomposition_info, factor_count), END(lowrank_decomposition_info, stage_count),
              END(lowrank_decomposition_info, weight_count), END(lowrank_decomposition_info, relative_error),
              END(lowrank_decomposition_info, error_bound), END(lowrank_decomposition_info, sweeps),
              END(lowrank_decomposition_info, converged), END(lowrank_decomposition_info, sensitivity)),
    STRUCTURE(lowrank_tensor_info, &tensor_info, call_tensor_info, END(lowrank_tensor_info, name),
              END(lowrank_tensor_info, order), END(lowrank_tensor_info, groups), END(lowrank_tensor_info, shape),
              END(lowrank_tensor_info, count)),
    STRUCTURE(lowrank_geometry, &nine, call_geometry, END(lowrank_geometry, input), END(lowrank_geometry, stride),
              END(lowrank_geometry, dilation), END(lowrank_geometry, padding_before),
              END(lowrank_geometry, padding_after)),
    STRUCTURE(lowrank_plan_options, &plan_options, call_plan_options, END(lowrank_plan_options, backend),
              END(lowrank_plan_options, winograd), END(lowrank_plan_options, activation),
              END(lowrank_plan_options, threads), END(lowrank_plan_options, clip_low),
              END(lowrank_plan_options, clip_high), END(lowrank_plan_options, alpha),
              END(lowrank_plan_options, beta), END(lowrank_plan_options, slopes),
              END(lowrank_plan_options, slope_count), END(lowrank_plan_options, input_layout),
              END(lowrank_plan_options, output_layout), END(lowrank_plan_options, input_stride),
              END(lowrank_plan_options, input_image_stride), END(lowrank_plan_options, output_stride),
              END(lowrank_plan_options, output_image_stride)),
    STRUCTURE(lowrank_stage, &stage, call_chain, END(lowrank_stage, weight_count), END(lowrank_stage, bias),
              END(lowrank_stage, bias_count), END(lowrank_stage, stride), END(lowrank_stage, dilation),
              END(lowrank_stage, padding_before), END(lowrank_stage, padding_after), END(lowrank_stage, activation),
              END(lowrank_stage, reserved), END(lowrank_stage, clip_low), END(lowrank_stage, clip_high),
              END(lowrank_stage, alpha), END(lowrank_stage, beta), END(lowrank_stage, slopes),
              END(lowrank_stage, slope_count)),
    STRUCTURE(lowrank_plan_info, &plan_info, call_plan_info, END(lowrank_plan_info, type),
              END(lowrank_plan_info, order), END(lowrank_plan_info, input_shape),
              END(lowrank_plan_info, output_shape), END(lowrank_plan_info, input_count),
              END(lowrank_plan_info, output_count), END(lowrank_plan_info, workspace_bytes),
              END(lowrank_plan_info, multiplies), END(lowrank_plan_info, stage_count),
              END(lowrank_plan_info, threads)),
    STRUCTURE(lowrank_model_options, &model_options, call_model, END(lowrank_model_options, method),
              END(lowrank_model_options, criterion), END(lowrank_model_options, criterion_value),
              END(lowrank_model_options, rank_multiple), END(lowrank_model_options, threads),
              END(lowrank_model_options, layers), END(lowrank_model_options, skip),
              END(lowrank_model_options, input_shapes), END(lowrank_model_options, input_shape_count),
              END(lowrank_model_options, keep_batch_norm), END(lowrank_model_options, progress),
              END(lowrank_model_options, progress_context), END(lowrank_model_options, weights),
              END(lowrank_model_options, time_run), END(lowrank_model_options, samples),
              END(lowrank_model_options, min_agreement)),
    STRUCTURE(lowrank_network_options, &network_options, call_network_options, END(lowrank_network_options, threads),
              END(lowrank_network_options, winograd), END(lowrank_network_options, memory_limit)),
    STRUCTURE(lowrank_network_info, &network_info, call_network_info, END(lowrank_network_info, input_count),
              END(lowrank_network_info, output_count), END(lowrank_network_info, weight_bytes)),
    STRUCTURE(lowrank_value_info, &value_info, call_value_info, END(lowrank_value_info, name),
              END(lowrank_value_info, type), END(lowrank_value_info, order), END(lowrank_value_info, shape)),
    STRUCTURE(lowrank_array, &array, call_array, END(lowrank_array, count)),
};

static bool is_end(const struct structure *s, size_t size) {
  for (size_t i = 0; i < sizeof s->ends / sizeof *s->ends; ++i)
    if (s->ends[i] == size && size > 0) return true;
  return false;
}

/* Calls with a size that need not be true; `last`, where not 0, is put into the last of the bytes behind the known ones. */
static void try_size(const struct structure *s, size_t size, unsigned char last, lowrank_status wanted) {
  static _Alignas(16) unsigned char room[ROOM];
  memset(room, RUBBISH, ROOM);
  memcpy(room, s->sound, s->size);
  const size_t end = size > LARGEST ? s->size : size < sizeof size ? sizeof size : size;
  if (end < s->size) memset(room + end, RUBBISH, s->size - end);
  if (end > s->size) memset(room + s->size, 0, end - s->size);
  if (last) room[end - 1] = last;
  memcpy(room, &size, sizeof size);
  const lowrank_status status = s->call(room);
  size_t behind = end;
  while (behind < ROOM && room[behind] == RUBBISH) ++behind;
  ++tests;
  if (status == wanted && behind == ROOM && memcmp(room, &size, sizeof size) == 0) return;
  ++failures;
  fprintf(stderr, "%s of %zu bytes: %s, not %s; %s\n", s->name, size, lowrank_status_name(status),
          lowrank_status_name(wanted), behind == ROOM ? "nothing written behind" : "written behind its end");
}

static void every_size(const struct structure *s) {
  for (size_t size = 0; size <= 2 * s->size; ++size) {
    const bool newer = size > s->size && size % sizeof(size_t) == 0;
    try_size(s, size, 0, is_end(s, size) || newer ? LOWRANK_OK : LOWRANK_INVALID_ARGUMENT);
    if (newer) try_size(s, size, 1, LOWRANK_INVALID_ARGUMENT);
  }
  try_size(s, LARGEST, 0, LOWRANK_OK);
  try_size(s, LARGEST, 1, LOWRANK_INVALID_ARGUMENT);
  const size_t wrong[] = {LARGEST + 8, (size_t)1 << 40, SIZE_MAX / 2 + 1, SIZE_MAX - 7, SIZE_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) try_size(s, wrong[i], 0, LOWRANK_INVALID_ARGUMENT);
  if (!is_end(s, s->size)) {
    ++failures;
    fprintf(stderr, "%s has members that this test does not know\n", s->name);
  }
}

void structure_tests(void) {
  if (lowrank_decompose_f32(LOWRANK_TUCKER2, memory_buffer(0), 270, shape, 4, ranks, 2, NULL, &decomposition) ||
      lowrank_plan_create_f32(&nine, memory_buffer(0), 270, shape, 4, NULL, 0, NULL, &plan) ||
      lowrank_network_open(sound_model(), NULL, &network) || lowrank_session_create(network, &session)) {
    fprintf(stderr, "structures: %s\n", lowrank_last_error());
    exit(1);
  }
  for (size_t i = 0; i < sizeof structures / sizeof *structures; ++i) every_size(&structures[i]);
  lowrank_session_destroy(session);
  lowrank_network_destroy(network);
  lowrank_plan_destroy(plan);
  lowrank_decomposition_destroy(decomposition);
  printf("  %d sizes of structures, %d answered wrongly\n", tests, failures);
  if (failures > 0) exit(1);
}
