#include "hostile.h"

#include <stdio.h>
#include <string.h>

const char *models_folder = "Tests/Vectors";

static char *path_in(const char *folder, const char *name) {
  static _Thread_local char paths[4][4200];
  static _Thread_local unsigned next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof *paths, "%s/%s", folder, name);
  return path;
}

const char *sound_model(void) { return path_in(models_folder, "conv2d.onnx"); }

/* A text of many equal characters. */
static char *long_text(char character, size_t length) {
  static _Thread_local char texts[4][8192];
  static _Thread_local unsigned next;
  char *text = texts[next++ % 4];
  memset(text, character, length);
  text[length] = 0;
  return text;
}

static const char *hostile_text(void) {
  switch (chance(12)) {
    case 0: return NULL;
    case 1: return "";
    case 2: return "\xff\xfe";
    case 3: return long_text('a', 1025);
    case 4: return long_text('(', 1 + chance(1023));
    case 5: return long_text('[', 1 + chance(1023));
    case 6: return "(a*)*(b";
    case 7: return "a{4294967296}";
    case 8: return "(?<x>\\k<y>)\\";
    case 9: return "none/none";
    case 10: return long_text('/', 5000);
    default: return "x=1,,2";
  }
}

static const char *some_text(const char *sound) { return hostile() ? hostile_text() : sound; }

static const char *some_path(void) {
  static const char *const others[] = {"make_vectors.py", "", "conv1d.input.npy", "none.onnx", "conv2d.onnx/x"};
  /* Models that can be read are slow to come by. */
  if (chance(8) == 0) return path_in(models_folder, "conv2d.onnx");
  return chance(2) ? hostile_text() : path_in(models_folder, others[chance(sizeof others / sizeof *others)]);
}

static void some_progress(void *context, const char *layer, int64_t done, int64_t total) {
  /* A structure that ends in front of the context gives none. */
  const bool mine = !context || context == models_folder;
  if (!mine || !layer || done < 1 || done > total) judge("progress", (lowrank_status)-1, NULL);
}

static const void *some_model_options(lowrank_model_options *options, const char *shapes[4]) {
  shapes[0] = some_text("x=1,3,8,8");
  shapes[1] = some_text("y=1");
  shapes[2] = shapes[3] = some_text("z=2");
  if (chance(4) == 0) return NULL;
  *options = (lowrank_model_options){.struct_size = sizeof *options,
                                     .method = (lowrank_model_method)some_int((int32_t)chance(5)),
                                     .criterion = (lowrank_criterion)some_int((int32_t)chance(8)),
                                     .criterion_value = some_double(0.4),
                                     .rank_multiple = some_int(1),
                                     .threads = some_int((int32_t)chance(3)),
                                     .layers = chance(2) ? NULL : some_text("conv.*"),
                                     .skip = chance(2) ? NULL : some_text("head"),
                                     .input_shapes = some_pointer(shapes),
                                     /* The list has four places; more would have to be believed. */
                                     .input_shape_count = some_int(0),
                                     .keep_batch_norm = some_int((int32_t)chance(2)),
                                     .progress = chance(2) ? some_progress : NULL,
                                     .progress_context = (void *)(uintptr_t)models_folder,
                                     .weights = (lowrank_weight_storage)some_int((int32_t)chance(4)),
                                     .time_run = some_int(1),
                                     .samples = chance(2) ? some_input(ROOM_BYTES - 64) : NULL,
                                     .min_agreement = chance(2) ? 0 : some_double(0.9)};
  if (options->input_shape_count > 4 && options->input_shape_count <= 1024) options->input_shape_count = 4;
  return some_structure(options, sizeof *options);
}

static void keep(const char *function, lowrank_status status, void **result) {
  judge(function, status, result);
  if (status == LOWRANK_OK) handle_keep(REPORT, *result, (int)chance(2));
}

static void inspect(void) {
  const char *shapes[4];
  lowrank_model_options options;
  void *result = UNTOUCHED;
  keep("lowrank_model_inspect",
       lowrank_model_inspect(some_path(), some_model_options(&options, shapes), some_pointer(&result)), &result);
}

static void compress(void) {
  const char *shapes[4];
  lowrank_model_options options;
  void *result = UNTOUCHED;
  /* Most often a folder that is not there: files are slow to write. */
  const char *output = chance(16) ? "none/hostile.onnx" : "hostile.onnx";
  keep("lowrank_model_compress",
       lowrank_model_compress(some_path(), some_text(output), some_model_options(&options, shapes),
                              some_pointer(&result)),
       &result);
}

static void report_copy(void) {
  void *report = some_handle(REPORT);
  size_t length = 100, sound = 1000;
  if (lowrank_report_copy(report, NULL, 0, &sound) == LOWRANK_OK) ++sound;
  size_t capacity = some_count(sound, ROOM_BYTES);
  /* A capacity is believed: it may not be more than there is. */
  if (capacity > ROOM_BYTES && capacity < SIZE_MAX / 2) capacity = ROOM_BYTES - 64;
  char *text = chance(8) ? some_buffer(5) : (char *)&length;
  if (text == (char *)&length) capacity = sizeof length;
  judge("lowrank_report_copy", lowrank_report_copy(report, text, capacity, chance(4) ? some_pointer(&length) : NULL),
        NULL);
}

/* Last of all calls: what is destroyed cannot be used. */
static void decomposition_destroy(void) {
  judge("lowrank_decomposition_destroy", lowrank_decomposition_destroy(some_handle(DECOMPOSITION)), NULL);
}

static void plan_destroy(void) { judge("lowrank_plan_destroy", lowrank_plan_destroy(some_handle(PLAN)), NULL); }

static void report_destroy(void) {
  judge("lowrank_report_destroy", lowrank_report_destroy(some_handle(REPORT)), NULL);
}

static void system_info(void) {
  lowrank_system_info info = {.struct_size = sizeof info};
  judge("lowrank_system", lowrank_system(some_structure(&info, sizeof info)), NULL);
}

static void status_name(void) {
  const char *name = lowrank_status_name((lowrank_status)some_int((int32_t)chance(16)));
  judge("lowrank_status_name", name && *name ? LOWRANK_OK : (lowrank_status)-1, NULL);
}

static void last_error(void) {
  judge("lowrank_last_error", strlen(lowrank_last_error()) < 1024 ? LOWRANK_OK : (lowrank_status)-1, NULL);
}

static void handle_count(void) {
  judge("lowrank_handle_count", lowrank_handle_count() < 10000 ? LOWRANK_OK : (lowrank_status)-1, NULL);
}

const struct call model_calls[] = {
    {"lowrank_model_inspect", inspect},
    {"lowrank_model_compress", compress},
    {"lowrank_report_copy", report_copy},
    {"lowrank_system", system_info},
    {"lowrank_status_name", status_name},
    {"lowrank_last_error", last_error},
    {"lowrank_handle_count", handle_count},
    {"lowrank_decomposition_destroy", decomposition_destroy},
    {"lowrank_plan_destroy", plan_destroy},
    {"lowrank_report_destroy", report_destroy},
};
const size_t model_call_count = sizeof model_calls / sizeof *model_calls;
