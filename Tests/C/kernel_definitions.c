#include "kernel_definitions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum numbers_kind kind;
float *result;
static double expected[RESULTS], bounds[RESULTS];

static unsigned long long state;

void seed_numbers(unsigned long long seed) { state = seed; }

size_t between(size_t low, size_t high) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return low + (size_t)((state >> 33) % (high - low + 1));
}

void draw(float *numbers, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    numbers[i] = kind == INTEGERS ? (float)between(0, 6) - 3 : (float)between(0, 2000) / 1000 - 1;
  }
}

void begin(void) {
  draw(result, RESULTS);
  for (size_t i = 0; i < RESULTS; ++i) {
    expected[i] = result[i];
    bounds[i] = 0;
  }
}

void define(const float *element, double value, double magnitude, size_t roundings) {
  const size_t at = (size_t)(element - result);
  if (at >= RESULTS) exit(2);
  expected[at] = value;
  // 2^-24 a rounding.
  bounds[at] = kind == INTEGERS ? 0 : (double)roundings * 0x1p-24 * magnitude;
}

void define_activated(const float *element, const struct lowrank_epilogue *epilogue, size_t channel, double sum,
                      double magnitude, size_t roundings) {
  const double bias = epilogue && epilogue->bias ? epilogue->bias[channel] : 0;
  define(element, sum + bias, magnitude + fabs(bias), roundings + (bias != 0));
  double *bound = bounds + (element - result);
  *bound = *bound * activation_slope(epilogue, channel) + activation_error(epilogue, channel, sum + bias);
  expected[element - result] = activated(epilogue, channel, sum + bias);
}

bool agrees(const char *variant, const char *kernel) {
  static const char *const kinds[] = {"fractions", "integers", "single numbers"};
  for (size_t i = 0; i < RESULTS; ++i) {
    // So that a NaN fails.
    if (fabs((double)result[i] - expected[i]) <= bounds[i]) continue;
    printf("%s: %s of %s: element %zu is %.9g, not %.9g within %.3g\n", variant, kernel,
           kinds[kind], i, (double)result[i], expected[i], bounds[i]);
    return false;
  }
  return true;
}

void define_rows(const struct lowrank_rows *g, const float *columns, size_t width, bool of_maps) {
  const size_t count = g->vectors * width;
  // A sum that begins at what C holds has no bias.
  struct lowrank_epilogue epilogue = g->epilogue ? *g->epilogue : (struct lowrank_epilogue){0};
  if (g->adds) epilogue.bias = NULL;
  for (size_t row = 0; row < g->rows; ++row) {
    for (size_t pixel = 0; pixel < g->pixels; ++pixel) {
      for (size_t column = 0; column < count - g->spare; ++column) {
        const float *c = g->c[row] + pixel * g->c_pixel + column;
        double sum = g->adds ? *c : 0, size = fabs(sum);
        for (size_t k = 0; k < g->taps * g->depth; ++k) {
          const float *tap = g->a[row * g->taps + k / g->depth];
          const size_t d = k % g->depth;
          const double a = of_maps ? tap[d * g->a_depth + pixel] : tap[pixel * g->a_pixel + d];
          const double product = a * columns[(g->b_first + k) * count + column];
          sum += product;
          size += fabs(product);
        }
        define_activated(c, g->epilogue ? &epilogue : NULL, g->channel + column, sum, size, g->taps * g->depth + 2);
      }
    }
  }
}

void define_maps(const struct lowrank_maps *g, const float *weights) {
  for (size_t output = 0; output < g->outputs; ++output) {
    for (size_t pixel = 0; pixel < g->pixels; ++pixel) {
      float *z = g->z + output * g->z_row + pixel;
      const double residual = g->residual ? g->residual[output * g->z_row + pixel] : 0;
      double sum = residual, size = fabs(residual);
      for (size_t k = 0; k < g->depth; ++k) {
        const double product = (double)weights[output * g->depth + k] * g->x[k * g->x_row + pixel];
        sum += product;
        size += fabs(product);
      }
      define_activated(z, g->epilogue, g->channel + output, sum, size, g->depth + 3);
    }
  }
}

void define_leave(const struct lowrank_leave *g, bool maps) {
  for (size_t pixel = 0; pixel < g->pixels; ++pixel) {
    for (size_t channel = 0; channel < g->channels; ++channel) {
      const size_t at = maps ? channel * g->z_step + pixel : pixel * g->z_step + channel;
      const double x = g->x[pixel * g->x_pixel + channel], residual = g->residual ? g->residual[at] : 0;
      define_activated(g->z + at, g->epilogue, g->channel + channel, x + residual, fabs(x) + fabs(residual), 2);
    }
  }
}

void define_depthwise(const struct lowrank_depthwise *g, size_t width) {
  for (size_t pixel = 0; pixel < g->pixels; ++pixel) {
    for (size_t channel = 0; channel < g->vectors * width; ++channel) {
      double sum = 0, size = 0;
      for (size_t tap = 0; tap < g->taps; ++tap) {
        const double product = (double)g->a[tap][pixel * g->a_pixel + channel] * g->w[tap * g->w_row + channel];
        sum += product;
        size += fabs(product);
      }
      define_activated(g->c + pixel * g->c_pixel + channel, g->epilogue, g->channel + channel, sum, size, g->taps + 2);
    }
  }
}

void define_square(const struct lowrank_depthwise_square *g, size_t width) {
  for (size_t row = 0; row < g->rows; ++row) {
    for (size_t pixel = 0; pixel < g->pixels; ++pixel) {
      for (size_t channel = 0; channel < g->vectors * width; ++channel) {
        double sum = 0, size = 0;
        for (size_t y = 0; y < g->side; ++y) {
          for (size_t x = 0; x < g->side; ++x) {
            const double product = (double)g->a[row * g->stride + y][(pixel * g->stride + x) * g->a_pixel + channel] *
                                   g->w[(y * g->side + x) * g->w_row + channel];
            sum += product;
            size += fabs(product);
          }
        }
        define_activated(g->c[row] + pixel * g->c_pixel + channel, g->epilogue, g->channel + channel, sum, size,
                         g->side * g->side + 2);
      }
    }
  }
}
