#include "CLines.h"

#include "variants.h"

const struct lowrank_line_kernels *lowrank_line_kernels_of(enum lowrank_variant variant) {
  if (!lowrank_kernels_of(variant)) return NULL;
  switch (variant) {
    case LOWRANK_SCALAR: return &lowrank_lines_scalar;
#if defined(__x86_64__)
    case LOWRANK_AVX2: return &lowrank_lines_avx2;
    case LOWRANK_AVX512: return &lowrank_lines_avx512;
#elif defined(__aarch64__)
    case LOWRANK_NEON: return &lowrank_lines_neon;
#endif
    default: return NULL;
  }
}

void lowrank_loops_run(const struct lowrank_loops *loops, lowrank_line_kernel kernel, void *const *operands, float alpha,
                       float beta, size_t first, size_t last) {
  if (first >= last) return;
  struct lowrank_line line = {.alpha = alpha, .beta = beta, .count = 1};
  size_t index[LOWRANK_MOST_AXES] = {0};
  const size_t outer = loops->order > 0 ? loops->order - 1 : 0;
  for (size_t k = 0; k < loops->operands; ++k) {
    line.operand[k] = operands[k];
    if (loops->order > 0) {
      line.operand[k] = (char *)operands[k] + (ptrdiff_t)first * loops->stride[k][0] * (ptrdiff_t)loops->size[k];
      line.step[k] = loops->stride[k][outer];
    }
  }
  if (loops->order > 0) line.count = outer == 0 ? last - first : loops->extent[outer];
  for (size_t axis = 1; axis < outer; ++axis)
    if (loops->extent[axis] == 0) return;
  for (;;) {
    kernel(&line);
    // The next line: an odometer over all axes but the innermost.
    size_t axis = outer;
    for (;;) {
      if (axis == 0) return;
      --axis;
      const size_t extent = axis == 0 ? last - first : loops->extent[axis];
      const size_t steps = ++index[axis] < extent ? 1 : 0;
      for (size_t k = 0; k < loops->operands; ++k) {
        const ptrdiff_t stride = loops->stride[k][axis] * (ptrdiff_t)loops->size[k];
        line.operand[k] = (char *)line.operand[k] + (steps ? stride : -(ptrdiff_t)(extent - 1) * stride);
      }
      if (steps) break;
      index[axis] = 0;
    }
  }
}
