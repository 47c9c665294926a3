#ifndef LOWRANK_CNARROW_H
#define LOWRANK_CNARROW_H

#include "CKernels.h"

/// The product of a few rows with weights of 16 or 8 bits: Z[r][c] = scale[c] sum over k of X[r][k] W[k][c].
///
/// W is packed as [panel][depth][panel's columns], the last panel filled up with zeros; every column of every panel is
/// written. Each sum goes over the depth in its order, so that no bit depends on how rows and panels are shared out.
struct lowrank_narrow {
  const float *x;       ///< [rows][x_row]
  float *z;             ///< [rows][z_row]
  const void *w;        ///< IEEE half precision or int8, from the first panel on
  const float *scales;  ///< one for each column, for int8; not read for half precision
  size_t rows, depth, panels, x_row, z_row;
};

/// The kernels of one instruction set.
struct lowrank_narrow_kernels {
  size_t panel;                                   ///< columns a panel
  void (*halves)(const struct lowrank_narrow *);  ///< IEEE half precision
  void (*bytes)(const struct lowrank_narrow *);   ///< int8
};

/// The kernels of one instruction set, or null where the processor or the build does not have them.
const struct lowrank_narrow_kernels *lowrank_narrow_kernels_of(enum lowrank_variant variant);

#endif
