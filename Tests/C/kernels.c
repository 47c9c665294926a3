// Holds the kernels of every instruction set that the processor has to their definitions in Double, on shapes drawn at
// random, without Swift: scripts/checks/kernel-check.sh compiles it for this machine and for arm64.
//
//     kernels [seed [rounds]]
#include "kernel_definitions.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct lowrank_kernels *kernels;
static float *a, *b, *packed;

static float *floats(size_t count) {
  float *p = aligned_alloc(64, count * sizeof *p);
  if (!p) exit(2);
  return p;
}

/// [depth][columns] as panels of `panel` vectors.
static void pack(const float *from, size_t depth, size_t columns, size_t panel, float *target) {
  for (size_t first = 0; first < columns; first += panel * kernels->width) {
    const size_t count = columns - first < panel * kernels->width ? columns - first : panel * kernels->width;
    for (size_t d = 0; d < depth; ++d) {
      for (size_t j = 0; j < count; ++j) *target++ = from[d * columns + first + j];
    }
  }
}

/// Any activation, with a bias and the channel of the first result, or nothing at all.
static const struct lowrank_epilogue *draw_epilogue(size_t *channel) {
  static struct lowrank_epilogue epilogue;
  *channel = between(0, 60);
  epilogue = (struct lowrank_epilogue){.activation = (enum lowrank_epilogue_activation)between(0, LOWRANK_ACTIVATIONS - 1),
                                       .alpha = (float)between(0, 8) / 4,
                                       .beta = (float)between(8, 16) / 4,
                                       .bias = between(0, 2) > 0 ? b + 5000 : NULL,
                                       .slopes = b + 6000};
  return between(0, 3) > 0 ? &epilogue : NULL;
}

static bool check_rows(bool of_maps) {
  const size_t rows = of_maps ? 1 : between(1, 3), taps = of_maps ? 1 : between(1, 9);
  const size_t pixels = between(1, 40), depth = between(1, 20);
  const size_t vectors = between(1, kernels->width < 16 ? 7 : 6), panel = between(1, LOWRANK_MAX_PANEL);
  const size_t columns = vectors * kernels->width;
  // Taps in the padding are left out: B is deeper than what is summed.
  const size_t first = of_maps ? 0 : depth * between(0, 2), behind = of_maps ? 0 : depth * between(0, 2);
  const size_t deep = first + taps * depth + behind;
  const float *sources[32];
  float *targets[3];
  for (size_t i = 0; i < rows * taps; ++i) sources[i] = a + between(0, 1000);
  for (size_t r = 0; r < rows; ++r) targets[r] = result + r * pixels * (columns + 16);
  pack(b, deep, columns, panel, packed);
  size_t channel;
  const struct lowrank_epilogue *epilogue = draw_epilogue(&channel);
  const struct lowrank_rows product = {
      .a = sources, .c = targets, .b = packed, .rows = rows, .pixels = pixels, .taps = taps, .depth = depth, .a_pixel = 24,
      .a_depth = 48, .c_pixel = columns + 16, .b_depth = deep, .b_first = first, .vectors = vectors, .panel = panel,
      .spare = between(0, kernels->width - 1), .adds = between(0, 2) == 0, .epilogue = epilogue, .channel = channel};
  define_rows(&product, b, kernels->width, of_maps);
  (of_maps ? kernels->rows_of_maps : kernels->rows)(&product);
  return agrees(kernels->name, of_maps ? "rows_of_maps" : "rows");
}

static bool check_maps(void) {
  const size_t outputs = between(1, 40), depth = between(1, 20), pixels = between(1, 90), strip = kernels->strip;
  const bool has_residual = between(0, 1);
  size_t channel;
  const struct lowrank_epilogue *epilogue = draw_epilogue(&channel);
  float *target = packed;
  for (size_t from = 0; from < outputs; from += strip) {
    for (size_t k = 0; k < depth; ++k) {
      for (size_t i = 0; i < strip; ++i) *target++ = from + i < outputs ? b[(from + i) * depth + k] : 0;
    }
  }
  const struct lowrank_maps product = {
      .x = a, .w = packed, .z = result, .residual = has_residual ? a + 5000 : NULL, .outputs = outputs, .depth = depth,
      .pixels = pixels, .x_row = 128, .z_row = 100, .epilogue = epilogue, .channel = channel};
  define_maps(&product, b);
  kernels->maps(&product);
  return agrees(kernels->name, "maps");
}

/// With no residual, with one, and with one that lies where the results go.
static bool check_leave(bool maps) {
  const size_t pixels = between(1, 50), channels = between(1, 40), kind = between(0, 2);
  size_t channel;
  const struct lowrank_epilogue *epilogue = draw_epilogue(&channel);
  struct lowrank_leave results = {
      .x = a, .z = result, .residual = kind > 0 ? a + 5000 : NULL, .pixels = pixels, .channels = channels, .x_pixel = 64,
      .z_step = 64, .epilogue = epilogue, .channel = channel};
  define_leave(&results, maps);
  if (kind == 2) {
    for (size_t line = 0; line < (maps ? channels : pixels); ++line) {
      memcpy(result + line * 64, results.residual + line * 64, (maps ? pixels : channels) * sizeof *result);
    }
    results.residual = result;
  }
  (maps ? kernels->leave_maps : kernels->leave_rows)(&results);
  return agrees(kernels->name, maps ? "leave_maps" : "leave_rows");
}

static bool check_depthwise(bool square) {
  const size_t side = between(0, 1) ? 3 : 5, stride = between(1, 2), vectors = between(1, 48 / kernels->width);
  const size_t rows = between(1, 6), pixels = between(1, 13), taps = between(1, 25);
  const size_t channels = vectors * kernels->width;
  const float *sources[32];
  float *targets[6];
  size_t channel;
  const struct lowrank_epilogue *epilogue = draw_epilogue(&channel);
  for (size_t i = 0; i < 32; ++i) sources[i] = a + i * 2000;
  for (size_t r = 0; r < rows; ++r) targets[r] = result + r * pixels * channels;
  if (square) {
    const struct lowrank_depthwise_square product = {
        .a = sources, .c = targets, .w = b, .rows = rows, .pixels = pixels, .side = side, .stride = stride, .a_pixel = 48,
        .c_pixel = channels, .w_row = 48, .vectors = vectors, .epilogue = epilogue, .channel = channel};
    define_square(&product, kernels->width);
    kernels->depthwise_square(&product);
  } else {
    const struct lowrank_depthwise product = {
        .a = sources, .w = b, .c = result, .pixels = pixels, .taps = taps, .a_pixel = 48, .c_pixel = channels,
        .w_row = 48, .vectors = vectors, .epilogue = epilogue, .channel = channel};
    define_depthwise(&product, kernels->width);
    kernels->depthwise(&product);
  }
  return agrees(kernels->name, square ? "depthwise_square" : "depthwise");
}

/// Leaves one pixel of each channel in `numbers`, a power of two: the transform is then two constants' product, each
/// result within a few roundings of its own and 0 where a constant is 0.
static void keep_one(float *numbers, size_t pixels, size_t pixel, size_t channels) {
  for (size_t c = 0; c < channels; ++c) {
    const size_t kept = between(0, pixels - 1);
    for (size_t i = 0; i < pixels; ++i) numbers[i * pixel + c] = i == kept ? (float)(1 << between(0, 3)) : 0;
  }
}

static bool check_winograd(int form) {
  const struct winograd_side down = winograd_tiles[form].down, side = winograd_tiles[form].across;
  const size_t tiles = between(1, 7);
  const size_t vectors = between(1, 48 / kernels->width), channels = vectors * kernels->width;
  const size_t across = (tiles - 1) * side.outputs + side.points, at = between(0, 40);
  const float *sources[8];
  if (kind == SINGLES) keep_one(a + at, down.points * across, 48, channels);
  for (size_t i = 0; i < down.points; ++i) sources[i] = a + at + i * across * 48;
  const struct lowrank_winograd_input forward = {
      .rows = sources, .v = result, .tiles = tiles, .vectors = vectors, .pixel = 48, .v_tile = channels,
      .v_point = tiles * channels + 16};
  define_winograd_input(&forward, form, kernels->width);
  kernels->winograd_input[form](&forward);
  if (!agrees(kernels->name, "winograd_input")) return false;

  begin();
  float *targets[8];
  size_t channel;
  const struct lowrank_epilogue *epilogue = draw_epilogue(&channel);
  for (size_t i = 0; i < down.outputs; ++i) targets[i] = result + i * tiles * side.outputs * channels;
  const struct lowrank_winograd_output back = {
      .m = a, .rows = targets, .tiles = tiles, .vectors = vectors, .pixel = channels, .m_tile = channels,
      .m_point = tiles * channels + 16, .epilogue = kind == SINGLES ? NULL : epilogue, .channel = channel};
  if (kind == SINGLES) keep_one(a, down.points * side.points, back.m_point, tiles * channels);
  define_winograd_output(&back, form, kernels->width);
  kernels->winograd_output[form](&back);
  return agrees(kernels->name, "winograd_output");
}

static bool check_weights(void) {
  static const size_t points[] = {4, 6, 7};
  const size_t vectors = between(1, 48 / kernels->width), depth = between(1, 9), columns = vectors * kernels->width;
  const struct lowrank_winograd_weights weights = {
      .taps = a, .u = result, .down = b, .across = b + 7, .points = points[between(0, 2)], .depth = depth,
      .vectors = vectors, .u_point = depth * columns + 16};
  define_winograd_weights(&weights, kernels->width);
  kernels->winograd_weights(&weights);
  return agrees(kernels->name, "winograd_weights");
}

static bool check_single(int form) {
  const enum numbers_kind drawn = kind;
  kind = SINGLES;
  const bool same = check_winograd(form);
  kind = drawn;
  return same;
}

static bool check_dense_rows(void) {
  const size_t pixels = between(1, 70), channels = between(1, LOWRANK_MOST_DENSE);
  for (size_t c = 0; c < channels; ++c)
    for (size_t p = 0; p < pixels; ++p) define(result + p * channels + c, a[c * 80 + p], 0, 0);
  kernels->to_dense_rows(a, 80, pixels, channels, result);
  return agrees(kernels->name, "to_dense_rows");
}

static bool check_layouts(int layout) {
  const size_t pixels = between(1, 70), channels = between(1, 48), width = kernels->width;
  // to_rows fills up the last block of channels with zeros; the others write what there is.
  const size_t written = layout == 1 ? (channels + width - 1) / width * width : channels;
  for (size_t c = 0; c < written; ++c) {
    for (size_t p = 0; p < pixels; ++p) {
      if (layout == 0) define(result + c * 80 + p, a[p * 64 + c], 0, 0);
      if (layout == 1) define(result + p * 64 + c, c < channels ? a[c * 80 + p] : 0, 0, 0);
      if (layout == 2) define(result + c * 96 + p, a[c * 80 + p], 0, 0);
    }
  }
  if (layout == 0) kernels->to_maps(a, 64, pixels, channels, result, 80);
  if (layout == 1) kernels->to_rows(a, 80, pixels, channels, result, 64);
  if (layout == 2) kernels->copy_maps(a, 80, pixels, channels, 64, result, 96);
  static const char *const names[] = {"to_maps", "to_rows", "copy_maps"};
  return agrees(kernels->name, names[layout]);
}

/// Numbers of all magnitudes, every other one where an activation bends, behind those that are special.
static void draw_magnitudes(float *numbers, size_t count) {
  static const float special[] = {0,       -0.0f,    INFINITY, -INFINITY, NAN,     -NAN,    FLT_MAX, -FLT_MAX,
                                  FLT_MIN, -FLT_MIN, 0x1p-149f, -0x1p-149f, -88,   -104,    -110,    -14.5f};
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = (uint32_t)between(0, UINT32_MAX >> 2) << 2 | (uint32_t)between(0, 3);
    // Exponents from -12 to 7.
    if (i % 2) bits = (bits & 0x807fffff) | (uint32_t)between(127 - 12, 127 + 7) << 23;
    memcpy(numbers + i, &bits, sizeof bits);
  }
  memcpy(numbers, special, sizeof special);
}

/// An activation over all Floats, beside libm; a number a place further on has the same result to the bit.
static bool check_activation(int activation) {
  enum { COUNT = 4093 };
  const struct lowrank_epilogue epilogue = {.activation = (enum lowrank_epilogue_activation)activation,
                                            .alpha = activation == LOWRANK_ACTIVATION_HARD_SIGMOID ? 0.2f : 0.25f,
                                            .beta = 0.5f,
                                            .slopes = b};
  draw_magnitudes(a, COUNT);
  // Behind the first place, there and back to it: a vector's lanes and the tail change.
  const size_t places[] = {0, between(1, 31)};
  for (size_t i = 0; i < 2; ++i) memcpy(result + i * 2 * COUNT + places[i], a, COUNT * sizeof *a);
  for (size_t i = 0; i < 2; ++i) {
    float *line = result + i * 2 * COUNT;
    kernels->leave_maps(&(struct lowrank_leave){
        .x = line, .z = line, .pixels = places[i] + COUNT, .channels = 1, .x_pixel = 1, .epilogue = &epilogue});
  }
  for (size_t i = 0; i < COUNT; ++i) {
    const float x = a[i], y = result[i], again = result[2 * COUNT + places[1] + i];
    const double expected = activated(&epilogue, 0, x), off = fabs(y - expected);
    // A result that is nearly the greatest Float may be rounded past it.
    const bool right = isnan(expected)   ? isnan(y)
                       : isinf((float)expected) ? y == (float)expected
                                         : off <= activation_error(&epilogue, 0, x);
    if (right && (isnan(y) ? isnan(again) : memcmp(&y, &again, sizeof y) == 0)) continue;
    printf("%s: activation %d of %.9g (%a) is %.9g, again %.9g, not %.9g\n", kernels->name, activation, (double)x,
           (double)x, (double)y, (double)again, expected);
    return false;
  }
  return true;
}

static bool check(int number, size_t round) {
  draw(a, SIZE);
  begin();
  const int form = (int)(round / KINDS % LOWRANK_WINOGRAD_FORMS);
  switch (number) {
    case 0: return check_rows(false);
    case 1: return check_rows(true);
    case 2: return check_maps();
    case 3: return check_leave(round % 2 == 0);
    case 4: return check_depthwise(false);
    case 5: return check_depthwise(true);
    case 6: return check_winograd(form);
    case 7: return check_single(form);
    case 8: return check_activation((int)(round % LOWRANK_ACTIVATIONS));
    case 9: return check_dense_rows();
    case 10: return check_weights();
    default: return check_layouts(number - 11);
  }
}

int main(int count, char **arguments) {
  enum { CHECKS = 14 };
  const unsigned long long seed = count > 1 ? strtoull(arguments[1], NULL, 10) : 20261124;
  const size_t rounds = count > 2 ? strtoull(arguments[2], NULL, 10) : 96;
  a = floats(SIZE);
  b = floats(SIZE);
  packed = floats(SIZE);
  result = floats(RESULTS);
  size_t passed = 0, failed = 0;
  for (int variant = LOWRANK_SCALAR; variant <= LOWRANK_NEON; ++variant) {
    kernels = lowrank_kernels_of((enum lowrank_variant)variant);
    if (!kernels) continue;
    seed_numbers(seed);
    for (size_t round = 0; round < rounds; ++round) {
      kind = (enum numbers_kind)(round % KINDS);
      draw(b, SIZE);
      for (int number = 0; number < CHECKS; ++number) {
        if (check(number, round)) ++passed;
        else ++failed;
      }
    }
    printf("%s kernels, vectors of %zu, beside their definitions\n", kernels->name, kernels->width);
  }
  printf("%zu passed, %zu failed, seed %llu\n", passed, failed, seed);
  return failed > 0 || passed == 0;
}
