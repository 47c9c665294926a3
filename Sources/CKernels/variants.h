#ifndef LOWRANK_VARIANTS_H
#define LOWRANK_VARIANTS_H

#include "CKernels.h"
#include "CLines.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

extern const struct lowrank_kernels lowrank_scalar;
extern const struct lowrank_line_kernels lowrank_lines_scalar;
#if defined(__x86_64__)
extern const struct lowrank_kernels lowrank_avx2;
extern const struct lowrank_line_kernels lowrank_lines_avx2;
extern const struct lowrank_kernels lowrank_avx512;
extern const struct lowrank_line_kernels lowrank_lines_avx512;
#elif defined(__aarch64__)
extern const struct lowrank_kernels lowrank_neon;
extern const struct lowrank_line_kernels lowrank_lines_neon;
#endif

#endif
