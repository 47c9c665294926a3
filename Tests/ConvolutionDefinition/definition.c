#include "ConvolutionDefinition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double measured(enum definition_measure measure, double x) {
  return measure == definition_values ? x : measure == definition_magnitudes ? fabs(x) : x * x;
}

static size_t volume(const size_t extents[3]) { return extents[0] * extents[1] * extents[2]; }

/// The place along an axis that an output and a tap meet at; -1 in the padding.
static long meeting(const struct definition_geometry *g, int axis, size_t output, size_t tap) {
  const long at = (long)(output * g->stride[axis] + tap * g->dilation[axis]) - (long)g->before[axis];
  return at >= 0 && at < (long)g->extents[axis] ? at : -1;
}

/// Adds what one weight contributes to an output map.
static void add_tap(const struct definition_geometry *g, double weight, const size_t tap[3], const double *map,
                    double *result) {
  for (size_t z = 0; z < g->results[0]; ++z) {
    const long from_z = meeting(g, 0, z, tap[0]);
    for (size_t y = 0; y < g->results[1]; ++y, result += g->results[2]) {
      const long from_y = meeting(g, 1, y, tap[1]);
      if (from_z < 0 || from_y < 0) continue;
      const double *row = map + ((size_t)from_z * g->extents[1] + (size_t)from_y) * g->extents[2];
      for (size_t x = 0; x < g->results[2]; ++x) {
        const long from_x = meeting(g, 2, x, tap[2]);
        if (from_x >= 0) result[x] += weight * row[from_x];
      }
    }
  }
}

void definition_convolve(const struct definition_geometry *g, enum definition_measure measure, const double *kernel,
                         const double *input, double *output) {
  const size_t group_inputs = g->inputs / g->groups, group_outputs = g->outputs / g->groups;
  const size_t positions = volume(g->extents), results = volume(g->results);
  memset(output, 0, g->batch * g->outputs * results * sizeof *output);
  for (size_t n = 0; n < g->batch; ++n) {
    const double *weight = kernel;
    for (size_t t = 0; t < g->outputs; ++t, output += results) {
      for (size_t s = 0; s < group_inputs; ++s) {
        const double *map = input + (n * g->inputs + t / group_outputs * group_inputs + s) * positions;
        size_t tap[3];
        for (tap[0] = 0; tap[0] < g->kernel[0]; ++tap[0]) {
          for (tap[1] = 0; tap[1] < g->kernel[1]; ++tap[1]) {
            for (tap[2] = 0; tap[2] < g->kernel[2]; ++tap[2], ++weight) {
              add_tap(g, measured(measure, *weight), tap, map, output);
            }
          }
        }
      }
    }
  }
}

/// [rows][columns]
struct matrix {
  size_t rows, columns;
  double elements[16 * 16];
};

static struct matrix matrix(const double *elements, size_t rows, size_t columns, enum definition_measure measure) {
  struct matrix m = {.rows = rows, .columns = columns};
  for (size_t i = 0; i < rows * columns; ++i) m.elements[i] = measured(measure, elements[i]);
  return m;
}

/// target = L X R^T.
static void both_sides(const struct matrix *left, const struct matrix *right, const double *x, double *target) {
  double half[16 * 16];
  for (size_t i = 0; i < left->rows; ++i) {
    for (size_t j = 0; j < right->columns; ++j) {
      double *sum = half + i * right->columns + j;
      *sum = 0;
      for (size_t k = 0; k < left->columns; ++k) {
        *sum += left->elements[i * left->columns + k] * x[k * right->columns + j];
      }
    }
  }
  for (size_t i = 0; i < left->rows; ++i) {
    for (size_t j = 0; j < right->rows; ++j, ++target) {
      *target = 0;
      for (size_t k = 0; k < right->columns; ++k) {
        *target += half[i * right->columns + k] * right->elements[j * right->columns + k];
      }
    }
  }
}

static size_t points_of(const struct definition_side *side) { return side->tile + side->kernel - 1; }

/// The tile of inputs behind the tile of outputs at (top, left), zeros in the padding.
static void cut(const struct definition_geometry *g, const struct definition_tiles *f, size_t top, size_t left,
                const double *map, double *tile) {
  for (size_t y = 0; y < points_of(&f->down); ++y) {
    for (size_t x = 0; x < points_of(&f->across); ++x) {
      const long from_y = meeting(g, 1, top, y), from_x = meeting(g, 2, left, x);
      *tile++ = from_y < 0 || from_x < 0 ? 0 : map[(size_t)from_y * g->extents[2] + (size_t)from_x];
    }
  }
}

/// One tile of all outputs of an image: `v` has the transformed inputs, `u` the kernel.
static void finish_tile(const struct definition_geometry *g, const struct matrix *down, const struct matrix *across,
                        const double *u, const double *v, size_t top, size_t left, double *output) {
  const size_t points = down->columns * across->columns;
  for (size_t t = 0; t < g->outputs; ++t, output += volume(g->results)) {
    double sum[16 * 16] = {0}, tile[16 * 16];
    for (size_t s = 0; s < g->inputs; ++s, u += points) {
      for (size_t i = 0; i < points; ++i) sum[i] += u[i] * v[s * points + i];
    }
    both_sides(down, across, sum, tile);
    for (size_t y = 0; y < down->rows && top + y * g->dilation[1] < g->results[1]; ++y) {
      for (size_t x = 0; x < across->rows && left + x * g->dilation[2] < g->results[2]; ++x) {
        output[(top + y * g->dilation[1]) * g->results[2] + left + x * g->dilation[2]] = tile[y * across->rows + x];
      }
    }
  }
}

/// The first output behind `first` along an axis that a tile begins at: the outputs of a tile are as far apart as the taps, so
/// that the tiles between begin at the outputs that it leaves out.
static size_t next_tile(const struct definition_side *side, size_t dilation, size_t first) {
  return (first + 1) % dilation == 0 ? first + 1 + (side->tile - 1) * dilation : first + 1;
}

/// The kernels of all pairs of channels, transformed.
static void transform_kernels(const struct definition_geometry *g, const struct definition_tiles *f,
                              enum definition_measure measure, const double *kernel, double *u) {
  const struct matrix down = matrix(f->down.filter, points_of(&f->down), f->down.kernel, definition_values);
  const struct matrix across = matrix(f->across.filter, points_of(&f->across), f->across.kernel, definition_values);
  const size_t points = down.rows * across.rows, taps = down.columns * across.columns, pairs = g->outputs * g->inputs;
  for (size_t i = 0; i < pairs; ++i) both_sides(&down, &across, kernel + i * taps, u + i * points);
  for (size_t i = 0; i < pairs * points; ++i) u[i] = measured(measure, u[i]);
}

int definition_convolve_by_tiles(const struct definition_geometry *g, const struct definition_tiles *f,
                                 enum definition_measure measure, const double *kernel, const double *input,
                                 double *output) {
  const size_t n = points_of(&f->down), w = points_of(&f->across), points = n * w;
  const struct matrix a_down = matrix(f->down.back, f->down.tile, n, measure);
  const struct matrix a_across = matrix(f->across.back, f->across.tile, w, measure);
  const struct matrix b_down = matrix(f->down.input, n, n, measure), b_across = matrix(f->across.input, w, w, measure);
  double *const u = malloc(g->outputs * g->inputs * points * sizeof *u), *const v = malloc(g->inputs * points * sizeof *v);
  if (u && v) {
    transform_kernels(g, f, measure, kernel, u);
    for (size_t image = 0; image < g->batch; ++image) {
      for (size_t top = 0; top < g->results[1]; top = next_tile(&f->down, g->dilation[1], top)) {
        for (size_t left = 0; left < g->results[2]; left = next_tile(&f->across, g->dilation[2], left)) {
          for (size_t s = 0; s < g->inputs; ++s) {
            double tile[16 * 16];
            cut(g, f, top, left, input + (image * g->inputs + s) * volume(g->extents), tile);
            both_sides(&b_down, &b_across, tile, v + s * points);
          }
          finish_tile(g, &a_down, &a_across, u, v, top, left, output + image * g->outputs * volume(g->results));
        }
      }
    }
  }
  const int done = u && v;
  free(u);
  free(v);
  return done;
}
