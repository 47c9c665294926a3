#ifndef LOWRANK_CONVOLUTION_DEFINITION_H
#define LOWRANK_CONVOLUTION_DEFINITION_H

#include <stddef.h>

/// A convolution over three axes; those that it does not have are of extent, stride and dilation 1.
struct definition_geometry {
  size_t batch, groups;
  size_t inputs, outputs;  ///< channels of all groups together
  size_t extents[3];       ///< of the input
  size_t results[3];       ///< of the output
  size_t kernel[3], stride[3], dilation[3], before[3];
};

/// The matrices of F(m, r) along an axis, row-major, with n = m + r - 1; of F(1, 1), ones.
struct definition_side {
  size_t tile, kernel;   ///< m and r
  const double *back;    ///< A^T, [m][n]
  const double *filter;  ///< G, [n][r]
  const double *input;   ///< B^T, [n][n]
};

/// Those of both axes.
struct definition_tiles {
  struct definition_side down, across;
};

/// What stands for each number that a convolution multiplies with.
enum definition_measure {
  definition_values,      ///< itself: the convolution
  definition_magnitudes,  ///< its absolute value: for bounds that hold however errors add up
  definition_squares,     ///< its square: for the variance of errors that are independent
};

/// The convolution in Double by plain loops over its definition; zeros outside the input.
///
/// It shares nothing with the code under test, and is in C so that tests without optimisation can afford it.
void definition_convolve(const struct definition_geometry *geometry, enum definition_measure measure,
                         const double *kernel, const double *input, double *output);

/// The same by tiles, A^T [(G k G^T) . (B^T x B)] A, on the right the matrices across, the measure taken of A, of B and of the transformed kernel.
///
/// For two axes, one group, stride and dilation 1. Returns 0 where there is no memory.
int definition_convolve_by_tiles(const struct definition_geometry *geometry, const struct definition_tiles *tiles,
                                 enum definition_measure measure, const double *kernel, const double *input,
                                 double *output);

#endif
