// Holds the products with weights of 16 and 8 bits of every instruction set that the processor has to their definition,
// without Swift: scripts/checks/kernel-check.sh compiles it for this machine and for arm64.
//
//     narrow [seed [rounds]]
#include "CNarrow.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 7, MOST_DEPTH = 40, MOST_PANELS = 4, GUARD = 16 };

static const struct lowrank_narrow_kernels *kernels;
static unsigned long long state;

static int between(int low, int high) {
  state = state * 6364136223846793005ull + 1442695040888963407ull;
  return low + (int)((state >> 33) % (unsigned)(high - low + 1));
}

/// What a number of half precision is, by IEEE 754's definition.
static double value_of(uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  const double sign = half & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? ldexp(1 + fraction / 1024.0, exponent - 15) : ldexp(fraction / 1024.0, -14));
}

/// Every number of half precision is widened exactly: a sum of one product with 1.
static bool widens_every_half(const char *name) {
  uint16_t w[256];
  float z[256], one = 1;
  for (unsigned first = 0; first < 1u << 16; first += (unsigned)kernels->panel) {
    for (size_t i = 0; i < kernels->panel; ++i) w[i] = (uint16_t)(first + i);
    kernels->halves(&(struct lowrank_narrow){.x = &one, .z = z, .w = w, .rows = 1, .depth = 1, .panels = 1});
    for (size_t i = 0; i < kernels->panel; ++i) {
      const double expected = value_of(w[i]);
      // A sum that begins at zero has no negative zero.
      if (isnan(expected) ? !isnan(z[i]) : z[i] != expected) {
        printf("%s: half %04x is %g, not %g\n", name, w[i], z[i], expected);
        return false;
      }
    }
  }
  return true;
}

/// Integers, so that no sum is rounded, and scales that are powers of two.
static bool multiplies(const char *name, bool bytes) {
  const size_t rows = (size_t)between(1, MOST_ROWS), depth = (size_t)between(1, MOST_DEPTH);
  const size_t panels = (size_t)between(1, MOST_PANELS), columns = panels * kernels->panel;
  const size_t x_row = depth + (size_t)between(0, 3), z_row = columns + (size_t)between(0, 3);
  static float x[MOST_ROWS * (MOST_DEPTH + 3)], scales[256 * MOST_PANELS];
  static float z[MOST_ROWS * (256 * MOST_PANELS + 3) + GUARD];
  static int weights[MOST_DEPTH * 256 * MOST_PANELS];
  static uint16_t halves[MOST_DEPTH * 256 * MOST_PANELS];
  static int8_t small[MOST_DEPTH * 256 * MOST_PANELS];
  for (size_t i = 0; i < rows * x_row; ++i) x[i] = (float)between(-3, 3);
  for (size_t i = 0; i < columns; ++i) scales[i] = ldexpf(1, between(-6, 6));
  for (size_t i = 0; i < depth * columns; ++i) {
    weights[i] = between(-127, 127);
    small[i] = (int8_t)weights[i];
    // The exponent of an integer of up to 7 bits, and what is below its first bit.
    int magnitude = abs(weights[i]), exponent = 0;
    while (magnitude >> exponent > 1) ++exponent;
    halves[i] = (uint16_t)((weights[i] < 0 ? 0x8000 : 0) |
                           (magnitude ? (exponent + 15) << 10 | (magnitude << (10 - exponent) & 1023) : 0));
  }
  for (size_t i = 0; i < sizeof z / sizeof *z; ++i) z[i] = NAN;
  const struct lowrank_narrow product = {.x = x, .z = z, .w = bytes ? (void *)small : (void *)halves,
                                         .scales = bytes ? scales : NULL, .rows = rows, .depth = depth,
                                         .panels = panels, .x_row = x_row, .z_row = z_row};
  (bytes ? kernels->bytes : kernels->halves)(&product);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < z_row; ++c) {
      const float actual = z[r * z_row + c];
      if (c >= columns) {
        if (!isnan(actual)) return printf("%s: writes beyond a row\n", name), false;
        continue;
      }
      double sum = 0;
      const int *column = weights + c / kernels->panel * kernels->panel * depth + c % kernels->panel;
      for (size_t k = 0; k < depth; ++k) sum += x[r * x_row + k] * (double)column[k * kernels->panel];
      if (bytes) sum *= scales[c];
      if (actual != sum) {
        printf("%s %s: %g, not %g, at %zu, %zu of %zu x %zu x %zu\n", name, bytes ? "bytes" : "halves", actual, sum, r,
               c, rows, depth, columns);
        return false;
      }
    }
  }
  return true;
}

int main(int argc, char **argv) {
  static const char *const names[] = {"scalar", "avx2", "avx512", "neon"};
  const unsigned long long seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  const int rounds = argc > 2 ? atoi(argv[2]) : 96;
  bool good = true;
  for (int variant = LOWRANK_SCALAR; variant <= LOWRANK_NEON; ++variant) {
    kernels = lowrank_narrow_kernels_of((enum lowrank_variant)variant);
    if (!kernels) continue;
    state = seed;
    good &= widens_every_half(names[variant]);
    for (int round = 0; good && round < rounds; ++round) {
      good &= multiplies(names[variant], false) && multiplies(names[variant], true);
    }
    if (good) printf("%s: products with weights of few bits agree in %d rounds, seed %llu\n", names[variant], rounds, seed);
  }
  return good ? 0 : 1;
}
