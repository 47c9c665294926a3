#ifndef LOWRANK_VARIANTS_H
#define LOWRANK_VARIANTS_H

#include "CKernels.h"

#include <stdbool.h>

extern const struct lowrank_kernels lowrank_scalar;
#if defined(__x86_64__)
extern const struct lowrank_kernels lowrank_avx2;
extern const struct lowrank_kernels lowrank_avx512;
#elif defined(__aarch64__)
extern const struct lowrank_kernels lowrank_neon;
#endif

#endif
