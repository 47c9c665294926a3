// Holds the kernels of every instruction set that the processor has to the scalar ones, on shapes drawn at random, without
// Swift: scripts/kernel-check.sh compiles it for this machine and for arm64.
#include "CKernels.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Floats a buffer: more than any shape below needs, with room behind for whole vectors.
enum { SIZE = 1 << 18, GUARD = 64, ROUNDS = 120 };

static unsigned long long state = 20261124;

static size_t between(size_t low, size_t high) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return low + (size_t)((state >> 33) % (high - low + 1));
}

static float *numbers(void) {
  float *p = aligned_alloc(64, (SIZE + GUARD) * sizeof *p);
  if (!p) exit(2);
  for (size_t i = 0; i < SIZE + GUARD; ++i) p[i] = (float)between(0, 2000) / 1000 - 1;
  return p;
}

/// Two results that begin alike, so that what a kernel must not write stays equal.
static float *results[2];

static void begin(void) {
  float *first = numbers();
  memcpy(results[0], first, (SIZE + GUARD) * sizeof *first);
  memcpy(results[1], first, (SIZE + GUARD) * sizeof *first);
  free(first);
}

/// Whether both results are the same to the rounding of sums of `terms` products of numbers up to `size`.
static bool agree(const char *name, const char *kernel, size_t terms, float size) {
  const float bound = 4 * 1.2e-7f * (float)(terms + 2) * size;
  for (size_t i = 0; i < SIZE + GUARD; ++i) {
    if (fabsf(results[0][i] - results[1][i]) <= bound) continue;
    printf("%s: %s: element %zu is %g, with scalar kernels %g\n", name, kernel, i, (double)results[1][i],
           (double)results[0][i]);
    return false;
  }
  return true;
}

/// [depth][columns] as panels of `panel` vectors.
static void pack(const float *b, size_t depth, size_t columns, size_t width, size_t panel, float *target) {
  for (size_t from = 0; from < columns; from += panel * width) {
    const size_t count = columns - from < panel * width ? columns - from : panel * width;
    for (size_t d = 0; d < depth; ++d) {
      for (size_t j = 0; j < count; ++j) *target++ = b[d * columns + from + j];
    }
  }
}

static bool check_rows(const struct lowrank_kernels *const kernels[2], const float *a, const float *b, float *packed,
                       bool of_maps) {
  const size_t rows = of_maps ? 1 : between(1, 3), taps = of_maps ? 1 : between(1, 9);
  const size_t pixels = between(1, 40), depth = between(1, 20), columns = 16 * between(1, 6);
  const size_t panel = between(1, LOWRANK_MAX_PANEL);
  const float *sources[32];
  for (size_t i = 0; i < rows * taps; ++i) sources[i] = a + between(0, 1000);
  begin();
  for (int side = 0; side < 2; ++side) {
    float *targets[3];
    for (size_t r = 0; r < rows; ++r) targets[r] = results[side] + r * pixels * columns;
    pack(b, taps * depth, columns, kernels[side]->width, panel, packed);
    const struct lowrank_rows product = {
        .a = sources, .c = targets, .b = packed, .rows = rows, .pixels = pixels, .taps = taps, .depth = depth,
        .a_pixel = 24, .a_depth = 48, .c_pixel = columns, .b_depth = taps * depth,
        .vectors = columns / kernels[side]->width, .panel = panel};
    (of_maps ? kernels[side]->rows_of_maps : kernels[side]->rows)(&product);
  }
  return agree(kernels[1]->name, of_maps ? "rows_of_maps" : "rows", taps * depth, (float)(taps * depth));
}

static bool check_maps(const struct lowrank_kernels *const kernels[2], const float *x, const float *w, float *packed,
                       bool finish) {
  const size_t outputs = between(1, 40), depth = between(1, 20), pixels = between(1, 90);
  const bool has_residual = between(0, 1), has_bias = between(0, 1), bounded = between(0, 1);
  begin();
  for (int side = 0; side < 2; ++side) {
    const size_t strip = kernels[side]->strip;
    float *target = packed;
    for (size_t from = 0; from < outputs; from += strip) {
      for (size_t k = 0; k < depth; ++k) {
        for (size_t i = 0; i < strip; ++i) *target++ = from + i < outputs ? w[(from + i) * depth + k] : 0;
      }
    }
    const struct lowrank_maps product = {
        .x = x, .w = packed, .z = results[side], .bias = has_bias ? w + 5000 : NULL,
        .residual = has_residual ? x + 5000 : NULL, .outputs = outputs, .depth = depth, .pixels = pixels, .x_row = 128,
        .z_row = 100, .low = bounded ? 0 : -INFINITY, .high = bounded ? 1 : INFINITY, .bounded = bounded};
    (finish ? kernels[side]->finish : kernels[side]->maps)(&product);
  }
  return agree(kernels[1]->name, finish ? "finish" : "maps", depth, (float)depth + 2);
}

static bool check_depthwise(const struct lowrank_kernels *const kernels[2], const float *a, const float *w, bool square) {
  const size_t side_taps = between(0, 1) ? 3 : 5, stride = between(1, 2), channels = 16 * between(1, 3);
  const size_t rows = between(1, 6), pixels = between(1, 13), taps = between(1, 25);
  const float *sources[32];
  for (size_t i = 0; i < 32; ++i) sources[i] = a + i * 2000;
  begin();
  for (int side = 0; side < 2; ++side) {
    float *targets[6];
    for (size_t r = 0; r < rows; ++r) targets[r] = results[side] + r * pixels * channels;
    const size_t vectors = channels / kernels[side]->width;
    if (square) {
      const struct lowrank_depthwise_square product = {
          .a = sources, .c = targets, .w = w, .rows = rows, .pixels = pixels, .side = side_taps, .stride = stride,
          .a_pixel = 48, .c_pixel = channels, .w_row = 48, .vectors = vectors};
      kernels[side]->depthwise_square(&product);
    } else {
      const struct lowrank_depthwise product = {
          .a = sources, .w = w, .c = results[side], .pixels = pixels, .taps = taps, .a_pixel = 48, .c_pixel = channels,
          .w_row = 48, .vectors = vectors};
      kernels[side]->depthwise(&product);
    }
  }
  return agree(kernels[1]->name, square ? "depthwise_square" : "depthwise", 25, 25);
}

static bool check_winograd(const struct lowrank_kernels *const kernels[2], const float *a, int form) {
  // The points of a tile's side and its outputs: F(2, 3), F(4, 3), F(5, 3), F(2, 5).
  static const size_t points[] = {4, 6, 7, 6}, outputs[] = {2, 4, 5, 2};
  const size_t n = points[form], m = outputs[form], tiles = between(1, 7), channels = 16 * between(1, 3);
  const float *sources[8];
  for (size_t i = 0; i < n; ++i) sources[i] = a + between(0, 5000);
  bool same = true;
  begin();
  for (int side = 0; side < 2; ++side) {
    const struct lowrank_winograd_input transform = {
        .rows = sources, .v = results[side], .tiles = tiles, .vectors = channels / kernels[side]->width, .pixel = 48,
        .v_tile = channels, .v_point = tiles * channels + 16};
    kernels[side]->winograd_input[form](&transform);
  }
  // The elements of the transforms' matrices are up to 21; each is applied twice.
  same = agree(kernels[1]->name, "winograd_input", 2 * n, 500) && same;
  begin();
  for (int side = 0; side < 2; ++side) {
    float *targets[8];
    for (size_t i = 0; i < m; ++i) targets[i] = results[side] + i * tiles * m * channels;
    const struct lowrank_winograd_output transform = {
        .m = a, .rows = targets, .tiles = tiles, .vectors = channels / kernels[side]->width, .pixel = channels,
        .m_tile = channels, .m_point = tiles * channels + 16};
    kernels[side]->winograd_output[form](&transform);
  }
  return agree(kernels[1]->name, "winograd_output", 2 * n, 5000) && same;
}

static bool check_layouts(const struct lowrank_kernels *const kernels[2], const float *a) {
  // Whole blocks of 16 channels: what fills up a block's last ones differs with the width of a vector.
  const size_t pixels = between(1, 70), channels = 16 * between(1, 3);
  bool same = true;
  for (int kind = 0; kind < 3; ++kind) {
    begin();
    for (int side = 0; side < 2; ++side) {
      const struct lowrank_kernels *k = kernels[side];
      if (kind == 0) k->to_maps(a, 64, pixels, channels, results[side], 80);
      if (kind == 1) k->to_rows(a, 80, pixels, channels, results[side], 64);
      if (kind == 2) k->copy_maps(a, 80, pixels, channels, 64, results[side], 96);
    }
    // copy_maps may fill up the last vector of a row; what lies behind the pixels is not compared.
    for (size_t c = 0; kind == 2 && c < channels; ++c) {
      memcpy(results[1] + c * 96 + pixels, results[0] + c * 96 + pixels, (96 - pixels) * sizeof(float));
    }
    static const char *const names[] = {"to_maps", "to_rows", "copy_maps"};
    same = agree(kernels[1]->name, names[kind], 0, 0) && same;
  }
  return same;
}

int main(void) {
  float *const a = numbers(), *const b = numbers(), *const packed = numbers();
  results[0] = numbers();
  results[1] = numbers();
  size_t passed = 0, failed = 0;
  for (int variant = LOWRANK_AVX2; variant <= LOWRANK_NEON; ++variant) {
    const struct lowrank_kernels *const other = lowrank_kernels_of((enum lowrank_variant)variant);
    if (!other) continue;
    const struct lowrank_kernels *const kernels[2] = {lowrank_kernels_of(LOWRANK_SCALAR), other};
    for (int round = 0; round < ROUNDS; ++round) {
      const bool checks[] = {
          check_rows(kernels, a, b, packed, false),  check_rows(kernels, a, b, packed, true),
          check_maps(kernels, a, b, packed, false),  check_maps(kernels, a, b, packed, true),
          check_depthwise(kernels, a, b, false),     check_depthwise(kernels, a, b, true),
          check_winograd(kernels, a, round % LOWRANK_WINOGRAD_FORMS), check_layouts(kernels, a)};
      for (size_t i = 0; i < sizeof checks / sizeof *checks; ++i) {
        if (checks[i]) ++passed;
        else ++failed;
      }
    }
    printf("%s kernels, vectors of %zu, beside the scalar ones\n", other->name, other->width);
  }
  printf("%zu passed, %zu failed\n", passed, failed);
  return failed > 0 || passed == 0;
}
