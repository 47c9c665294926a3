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

/// target = M X M^T for X of columns x columns and M of rows x columns.
static void both_sides(const double *m, size_t rows, size_t columns, const double *x, double *target) {
  double half[16 * 16];
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) {
      half[i * columns + j] = 0;
      for (size_t k = 0; k < columns; ++k) half[i * columns + j] += m[i * columns + k] * x[k * columns + j];
    }
  }
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < rows; ++j) {
      target[i * rows + j] = 0;
      for (size_t k = 0; k < columns; ++k) target[i * rows + j] += half[i * columns + k] * m[j * columns + k];
    }
  }
}

/// The tile of n x n inputs behind the tile of outputs at (top, left), zeros in the padding.
static void cut(const struct definition_geometry *g, size_t n, size_t top, size_t left, const double *map, double *tile) {
  for (size_t y = 0; y < n; ++y) {
    for (size_t x = 0; x < n; ++x) {
      const long from_y = meeting(g, 1, top, y), from_x = meeting(g, 2, left, x);
      *tile++ = from_y < 0 || from_x < 0 ? 0 : map[(size_t)from_y * g->extents[2] + (size_t)from_x];
    }
  }
}

/// One tile of all outputs of an image: `v` has the transformed inputs, `u` the kernel.
static void finish_tile(const struct definition_geometry *g, const struct definition_tiles *f, const double *a,
                        const double *u, const double *v, size_t top, size_t left, double *output) {
  const size_t m = f->tile, n = m + f->kernel - 1;
  for (size_t t = 0; t < g->outputs; ++t, output += volume(g->results)) {
    double sum[16 * 16] = {0}, tile[16 * 16];
    for (size_t s = 0; s < g->inputs; ++s, u += n * n) {
      for (size_t i = 0; i < n * n; ++i) sum[i] += u[i] * v[s * n * n + i];
    }
    both_sides(a, m, n, sum, tile);
    for (size_t y = 0; y < m && top + y < g->results[1]; ++y) {
      for (size_t x = 0; x < m && left + x < g->results[2]; ++x) {
        output[(top + y) * g->results[2] + left + x] = tile[y * m + x];
      }
    }
  }
}

int definition_convolve_by_tiles(const struct definition_geometry *g, const struct definition_tiles *f,
                                 enum definition_measure measure, const double *kernel, const double *input,
                                 double *output) {
  const size_t m = f->tile, r = f->kernel, n = m + r - 1, points = n * n;
  double a[16 * 16], b[16 * 16], tile[16 * 16];
  double *const u = malloc(g->outputs * g->inputs * points * sizeof *u), *const v = malloc(g->inputs * points * sizeof *v);
  if (u && v) {
    for (size_t i = 0; i < m * n; ++i) a[i] = measured(measure, f->back[i]);
    for (size_t i = 0; i < points; ++i) b[i] = measured(measure, f->input[i]);
    for (size_t i = 0; i < g->outputs * g->inputs; ++i) both_sides(f->filter, n, r, kernel + i * r * r, u + i * points);
    for (size_t i = 0; i < g->outputs * g->inputs * points; ++i) u[i] = measured(measure, u[i]);
    for (size_t image = 0; image < g->batch; ++image) {
      for (size_t top = 0; top < g->results[1]; top += m) {
        for (size_t left = 0; left < g->results[2]; left += m) {
          for (size_t s = 0; s < g->inputs; ++s) {
            cut(g, n, top, left, input + (image * g->inputs + s) * volume(g->extents), tile);
            both_sides(b, n, n, tile, v + s * points);
          }
          finish_tile(g, f, a, u, v, top, left, output + image * g->outputs * volume(g->results));
        }
      }
    }
  }
  const int done = u && v;
  free(u);
  free(v);
  return done;
}
