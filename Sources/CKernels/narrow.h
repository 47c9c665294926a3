#ifndef LOWRANK_NARROW_H
#define LOWRANK_NARROW_H

#include "CNarrow.h"

extern const struct lowrank_narrow_kernels lowrank_narrow_scalar;
#if defined(__x86_64__)
extern const struct lowrank_narrow_kernels lowrank_narrow_avx2;
extern const struct lowrank_narrow_kernels lowrank_narrow_avx512;
#elif defined(__aarch64__)
extern const struct lowrank_narrow_kernels lowrank_narrow_neon;
#endif

#endif
