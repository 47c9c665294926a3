// One header over CBLAS, LAPACKE and OpenBLAS's own run-time queries.
#ifndef SWIFT_LOWRANK_CLAPACK_H
#define SWIFT_LOWRANK_CLAPACK_H

#include <stdint.h>
#include <cblas.h>
#include <lapacke.h>

// Swift imports the LP64 interface: BLAS and LAPACK integers are C ints on every platform we build for.
_Static_assert(sizeof(lapack_int) == sizeof(int32_t), "LAPACKE must be the 32-bit-integer (LP64) build");
_Static_assert(sizeof(blasint) == sizeof(int32_t), "OpenBLAS must be the 32-bit-integer (LP64) build");
_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE single and double precision");

#ifndef OPENBLAS_CONFIG_H
#error "cblas.h is not OpenBLAS's: install libopenblas-dev (its cblas.h must come first on the include path)"
#endif

#endif
