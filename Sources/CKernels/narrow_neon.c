#include "narrow.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

enum { WIDTH = 4, TALL = 4 };
typedef float32x4_t vec;

static inline vec load(const float *p) { return vld1q_f32(p); }
static inline void store(float *p, vec v) { vst1q_f32(p, v); }
static inline vec splat(float x) { return vdupq_n_f32(x); }
static inline vec mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec fma_(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
static inline vec halves_at(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
static inline vec bytes_at(const int8_t *p) {
  // Four bytes: a load of eight would read beyond the last panel.
  int32_t four;
  memcpy(&four, p, sizeof four);
  const int8x8_t bytes = vreinterpret_s8_s32(vdup_n_s32(four));
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(bytes))));
}

#define NARROW lowrank_narrow_neon
#include "narrow.inc"
#endif
