// Winograd's transforms in Double, their matrices worked out from the points: B^T has the coefficients of the product of
// (x - a) over all points a but one, A^T the powers of the points; infinity comes last. That these matrices make a
// convolution is proved in exact arithmetic by WinogradTests.
#include "kernel_definitions.h"

#include <math.h>

// The points come in pairs +-a, whose terms cancel to nothing only where each product is rounded by itself.
#pragma STDC FP_CONTRACT OFF

const struct winograd_tile winograd_tiles[] = {
    {{4, 2}, {4, 2}}, {{6, 4}, {6, 4}}, {{7, 5}, {7, 5}}, {{6, 2}, {6, 2}}, {{6, 4}, {1, 1}},
    {{1, 1}, {6, 4}}, {{8, 6}, {1, 1}}, {{1, 1}, {8, 6}}, {{8, 4}, {1, 1}}, {{1, 1}, {8, 4}}, {{6, 5}, {6, 5}}};

_Static_assert(sizeof winograd_tiles / sizeof *winograd_tiles == LOWRANK_WINOGRAD_FORMS, "a tile for each form");

enum { MOST = 8 };

/// The points of a side but infinity.
static void finite_points(size_t count, double points[MOST]) {
  const double root = sqrt(2);
  const double all[MOST + 1][MOST] = {[4] = {0, 1, -1},
                                      [6] = {0, root / 2, -root / 2, root, -root},
                                      [7] = {0.4, -0.4, 0.8, -0.8, 2, -2},
                                      [8] = {0, 0.5, -0.5, 1, -1, 2, -2}};
  for (size_t i = 0; i < MOST; ++i) points[i] = all[count][i];
}

/// The coefficients of the product of (x - a) over all points but number `without`, in B^T's row of that number.
static void polynomial(const double points[MOST], size_t count, size_t without, double row[MOST]) {
  size_t degree = 0;
  for (size_t i = 0; i < MOST; ++i) row[i] = i == 0;
  for (size_t k = 0; k < count; ++k) {
    if (k == without) continue;
    ++degree;
    for (size_t i = degree; i > 0; --i) row[i] = row[i - 1] - points[k] * row[i];
    row[0] *= -points[k];
  }
}

/// B^T of a side; of one point, 1.
static void forward_matrix(struct winograd_side side, double b[MOST][MOST]) {
  double points[MOST];
  finite_points(side.points, points);
  b[0][0] = 1;
  for (size_t i = 0; side.points > 1 && i < side.points; ++i) polynomial(points, side.points - 1, i, b[i]);
}

/// A^T of a side; of one point, 1.
static void back_matrix(struct winograd_side side, double a[MOST][MOST]) {
  double points[MOST];
  finite_points(side.points, points);
  for (size_t j = 0; j < side.outputs; ++j) {
    for (size_t i = 0; i + 1 < side.points; ++i) a[j][i] = pow(points[i], (double)j);
    a[j][side.points - 1] = j == side.outputs - 1;
  }
}

/// The sum of down[i] across[j] x[i][j] and of its terms' magnitudes. The products of the two constants are exact to the
/// last bits of a Double; where both are integers, the sum is exact.
static double bilinear(const struct winograd_tile *tile, const double *down, const double *across,
                       const double x[MOST][MOST], double *size) {
  double sum = 0;
  *size = 0;
  for (size_t i = 0; i < tile->down.points; ++i) {
    for (size_t j = 0; j < tile->across.points; ++j) {
      sum += down[i] * across[j] * x[i][j];
      *size += fabs(down[i] * across[j] * x[i][j]);
    }
  }
  return sum;
}

/// The roundings of two transforms by sums of their points' products and of their constants, up to five each; where there
/// is one number alone, of its two products and their constants.
static size_t roundings(const struct winograd_tile *tile) {
  return kind == SINGLES ? 12 : tile->down.points + tile->across.points + 16;
}

/// Whether a side's constants are sums of powers of two, so that small integers stay exact.
static bool is_exact(struct winograd_side side) { return side.points != 6 && side.points != 7; }

void define_winograd_weights(const struct lowrank_winograd_weights *g, size_t width) {
  const size_t columns = g->vectors * width;
  for (size_t point = 0; point < g->points; ++point) {
    for (size_t d = 0; d < g->depth; ++d) {
      for (size_t column = 0; column < columns; ++column) {
        double sum = 0, size = 0;
        for (size_t tap = 0; tap < 9; ++tap) {
          const double term =
              (double)g->down[tap / 3] * g->across[3 * point + tap % 3] * g->taps[(d * 9 + tap) * columns + column];
          sum += term;
          size += fabs(term);
        }
        // Three roundings down and three across.
        define(g->u + point * g->u_point + d * columns + column, sum, size, 6);
      }
    }
  }
}

static void define_transformed(const float *element, const struct winograd_tile *tile, double value, double size,
                               const struct lowrank_epilogue *epilogue, size_t channel) {
  const enum numbers_kind drawn = kind;
  const size_t most = roundings(tile);
  if (drawn == INTEGERS && !(is_exact(tile->down) && is_exact(tile->across))) kind = FRACTIONS;
  define_activated(element, epilogue, channel, value, size, most);
  kind = drawn;
}

void define_winograd_input(const struct lowrank_winograd_input *g, int form, size_t width) {
  const struct winograd_tile *tile = &winograd_tiles[form];
  const size_t across = tile->across.points;
  double down_matrix[MOST][MOST], across_matrix[MOST][MOST];
  forward_matrix(tile->down, down_matrix);
  forward_matrix(tile->across, across_matrix);
  for (size_t t = 0; t < g->tiles; ++t) {
    for (size_t channel = 0; channel < g->vectors * width; ++channel) {
      double d[MOST][MOST], size;
      for (size_t y = 0; y < tile->down.points; ++y) {
        for (size_t x = 0; x < across; ++x) d[y][x] = g->rows[y][(t * tile->across.outputs + x) * g->pixel + channel];
      }
      for (size_t point = 0; point < tile->down.points * across; ++point) {
        const double value = bilinear(tile, down_matrix[point / across], across_matrix[point % across],
                                      (const double(*)[MOST])d, &size);
        define_transformed(g->v + t * g->v_tile + point * g->v_point + channel, tile, value, size, NULL, 0);
      }
    }
  }
}

void define_winograd_output(const struct lowrank_winograd_output *g, int form, size_t width) {
  const struct winograd_tile *tile = &winograd_tiles[form];
  const size_t across = tile->across.outputs, points = tile->across.points;
  double down_matrix[MOST][MOST], across_matrix[MOST][MOST];
  back_matrix(tile->down, down_matrix);
  back_matrix(tile->across, across_matrix);
  for (size_t t = 0; t < g->tiles; ++t) {
    for (size_t channel = 0; channel < g->vectors * width; ++channel) {
      double products[MOST][MOST], size;
      for (size_t point = 0; point < tile->down.points * points; ++point) {
        products[point / points][point % points] = g->m[t * g->m_tile + point * g->m_point + channel];
      }
      for (size_t i = 0; i < tile->down.outputs * across; ++i) {
        const double value = bilinear(tile, down_matrix[i / across], across_matrix[i % across],
                                      (const double(*)[MOST])products, &size);
        define_transformed(g->rows[i / across] + (t * across + i % across) * g->pixel + channel, tile, value, size,
                           g->epilogue, g->channel + channel);
      }
    }
  }
}
