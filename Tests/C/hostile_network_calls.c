#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The sound model takes 2 images of 8 x 9 x 7 here and gives 12 x 5 x 6 for each. */
enum { MOST_BYTES = 1 << 16, OUTPUT_COUNT = 2 * 12 * 5 * 6 };

/* The bytes of a model, read once a thread. */
static const unsigned char *model_bytes(size_t *count) {
  static _Thread_local unsigned char bytes[MOST_BYTES];
  static _Thread_local size_t read;
  if (read == 0) {
    FILE *file = fopen(sound_model(), "rb");
    if (!file) abort();
    read = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
  }
  *count = read;
  return bytes;
}

static const void *some_network_options(lowrank_network_options *options) {
  if (chance(3) == 0) return NULL;
  *options = (lowrank_network_options){.struct_size = sizeof *options,
                                       .threads = some_int((int32_t)chance(3)),
                                       .winograd = (lowrank_winograd)some_int((int32_t)chance(5)),
                                       .memory_limit = some_integer(chance(2) ? 0 : 1 << 26)};
  return some_structure(options, sizeof *options);
}

static void keep_network(const char *function, lowrank_status status, void **result) {
  judge(function, status, result);
  if (status == LOWRANK_OK) handle_keep(NETWORK, *result, (int)chance(2));
}

static void network_open(void) {
  lowrank_network_options options;
  void *result = UNTOUCHED;
  const char *path = chance(8) ? (chance(2) ? "none.onnx" : "") : sound_model();
  keep_network("lowrank_network_open",
               lowrank_network_open(some_pointer((void *)(uintptr_t)path), some_network_options(&options),
                                    some_pointer(&result)),
               &result);
}

static void network_create(void) {
  lowrank_network_options options;
  void *result = UNTOUCHED;
  size_t count;
  const unsigned char *sound = model_bytes(&count);
  /* A copy with a byte of it changed, or cut short. */
  static _Thread_local unsigned char copy[MOST_BYTES];
  memcpy(copy, sound, count);
  if (hostile()) copy[chance((uint32_t)count)] ^= (unsigned char)(1 << chance(8));
  if (hostile()) count = chance((uint32_t)count + 1);
  const size_t given = some_count(count, count);
  keep_network("lowrank_network_create",
               lowrank_network_create(hostile() ? NULL : copy, given > count && given < SIZE_MAX / 2 ? count : given,
                                      some_network_options(&options), some_pointer(&result)),
               &result);
}

static void network_get_info(void) {
  const lowrank_network_info info = {.struct_size = sizeof info};
  judge("lowrank_network_get_info",
        lowrank_network_get_info(some_handle(NETWORK), some_structure(&info, sizeof info)), NULL);
}

static void network_get_value(void) {
  const lowrank_value_info info = {.struct_size = sizeof info};
  judge("lowrank_network_get_value",
        lowrank_network_get_value(some_handle(NETWORK), (lowrank_direction)some_int((int32_t)chance(2)), some_int(0),
                                  some_structure(&info, sizeof info)),
        NULL);
}

void *some_input(size_t room) {
  lowrank_array array = {.struct_size = sizeof array,
                         .name = hostile() ? (chance(2) ? "nothing" : "\xff") : NULL,
                         .type = (lowrank_type)some_int(chance(4) ? LOWRANK_FLOAT32 : (int32_t)chance(15)),
                         .order = some_int(4),
                         .shape = {some_integer(2), some_integer(8), some_integer(9), some_integer(7)}};
  size_t count = 1;
  for (int axis = 0; axis < 4; ++axis) count *= (size_t)array.shape[axis];
  const size_t size = 8;
  array.count = some_count(count, room / size);
  array.elements = some_buffer(0);
  return some_structure(&array, sizeof array);
}

static void *some_output(size_t room, int place) {
  lowrank_array array = {.struct_size = sizeof array,
                         .name = hostile() ? (chance(2) ? "nothing" : "") : NULL,
                         .type = (lowrank_type)some_int((int32_t)chance(3))};
  if (chance(2)) {
    array.elements = some_buffer(1 + place);
    array.count = some_count(OUTPUT_COUNT, room / 8);
  }
  return some_structure(&array, sizeof array);
}

struct arrays {
  const lowrank_array *inputs[4];
  lowrank_array *outputs[4];
  const void *given, *wanted;
  int32_t input_count, output_count;
};

static void some_arrays(struct arrays *arrays) {
  /* Places behind the first are believed where counts say that they are there. */
  const size_t room = ROOM_BYTES - 64;
  for (int i = 0; i < 4; ++i) {
    arrays->inputs[i] = i ? NULL : some_input(room);
    arrays->outputs[i] = i > 1 ? NULL : some_output(room, i);
  }
  arrays->given = some_pointer(arrays->inputs);
  arrays->wanted = some_pointer(arrays->outputs);
  arrays->input_count = some_int(1);
  arrays->output_count = some_int(1);
  if (arrays->input_count > 4 && arrays->input_count <= 1024) arrays->input_count = 4;
  if (arrays->output_count > 4 && arrays->output_count <= 1024) arrays->output_count = 4;
}

static void network_get_shapes(void) {
  struct arrays arrays;
  some_arrays(&arrays);
  judge("lowrank_network_get_shapes",
        lowrank_network_get_shapes(some_handle(NETWORK), arrays.given, arrays.input_count, arrays.wanted,
                                   arrays.output_count),
        NULL);
}

static void session_create(void) {
  void *result = UNTOUCHED;
  const lowrank_status status = lowrank_session_create(some_handle(NETWORK), some_pointer(&result));
  judge("lowrank_session_create", status, &result);
  if (status == LOWRANK_OK) handle_keep(SESSION, result, (int)chance(2));
}

static void session_run(void) {
  struct arrays arrays;
  some_arrays(&arrays);
  judge("lowrank_session_run",
        lowrank_session_run(some_handle(SESSION), arrays.given, arrays.input_count, arrays.wanted,
                            arrays.output_count),
        NULL);
}

static void session_copy(void) {
  const size_t count = some_count(OUTPUT_COUNT, (ROOM_BYTES - 64) / 8);
  judge("lowrank_session_copy",
        lowrank_session_copy(some_handle(SESSION), some_int(0), (lowrank_type)some_int((int32_t)chance(3)),
                             some_buffer(1), count),
        NULL);
}

static void session_destroy(void) {
  judge("lowrank_session_destroy", lowrank_session_destroy(some_handle(SESSION)), NULL);
}

static void network_destroy(void) {
  judge("lowrank_network_destroy", lowrank_network_destroy(some_handle(NETWORK)), NULL);
}

const struct call network_calls[] = {
    {"lowrank_network_open", network_open},
    {"lowrank_network_create", network_create},
    {"lowrank_network_get_info", network_get_info},
    {"lowrank_network_get_value", network_get_value},
    {"lowrank_network_get_shapes", network_get_shapes},
    {"lowrank_session_create", session_create},
    {"lowrank_session_run", session_run},
    {"lowrank_session_copy", session_copy},
    {"lowrank_session_destroy", session_destroy},
    {"lowrank_network_destroy", network_destroy},
};
const size_t network_call_count = sizeof network_calls / sizeof *network_calls;
