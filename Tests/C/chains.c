/*
 * Chains by the C interface against plain loops in double: a convolution with groups, a depthwise one and a pointwise one,
 * each activation in each place, both layouts of input and output with and without gaps, both precisions.
 */
#include <lowrank.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES = 3, BATCH = 2, HEIGHT = 9, WIDTH = 7, ROOM = 1 << 14, ACTIVATIONS = 13 };

static const struct {
  int64_t outputs, inputs, extent, stride;
  int32_t groups;
} layers[STAGES] = {{6, 2, 3, 1, 2}, {6, 1, 3, 2, 6}, {5, 6, 1, 1, 1}};

static const double slopes[6] = {0.5, -0.25, 0.125, 1, 0, 0.75};

static double weights[STAGES][256], biases[STAGES][8], image[ROOM];
static unsigned char workspace[1 << 20];

static void need(lowrank_status status) {
  if (status == LOWRANK_OK) return;
  fprintf(stderr, "%s\n", lowrank_last_error());
  exit(1);
}

/* Numbers from -1 to 1 that a float holds exactly. */
static void fill(double *numbers, size_t count) {
  static unsigned state = 7;
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    numbers[i] = (double)(state >> 8) / 8388608 - 1;
  }
}

static double activated(lowrank_activation activation, int64_t channel, double x) {
  switch (activation) {
    case LOWRANK_NO_ACTIVATION: return x;
    case LOWRANK_RELU: return fmax(x, 0);
    case LOWRANK_CLIP: return fmin(fmax(x, -0.5), 0.75);
    case LOWRANK_LEAKY_RELU: return x < 0 ? 0.25 * x : x;
    case LOWRANK_PRELU: return x < 0 ? slopes[channel] * x : x;
    case LOWRANK_SIGMOID: return 1 / (1 + exp(-x));
    case LOWRANK_SILU: return x / (1 + exp(-x));
    case LOWRANK_HARD_SIGMOID: return fmin(fmax(0.25 * x + 0.5, 0), 1);
    case LOWRANK_HARD_SWISH: return x * fmin(fmax(x + 3, 0), 6) / 6;
    case LOWRANK_TANH: return tanh(x);
    case LOWRANK_GELU: return x * (1 + erf(x / sqrt(2))) / 2;
    case LOWRANK_GELU_TANH: return x / (1 + exp(-2 * sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    case LOWRANK_ELU: return x < 0 ? 0.25 * expm1(x) : x;
  }
  return NAN;
}

/* The map of one image, [channels, height, width], and how far from its elements those of a run may be. */
struct map {
  int64_t channels, height, width;
  double elements[ROOM / BATCH], errors[ROOM / BATCH];
};

/* A sum of n products in any order is off by n + 2 roundings of its absolute products at the most, the bias included, and
   carries the errors of what it reads. An activation multiplies errors by its largest slope, 1.5, and adds what Conv states:
   64 roundings of the sum, or of 1. */
static void convolve(int index, lowrank_activation activation, double epsilon, const struct map *in, struct map *out) {
  const int64_t d = layers[index].extent, pad = d / 2, stride = layers[index].stride;
  const int64_t group = layers[index].outputs / layers[index].groups;
  out->channels = layers[index].outputs;
  out->height = (in->height + 2 * pad - d) / stride + 1;
  out->width = (in->width + 2 * pad - d) / stride + 1;
  for (int64_t t = 0; t < out->channels; ++t)
    for (int64_t y = 0; y < out->height; ++y)
      for (int64_t x = 0; x < out->width; ++x) {
        double sum = biases[index][t], size = fabs(sum), error = 0;
        for (int64_t s = 0; s < layers[index].inputs; ++s)
          for (int64_t i = 0; i < d * d; ++i) {
            const int64_t row = y * stride + i / d - pad, column = x * stride + i % d - pad;
            if (row < 0 || row >= in->height || column < 0 || column >= in->width) continue;
            const int64_t channel = t / group * layers[index].inputs + s;
            const int64_t from = (channel * in->height + row) * in->width + column;
            const double weight = weights[index][(t * layers[index].inputs + s) * d * d + i];
            sum += weight * in->elements[from];
            size += fabs(weight * in->elements[from]);
            error += fabs(weight) * in->errors[from];
          }
        const int64_t to = (t * out->height + y) * out->width + x;
        error += (double)(layers[index].inputs * d * d + 2) * epsilon * (size + error);
        out->elements[to] = activated(activation, t, sum);
        out->errors[to] = 1.5 * error + 64 * epsilon * fmax(1, fabs(sum));
      }
}

/* Where element (n, c, p) lies. */
static size_t place(lowrank_layout layout, int64_t image_stride, int64_t stride, int64_t n, int64_t c, int64_t p) {
  return (size_t)(n * image_stride + (layout == LOWRANK_CHANNEL_LAST ? p * stride + c : c * stride + p));
}

/* A way to lay maps out: the options' numbers, and those that they stand for. */
struct lie {
  lowrank_layout layout;
  int64_t given_stride, given_image_stride, stride, image_stride;
};

static struct lie lie_of(lowrank_layout layout, bool gaps, int64_t channels, int64_t positions) {
  const int64_t inner = layout == LOWRANK_CHANNEL_LAST ? channels : positions;
  const int64_t outer = layout == LOWRANK_CHANNEL_LAST ? positions : channels;
  struct lie lie = {.layout = layout, .stride = inner, .image_stride = inner * outer};
  if (gaps) {
    lie.given_stride = lie.stride = inner + 5;
    lie.given_image_stride = lie.image_stride = outer * lie.stride + 11;
  }
  return lie;
}

static lowrank_plan *create(bool is_double, lowrank_activation first, const struct lie *in, const struct lie *out) {
  static float floats[STAGES][256], float_biases[STAGES][8];
  lowrank_stage stages[STAGES];
  const lowrank_stage *pointers[STAGES];
  for (int i = 0; i < STAGES; ++i) {
    const int64_t d = layers[i].extent, pad = d / 2;
    for (int w = 0; w < 256; ++w) floats[i][w] = (float)weights[i][w];
    for (int b = 0; b < 8; ++b) float_biases[i][b] = (float)biases[i][b];
    stages[i] = (lowrank_stage){.struct_size = sizeof *stages,
                                .order = 4,
                                .groups = layers[i].groups,
                                .shape = {layers[i].outputs, layers[i].inputs, d, d},
                                .weights = is_double ? (const void *)weights[i] : floats[i],
                                .weight_count = (size_t)(layers[i].outputs * layers[i].inputs * d * d),
                                .bias = is_double ? (const void *)biases[i] : float_biases[i],
                                .bias_count = (size_t)layers[i].outputs,
                                .stride = {layers[i].stride, layers[i].stride},
                                .padding_before = {pad, pad},
                                .padding_after = {pad, pad},
                                .activation = (lowrank_activation)((first + i) % ACTIVATIONS),
                                .clip_low = -0.5,
                                .clip_high = 0.75,
                                .alpha = 0.25,
                                .beta = 0.5,
                                .slopes = slopes,
                                .slope_count = (size_t)layers[i].outputs};
    pointers[i] = &stages[i];
  }
  const int64_t extents[2] = {HEIGHT, WIDTH};
  const lowrank_plan_options options = {.struct_size = sizeof options,
                                        .winograd = LOWRANK_WINOGRAD_OFF,
                                        .threads = 2,
                                        .input_layout = in->layout,
                                        .output_layout = out->layout,
                                        .input_stride = in->given_stride,
                                        .input_image_stride = in->given_image_stride,
                                        .output_stride = out->given_stride,
                                        .output_image_stride = out->given_image_stride};
  lowrank_plan *plan = NULL;
  need(is_double ? lowrank_plan_create_chain_f64(pointers, STAGES, BATCH, extents, 2, &options, &plan)
                 : lowrank_plan_create_chain_f32(pointers, STAGES, BATCH, extents, 2, &options, &plan));
  return plan;
}

/* The largest difference from the loops, in errors that it may have; ends the program where a gap was written. */
static double difference(bool is_double, lowrank_activation first, const struct lie *in, const struct lie *out) {
  static double input[ROOM], output[ROOM];
  static float float_input[ROOM], float_output[ROOM];
  static struct map maps[STAGES + 1];
  lowrank_plan *plan = create(is_double, first, in, out);
  lowrank_plan_info info = {.struct_size = sizeof info};
  need(lowrank_plan_get_info(plan, &info));
  /* NaN wherever nothing is to be read or written. */
  for (int i = 0; i < ROOM; ++i) input[i] = output[i] = float_output[i] = NAN;
  const int64_t positions = HEIGHT * WIDTH;
  for (int64_t n = 0; n < BATCH; ++n)
    for (int64_t c = 0; c < 4; ++c)
      for (int64_t p = 0; p < positions; ++p)
        input[place(in->layout, in->image_stride, in->stride, n, c, p)] = image[(n * 4 + c) * positions + p];
  for (int i = 0; i < ROOM; ++i) float_input[i] = (float)input[i];
  if (is_double) {
    need(lowrank_plan_run_f64(plan, input, info.input_count, output, info.output_count, workspace, sizeof workspace));
  } else {
    need(lowrank_plan_run_f32(plan, float_input, info.input_count, float_output, info.output_count, workspace,
                              sizeof workspace));
    for (int i = 0; i < ROOM; ++i) output[i] = float_output[i];
  }
  need(lowrank_plan_destroy(plan));
  const double epsilon = is_double ? DBL_EPSILON : FLT_EPSILON;
  double largest = 0;
  for (int64_t n = 0; n < BATCH; ++n) {
    maps[0] = (struct map){.channels = 4, .height = HEIGHT, .width = WIDTH};
    memcpy(maps[0].elements, image + n * 4 * positions, (size_t)(4 * positions) * sizeof *image);
    for (int i = 0; i < STAGES; ++i)
      convolve(i, (lowrank_activation)((first + i) % ACTIVATIONS), epsilon, &maps[i], &maps[i + 1]);
    const struct map *last = &maps[STAGES];
    const int64_t written = last->height * last->width;
    for (int64_t c = 0; c < last->channels; ++c)
      for (int64_t p = 0; p < written; ++p) {
        double *found = &output[place(out->layout, out->image_stride, out->stride, n, c, p)];
        const double off = fabs(*found - last->elements[c * written + p]) / last->errors[c * written + p];
        /* Also where `off` is NaN. */
        if (!(off <= largest)) largest = off;
        *found = NAN;
      }
  }
  for (int i = 0; i < ROOM; ++i)
    if (!isnan(output[i])) {
      fprintf(stderr, "element %d, in a gap or behind the end, was written\n", i);
      exit(1);
    }
  return largest;
}

int main(void) {
  for (int i = 0; i < STAGES; ++i) {
    fill(weights[i], 256);
    fill(biases[i], 8);
  }
  fill(image, BATCH * 4 * HEIGHT * WIDTH);
  double worst[2] = {0, 0};
  int tests = 0;
  for (int code = 0; code < ACTIVATIONS; ++code)
    for (int way = 0; way < 32; ++way) {
      const bool is_double = way & 1;
      const struct lie in = lie_of((lowrank_layout)(way >> 1 & 1), way >> 2 & 1, 4, HEIGHT * WIDTH);
      const struct lie out = lie_of((lowrank_layout)(way >> 3 & 1), way >> 4 & 1, 5, 5 * 4);
      const double off = difference(is_double, (lowrank_activation)code, &in, &out);
      if (!(off <= 1)) {
        fprintf(stderr, "activations from %d on, way %d: off by %g of its bound\n", code, way, off);
        return 1;
      }
      worst[is_double] = fmax(worst[is_double], off);
      ++tests;
    }
  printf("  %d chains equal plain loops, f32 within %.1e of the bound, f64 within %.1e\n", tests, worst[0], worst[1]);
  return 0;
}
