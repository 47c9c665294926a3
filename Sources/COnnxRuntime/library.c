#include "COnnxRuntime.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The functions of ONNX Runtime that are called here, by their places in its table. Version 1 of the table, of 2019, has
// them all; later versions only add to its end.
enum {
  GET_ERROR_MESSAGE = 2,
  CREATE_ENVIRONMENT = 3,
  CREATE_SESSION = 7,
  RUN = 9,
  CREATE_SESSION_OPTIONS = 10,
  SET_INTRA_OP_THREADS = 24,
  SET_INTER_OP_THREADS = 25,
  GET_OUTPUT_COUNT = 31,
  GET_OUTPUT_NAME = 37,
  CREATE_TENSOR_WITH_DATA = 49,
  CREATE_CPU_MEMORY_INFO = 69,
  ALLOCATOR_FREE = 76,
  GET_DEFAULT_ALLOCATOR = 78,
  RELEASE_STATUS = 93,
  RELEASE_SESSION = 95,
  RELEASE_VALUE = 96,
  RELEASE_SESSION_OPTIONS = 100,
  TABLE_VERSION = 1,
  // Its own words for a device's arena, the default memory, and messages from errors on.
  ARENA_ALLOCATOR = 1,
  DEFAULT_MEMORY = 0,
  LOG_ERRORS = 3
};

typedef void (*function)(void);
// What its functions give back: NULL where all went well, else an object that holds the message.
typedef void *status;

typedef struct {
  const function *(*table)(uint32_t version);
  const char *(*version)(void);
} api_base;

struct connxruntime_library {
  const function *table;
  const char *version;
  void *environment, *memory, *allocator;
};

struct connxruntime_network {
  connxruntime_library *library;
  void *session;
  size_t input_count, output_count;
  char **input_names, **output_names;
  // The tensors, the copies of their data, and the places that a run puts its results in.
  void **inputs, **data, **outputs;
};

// Takes the message out of a status and frees it. Returns whether there was one.
static int failed(const connxruntime_library *library, status result, char *message) {
  if (!result) return 0;
  const char *(*text)(status) = (const char *(*)(void *))library->table[GET_ERROR_MESSAGE];
  void (*release)(void *) = (void (*)(void *))library->table[RELEASE_STATUS];
  snprintf(message, CONNXRUNTIME_MESSAGE_SIZE, "%s", text(result));
  release(result);
  return 1;
}

static void *out_of_memory(char *message) {
  snprintf(message, CONNXRUNTIME_MESSAGE_SIZE, "out of memory");
  return NULL;
}

connxruntime_library *connxruntime_load(const char *path, char *message) {
#if defined(__APPLE__)
  const char *name = path ? path : "libonnxruntime.dylib";
#else
  const char *name = path ? path : "libonnxruntime.so";
#endif
  void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!handle && !path) handle = dlopen("libonnxruntime.so.1", RTLD_NOW | RTLD_LOCAL);
  const char *reason = handle ? "it has no OrtGetApiBase" : dlerror();
  const api_base *(*base)(void) = NULL;
  if (handle) *(void **)&base = dlsym(handle, "OrtGetApiBase");
  const function *table = base ? base()->table(TABLE_VERSION) : NULL;
  if (!table) {
    snprintf(message, CONNXRUNTIME_MESSAGE_SIZE, "%s", base ? "it lacks its own first version" : reason);
    if (handle) dlclose(handle);
    return NULL;
  }
  connxruntime_library *library = calloc(1, sizeof *library);
  if (!library) return out_of_memory(message);
  library->table = table;
  library->version = base()->version();
  status (*create)(int, const char *, void **) = (status(*)(int, const char *, void **))table[CREATE_ENVIRONMENT];
  status (*memory)(int, int, void **) = (status(*)(int, int, void **))table[CREATE_CPU_MEMORY_INFO];
  status (*allocator)(void **) = (status(*)(void **))table[GET_DEFAULT_ALLOCATOR];
  if (failed(library, create(LOG_ERRORS, "lowrank", &library->environment), message)
      || failed(library, memory(ARENA_ALLOCATOR, DEFAULT_MEMORY, &library->memory), message)
      || failed(library, allocator(&library->allocator), message)) {
    free(library);
    return NULL;
  }
  return library;
}

const char *connxruntime_version(const connxruntime_library *library) { return library->version; }

// The names of what the session makes. Returns whether something failed.
static int find_outputs(connxruntime_network *network, char *message) {
  const connxruntime_library *library = network->library;
  status (*count)(const void *, size_t *) = (status(*)(const void *, size_t *))library->table[GET_OUTPUT_COUNT];
  status (*name)(const void *, size_t, void *, char **) =
      (status(*)(const void *, size_t, void *, char **))library->table[GET_OUTPUT_NAME];
  if (failed(library, count(network->session, &network->output_count), message)) return 1;
  network->output_names = calloc(network->output_count, sizeof(char *));
  network->outputs = calloc(network->output_count, sizeof(void *));
  if (!network->output_names || !network->outputs) return out_of_memory(message) == NULL;
  for (size_t i = 0; i < network->output_count; i++)
    if (failed(library, name(network->session, i, library->allocator, &network->output_names[i]), message)) return 1;
  return 0;
}

connxruntime_network *connxruntime_open(
    connxruntime_library *library, const char *path, int threads, char *message) {
  const function *table = library->table;
  status (*create_options)(void **) = (status(*)(void **))table[CREATE_SESSION_OPTIONS];
  status (*intra)(void *, int) = (status(*)(void *, int))table[SET_INTRA_OP_THREADS];
  status (*inter)(void *, int) = (status(*)(void *, int))table[SET_INTER_OP_THREADS];
  status (*create)(const void *, const char *, const void *, void **) =
      (status(*)(const void *, const char *, const void *, void **))table[CREATE_SESSION];
  void (*release)(void *) = (void (*)(void *))table[RELEASE_SESSION_OPTIONS];
  connxruntime_network *network = calloc(1, sizeof *network);
  if (!network) return out_of_memory(message);
  network->library = library;
  void *options = NULL;
  int bad = failed(library, create_options(&options), message) || failed(library, intra(options, threads), message)
            || failed(library, inter(options, 1), message)
            || failed(library, create(library->environment, path, options, &network->session), message)
            || find_outputs(network, message);
  if (options) release(options);
  if (!bad) return network;
  connxruntime_close(network);
  return NULL;
}

// Makes room for one more input. Returns whether there is none.
static int grow(connxruntime_network *network) {
  size_t count = network->input_count + 1;
  char **names = realloc(network->input_names, count * sizeof *names);
  if (names) network->input_names = names;
  void **inputs = realloc(network->inputs, count * sizeof *inputs);
  if (inputs) network->inputs = inputs;
  void **data = realloc(network->data, count * sizeof *data);
  if (data) network->data = data;
  return !names || !inputs || !data;
}

int connxruntime_set_input(
    connxruntime_network *network, const char *name, int type, const int64_t *extents, size_t order,
    const void *data, size_t count, char *message) {
  const connxruntime_library *library = network->library;
  status (*create)(const void *, void *, size_t, const int64_t *, size_t, int, void **) =
      (status(*)(const void *, void *, size_t, const int64_t *, size_t, int, void **))
          library->table[CREATE_TENSOR_WITH_DATA];
  size_t place = network->input_count;
  char *own_name = strdup(name);
  void *copy = malloc(count ? count : 1), *tensor = NULL;
  int bad = !own_name || !copy || grow(network);
  if (bad) {
    out_of_memory(message);
  } else {
    memcpy(copy, data, count);
    bad = failed(library, create(library->memory, copy, count, extents, order, type, &tensor), message);
  }
  if (bad) {
    free(own_name);
    free(copy);
    return 1;
  }
  network->input_names[place] = own_name;
  network->inputs[place] = tensor;
  network->data[place] = copy;
  network->input_count++;
  return 0;
}

int connxruntime_run(connxruntime_network *network, char *message) {
  const function *table = network->library->table;
  status (*run)(void *, const void *, char *const *, void *const *, size_t, char *const *, size_t, void **) =
      (status(*)(void *, const void *, char *const *, void *const *, size_t, char *const *, size_t, void **))table[RUN];
  void (*release)(void *) = (void (*)(void *))table[RELEASE_VALUE];
  status result = run(
      network->session, NULL, network->input_names, network->inputs, network->input_count, network->output_names,
      network->output_count, network->outputs);
  for (size_t i = 0; i < network->output_count; i++) {
    if (network->outputs[i]) release(network->outputs[i]);
    network->outputs[i] = NULL;
  }
  return failed(network->library, result, message);
}

void connxruntime_close(connxruntime_network *network) {
  if (!network) return;
  const function *table = network->library->table;
  void (*release_value)(void *) = (void (*)(void *))table[RELEASE_VALUE];
  void (*release_session)(void *) = (void (*)(void *))table[RELEASE_SESSION];
  for (size_t i = 0; i < network->input_count; i++) {
    release_value(network->inputs[i]);
    free(network->data[i]);
    free(network->input_names[i]);
  }
  status (*release_name)(void *, void *) = (status(*)(void *, void *))table[ALLOCATOR_FREE];
  for (size_t i = 0; network->output_names && i < network->output_count; i++)
    if (network->output_names[i]) release_name(network->library->allocator, network->output_names[i]);
  if (network->session) release_session(network->session);
  free(network->input_names);
  free(network->inputs);
  free(network->data);
  free(network->output_names);
  free(network->outputs);
  free(network);
}
