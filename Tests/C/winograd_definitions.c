// Winograd's transforms in Double, their matrices worked out from the points: B^T has the coefficients of the product of
// (x - a) over all points a but one, A^T the powers of the points; infinity comes last. That these matrices make a
// convolution is proved in exact arithmetic by WinogradTests.
#include "kernel_definitions.h"

#include <math.h>

// The points come in pairs +-a, whose terms cancel to nothing only where each product is rounded by itself.
#pragma STDC FP_CONTRACT OFF

const size_t winograd_points[] = {4, 6, 7, 6}, winograd_outputs[] = {2, 4, 5, 2};

enum { MOST = 7 };

static void finite_points(int form, double points[MOST]) {
  const double root = sqrt(2);
  const double all[LOWRANK_WINOGRAD_FORMS][MOST] = {
      {0, 1, -1},
      {0, root / 2, -root / 2, root, -root},
      {0.4, -0.4, 0.8, -0.8, 2, -2},
      {0, root / 2, -root / 2, root, -root}};
  for (size_t i = 0; i < MOST; ++i) points[i] = all[form][i];
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

/// The sum of left[i] right[j] x[i][j] and of its terms' magnitudes. The products of the two constants are exact to the
/// last bits of a Double; where both are integers, the sum is exact.
static double bilinear(const double *left, const double *right, size_t n, const double x[MOST][MOST], double *size) {
  double sum = 0;
  *size = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      sum += left[i] * right[j] * x[i][j];
      *size += fabs(left[i] * right[j] * x[i][j]);
    }
  }
  return sum;
}

/// The roundings of two transforms by sums of n products and of their constants, up to five each; where there is one
/// number alone, of its two products and their constants.
static size_t roundings(size_t n) { return kind == SINGLES ? 12 : 2 * n + 16; }

/// Integers are exact only where all constants are integers: F(2, 3).
static void define_exactly(const float *element, double value, double size, size_t n, int form,
                           const struct lowrank_epilogue *epilogue, size_t channel) {
  const enum numbers_kind drawn = kind;
  const size_t most = roundings(n);
  if (drawn == INTEGERS && form != 0) kind = FRACTIONS;
  define_activated(element, epilogue, channel, value, size, most);
  kind = drawn;
}

void define_winograd_input(const struct lowrank_winograd_input *g, int form, size_t width) {
  const size_t n = winograd_points[form], m = winograd_outputs[form];
  double points[MOST], b[MOST][MOST];
  finite_points(form, points);
  for (size_t i = 0; i < n; ++i) polynomial(points, n - 1, i, b[i]);
  for (size_t tile = 0; tile < g->tiles; ++tile) {
    for (size_t channel = 0; channel < g->vectors * width; ++channel) {
      double d[MOST][MOST], size;
      for (size_t y = 0; y < n; ++y) {
        for (size_t x = 0; x < n; ++x) d[y][x] = g->rows[y][(tile * m + x) * g->pixel + channel];
      }
      for (size_t point = 0; point < n * n; ++point) {
        const double value = bilinear(b[point / n], b[point % n], n, (const double(*)[MOST])d, &size);
        define_exactly(g->v + tile * g->v_tile + point * g->v_point + channel, value, size, n, form, NULL, 0);
      }
    }
  }
}

void define_winograd_output(const struct lowrank_winograd_output *g, int form, size_t width) {
  const size_t n = winograd_points[form], m = winograd_outputs[form];
  double points[MOST], a[MOST][MOST];
  finite_points(form, points);
  for (size_t j = 0; j < m; ++j) {
    for (size_t i = 0; i + 1 < n; ++i) a[j][i] = pow(points[i], (double)j);
    a[j][n - 1] = j == m - 1;
  }
  for (size_t tile = 0; tile < g->tiles; ++tile) {
    for (size_t channel = 0; channel < g->vectors * width; ++channel) {
      double products[MOST][MOST], size;
      for (size_t point = 0; point < n * n; ++point) {
        products[point / n][point % n] = g->m[tile * g->m_tile + point * g->m_point + channel];
      }
      for (size_t i = 0; i < m * m; ++i) {
        const double value = bilinear(a[i / m], a[i % m], n, (const double(*)[MOST])products, &size);
        define_exactly(g->rows[i / m] + (tile * m + i % m) * g->pixel + channel, value, size, n, form,
                       g->epilogue, g->channel + channel);
      }
    }
  }
}
