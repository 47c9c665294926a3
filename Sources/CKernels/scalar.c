#include "variants.h"

#include <string.h>

// Products are rounded before they are added. Where the compiler may choose, on arm64, it fuses them in some tiles and
// not in the one whose loop it turns into vectors, and a result's last bit hangs on the width of its panel.
#pragma STDC FP_CONTRACT OFF

enum { WIDTH = 1 };
typedef float vec;

static inline vec load(const float *p) { return *p; }
static inline void store(float *p, vec v) { *p = v; }
// A vector of one has no parts: these are never reached with n other than 1.
static inline vec load_part(const float *p, size_t n) { return n > 0 ? *p : 0; }
static inline void store_part(float *p, vec v, size_t n) {
  if (n > 0) *p = v;
}
static inline vec splat(float x) { return x; }
static inline vec add(vec a, vec b) { return a + b; }
static inline vec sub(vec a, vec b) { return a - b; }
static inline vec mul(vec a, vec b) { return a * b; }
static inline vec fma_(vec a, vec b, vec c) { return a * b + c; }
static inline vec quotient(vec a, vec b) { return a / b; }
static inline vec with_bits(uint32_t bits) {
  vec v;
  memcpy(&v, &bits, sizeof v);
  return v;
}
static inline uint32_t bits_of(vec v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits;
}
/// The number of those bits.
static inline vec masked(vec v, uint32_t bits) { return with_bits(bits_of(v) & bits); }
/// The last bits as an exponent.
static inline vec raised(vec v) { return with_bits(bits_of(v) << 23); }
/// `a` where the sign bit is set, else `b`.
static inline vec by_sign(vec sign, vec a, vec b) { return bits_of(sign) >> 31 ? a : b; }
/// Bounds a number; a NaN stays one.
static inline vec bound(vec v, vec low, vec high) { return v < low ? low : v > high ? high : v; }
static inline void transpose_block(vec r[WIDTH]) { (void)r; }

#define KERNELS lowrank_scalar
#define LINES lowrank_lines_scalar
#define KERNELS_NAME "scalar"
#define REGISTERS 16
#include "kernels.inc"
