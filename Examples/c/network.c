/*
 * Runs an ONNX network on zeros, or on the floats of a file, and prints its outputs' shapes and largest elements.
 *
 *   cc -O2 -o network network.c $(pkg-config --cflags --libs lowrank)
 *   ./network MODEL.onnx [FLOATS]
 */
#include <lowrank.h>

#include <stdio.h>
#include <stdlib.h>

/* Ends the program with the library's message where a call fails. */
#define CHECK(call) check((call), #call)

static void check(lowrank_status status, const char *call) {
  if (status == LOWRANK_OK) return;
  fprintf(stderr, "%s\n  %s: %s\n", call, lowrank_status_name(status), lowrank_last_error());
  exit(1);
}

enum { MOST = 16 };

static size_t element_count(const lowrank_array *array) {
  size_t count = 1;
  for (int axis = 0; axis < array->order; ++axis) count *= (size_t)array->shape[axis];
  return count;
}

/* Memory for an input of the shape that the model says, open extents as 1. */
static lowrank_array make_input(const lowrank_network *network, int32_t index, FILE *file) {
  lowrank_value_info info = {.struct_size = sizeof info};
  CHECK(lowrank_network_get_value(network, LOWRANK_INPUT, index, &info));
  if (info.type != LOWRANK_FLOAT32 || info.order < 0) {
    fprintf(stderr, "the input '%s' is not of floats of a known shape\n", info.name);
    exit(1);
  }
  lowrank_array input = {
      .struct_size = sizeof input, .name = info.name, .type = LOWRANK_FLOAT32, .order = info.order};
  for (int axis = 0; axis < info.order; ++axis) input.shape[axis] = info.shape[axis] < 0 ? 1 : info.shape[axis];
  input.count = element_count(&input);
  input.elements = calloc(input.count + 1, sizeof(float));
  if (!input.elements || (file && fread(input.elements, sizeof(float), input.count, file) != input.count)) {
    fprintf(stderr, "no memory, or not %zu floats in the file\n", input.count);
    exit(1);
  }
  return input;
}

static void print_output(lowrank_session *session, int32_t index, const lowrank_array *output) {
  printf("output %d:", (int)index);
  for (int axis = 0; axis < output->order; ++axis) printf(" %lld", (long long)output->shape[axis]);
  const size_t count = element_count(output);
  double *numbers = calloc(count + 1, sizeof *numbers);
  size_t largest = 0;
  if (!numbers) exit(1);
  if (output->type == LOWRANK_FLOAT32 && count > 0) {
    CHECK(lowrank_session_copy(session, index, LOWRANK_FLOAT64, numbers, count));
    for (size_t i = 1; i < count; ++i)
      if (numbers[i] > numbers[largest]) largest = i;
    printf(", the largest is %g, element %zu", numbers[largest], largest);
  }
  printf("\n");
  free(numbers);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s MODEL.onnx [FLOATS]\n", argv[0]);
    return 2;
  }
  FILE *file = argc > 2 ? fopen(argv[2], "rb") : NULL;
  if (argc > 2 && !file) {
    perror(argv[2]);
    return 1;
  }
  lowrank_network *network = NULL;
  lowrank_session *session = NULL;
  lowrank_network_info info = {.struct_size = sizeof info};
  CHECK(lowrank_network_open(argv[1], NULL, &network));
  CHECK(lowrank_network_get_info(network, &info));
  if (info.input_count > MOST || info.output_count > MOST) return 1;

  lowrank_array inputs[MOST], outputs[MOST];
  const lowrank_array *given[MOST];
  lowrank_array *wanted[MOST];
  for (int32_t i = 0; i < info.input_count; ++i) {
    inputs[i] = make_input(network, i, file);
    given[i] = &inputs[i];
  }
  for (int32_t i = 0; i < info.output_count; ++i) {
    outputs[i] = (lowrank_array){.struct_size = sizeof *outputs};
    wanted[i] = &outputs[i];
  }
  CHECK(lowrank_session_create(network, &session));
  CHECK(lowrank_session_run(session, given, info.input_count, wanted, info.output_count));
  for (int32_t i = 0; i < info.output_count; ++i) print_output(session, i, &outputs[i]);

  for (int32_t i = 0; i < info.input_count; ++i) free(inputs[i].elements);
  CHECK(lowrank_session_destroy(session));
  CHECK(lowrank_network_destroy(network));
  if (file) fclose(file);
  return 0;
}
