#ifndef LOWRANK_CLINES_H
#define LOWRANK_CLINES_H

#include "CKernels.h"

#include <stddef.h>
#include <stdint.h>

/// What networks do to maps besides convolutions: element by element, window by window, along axes. Floats are `float`;
/// integers and truth values are `int64_t`.

/// The most axes of a loop nest, and the most tensors that go through one.
enum { LOWRANK_MOST_AXES = 8, LOWRANK_MOST_OPERANDS = 4 };

/// A line of elements: each operand's first one, and the elements from one to the next. The result is the last operand.
struct lowrank_line {
  void *operand[LOWRANK_MOST_OPERANDS];
  ptrdiff_t step[LOWRANK_MOST_OPERANDS];
  size_t count;
  float alpha, beta;  ///< the operation's parameters
};

/// What is done to a line.
typedef void (*lowrank_line_kernel)(const struct lowrank_line *);

/// Nested loops over tensors whose strides are known, the innermost axis last: it is the line. An axis that a tensor is
/// the same along has a stride of 0.
struct lowrank_loops {
  size_t order, operands;
  size_t extent[LOWRANK_MOST_AXES];
  ptrdiff_t stride[LOWRANK_MOST_OPERANDS][LOWRANK_MOST_AXES];  ///< elements
  size_t size[LOWRANK_MOST_OPERANDS];                          ///< bytes of an element
};

/// Runs the kernel over every line whose index along the outermost axis is in [first, last); of loops of one axis, over
/// that part of the line.
void lowrank_loops_run(const struct lowrank_loops *loops, lowrank_line_kernel kernel, void *const *operands, float alpha,
                       float beta, size_t first, size_t last);

/// z = f(x) of floats.
enum lowrank_unary {
  LOWRANK_COPY, LOWRANK_NEGATE, LOWRANK_ABSOLUTE, LOWRANK_SQUARE_ROOT, LOWRANK_RECIPROCAL, LOWRANK_EXPONENTIAL,
  LOWRANK_LOGARITHM, LOWRANK_FLOOR, LOWRANK_CEILING, LOWRANK_ROUND, LOWRANK_SIGN, LOWRANK_ERROR_FUNCTION, LOWRANK_SINE,
  LOWRANK_COSINE, LOWRANK_TANGENT, LOWRANK_ARC_SINE, LOWRANK_ARC_COSINE, LOWRANK_ARC_TANGENT, LOWRANK_HYPERBOLIC_SINE,
  LOWRANK_HYPERBOLIC_COSINE, LOWRANK_AREA_SINE, LOWRANK_AREA_COSINE, LOWRANK_AREA_TANGENT, LOWRANK_SOFTPLUS,
  LOWRANK_SOFTSIGN, LOWRANK_MISH,
  LOWRANK_SELU,             ///< beta (x, of negative x alpha (e^x - 1))
  LOWRANK_CELU,             ///< x, of negative x alpha (e^(x / alpha) - 1)
  LOWRANK_THRESHOLDED_RELU, ///< x where it is over alpha, else 0
  LOWRANK_SHRINK,           ///< x + beta under -alpha, x - beta over alpha, else 0
  LOWRANK_UNARIES,
};

/// z = f(x, y) of floats.
enum lowrank_binary {
  LOWRANK_ADD, LOWRANK_SUBTRACT, LOWRANK_MULTIPLY, LOWRANK_DIVIDE, LOWRANK_POWER, LOWRANK_MINIMUM, LOWRANK_MAXIMUM,
  LOWRANK_REMAINDER,        ///< with the dividend's sign
  LOWRANK_MODULUS,          ///< with the divisor's sign
  LOWRANK_NEGATIVE_SLOPE,   ///< x, of negative x y x
  LOWRANK_BINARIES,
};

/// z = whether x and y compare so, of floats or of integers; z is an integer.
enum lowrank_comparison {
  LOWRANK_EQUAL, LOWRANK_LESS, LOWRANK_LESS_OR_EQUAL, LOWRANK_GREATER, LOWRANK_GREATER_OR_EQUAL, LOWRANK_COMPARISONS,
};

/// z = f(x, y) of integers, which wrap around; a division by 0 gives 0.
enum lowrank_integer_binary {
  LOWRANK_INTEGER_ADD, LOWRANK_INTEGER_SUBTRACT, LOWRANK_INTEGER_MULTIPLY, LOWRANK_INTEGER_DIVIDE, LOWRANK_INTEGER_POWER,
  LOWRANK_INTEGER_MINIMUM, LOWRANK_INTEGER_MAXIMUM, LOWRANK_INTEGER_REMAINDER, LOWRANK_INTEGER_MODULUS, LOWRANK_AND,
  LOWRANK_OR, LOWRANK_EXCLUSIVE_OR, LOWRANK_SHIFT_LEFT,
  LOWRANK_SHIFT_RIGHT,      ///< of signed integers: by more than there are bits, the sign is left
  LOWRANK_UNSIGNED_SHIFT_RIGHT, LOWRANK_INTEGER_BINARIES,
};

/// z = f(x) of integers.
enum lowrank_integer_unary {
  LOWRANK_INTEGER_COPY, LOWRANK_INTEGER_NEGATE, LOWRANK_INTEGER_ABSOLUTE, LOWRANK_INTEGER_SIGN, LOWRANK_NOT,
  LOWRANK_COMPLEMENT, LOWRANK_INTEGER_UNARIES,
};

/// Conversions, and choices by a truth value.
enum lowrank_conversion {
  LOWRANK_TO_INTEGER,       ///< of a float, towards zero; the nearest there is of a float beyond all integers, 0 of NaN
  LOWRANK_TO_FLOAT,
  LOWRANK_IS_NAN,
  LOWRANK_IS_INFINITE,      ///< of a float: alpha and beta say whether minus and plus infinity count
  LOWRANK_IS_NOT_ZERO,      ///< of a float
  LOWRANK_SELECT,           ///< z = x ? y : w of floats, x an integer
  LOWRANK_SELECT_INTEGERS,
  LOWRANK_CONVERSIONS,
};

/// What windows and reductions make of many numbers.
enum lowrank_fold { LOWRANK_FOLD_SUM, LOWRANK_FOLD_MAXIMUM, LOWRANK_FOLD_MINIMUM, LOWRANK_FOLD_PRODUCT,
                    LOWRANK_FOLD_ABSOLUTES, LOWRANK_FOLD_SQUARES, LOWRANK_FOLDS };

/// What becomes of a fold in doubles: x / alpha, the root of it, or the logarithm of x.
enum lowrank_finish { LOWRANK_FINISH_QUOTIENT, LOWRANK_FINISH_ROOT, LOWRANK_FINISH_LOGARITHM, LOWRANK_FINISHES };

/// Resampling along an axis: z[p][c] = sum over k of weights[p][k] x[index[p][k]][c]; with one term its elements are copied.
struct lowrank_resampling {
  const float *x;
  float *z;
  ptrdiff_t x_step, z_step;
  size_t positions, channels, terms;
  const int32_t *index;
  const float *weights;
};

/// What is done along a line as a whole: the place of its largest element (an integer), the same of integers, a 1 at that
/// place among zeros, running sums, those of integers, and each element over a power of the squares of its neighbours.
enum lowrank_scan_kind { LOWRANK_SCAN_EXTREMUM, LOWRANK_SCAN_INTEGER_EXTREMUM, LOWRANK_SCAN_HARDMAX, LOWRANK_SCAN_SUM,
                         LOWRANK_SCAN_INTEGER_SUM, LOWRANK_SCAN_RESPONSE, LOWRANK_SCANS };

/// A line and the settings of what is done along it.
struct lowrank_scan {
  const void *x;
  void *z;
  size_t count;
  ptrdiff_t x_step, z_step;
  int least, last;           ///< extrema: the least one; the last of equal ones
  int exclusive;             ///< sums: without the element itself
  size_t before, after;      ///< responses: the neighbours on both sides
  float alpha, beta, bias;
};

/// A window over channel-last maps: z[c] = fold over tap of x[tap][c], times `scale`.
struct lowrank_window {
  const float *const *x;
  float *z;
  size_t taps, channels;
  float scale;
};

/// A softmax of `count` numbers side by side; the logarithm of it where `logarithm` is set.
struct lowrank_softmax {
  const float *x;
  float *z;
  size_t count;
  int logarithm;
};

/// The kernels of one instruction set.
struct lowrank_line_kernels {
  lowrank_line_kernel unary[LOWRANK_UNARIES];
  lowrank_line_kernel activation[LOWRANK_ACTIVATIONS];  ///< PReLU is `LOWRANK_NEGATIVE_SLOPE`
  lowrank_line_kernel binary[LOWRANK_BINARIES];
  lowrank_line_kernel comparison[LOWRANK_COMPARISONS];
  lowrank_line_kernel integer_comparison[LOWRANK_COMPARISONS];
  lowrank_line_kernel integer_unary[LOWRANK_INTEGER_UNARIES];
  lowrank_line_kernel integer_binary[LOWRANK_INTEGER_BINARIES];
  lowrank_line_kernel conversion[LOWRANK_CONVERSIONS];
  /// z = fold of z and the float x; z are doubles.
  lowrank_line_kernel fold[LOWRANK_FOLDS];
  void (*window_sum)(const struct lowrank_window *);
  void (*window_maximum)(const struct lowrank_window *);
  void (*softmax)(const struct lowrank_softmax *);
  /// z = sum over k of weights[k] x[k], of `count` numbers that lie side by side.
  void (*combine)(const float *const *x, const float *weights, size_t terms, float *z, size_t count);
  /// z = fold of z and x, of integers that wrap around.
  lowrank_line_kernel integer_fold[LOWRANK_FOLDS];
  /// z = a float of the double x.
  lowrank_line_kernel finish[LOWRANK_FINISHES];
  /// z = x y + w.
  lowrank_line_kernel multiply_add;
  void (*resample)(const struct lowrank_resampling *);
  /// z[j] += sum over k of x[k] m[k][j], of a matrix of `depth` rows without gaps.
  void (*accumulate)(const float *x, size_t depth, const float *m, float *z, size_t columns);
  void (*scan[LOWRANK_SCANS])(const struct lowrank_scan *);
};

/// The kernels of one instruction set, or null where the processor or the build does not have them.
const struct lowrank_line_kernels *lowrank_line_kernels_of(enum lowrank_variant variant);

typedef void (*lowrank_scan_kernel)(const struct lowrank_scan *);

/// The kernel of an operation, since an array of functions is no sight for Swift.
static inline lowrank_line_kernel lowrank_unary_of(const struct lowrank_line_kernels *k, enum lowrank_unary f) { return k->unary[f]; }
static inline lowrank_line_kernel lowrank_activation_of(const struct lowrank_line_kernels *k, enum lowrank_epilogue_activation f) { return k->activation[f]; }
static inline lowrank_line_kernel lowrank_binary_of(const struct lowrank_line_kernels *k, enum lowrank_binary f) { return k->binary[f]; }
static inline lowrank_line_kernel lowrank_comparison_of(const struct lowrank_line_kernels *k, enum lowrank_comparison f, int integers) { return integers ? k->integer_comparison[f] : k->comparison[f]; }
static inline lowrank_line_kernel lowrank_integer_unary_of(const struct lowrank_line_kernels *k, enum lowrank_integer_unary f) { return k->integer_unary[f]; }
static inline lowrank_line_kernel lowrank_integer_binary_of(const struct lowrank_line_kernels *k, enum lowrank_integer_binary f) { return k->integer_binary[f]; }
static inline lowrank_line_kernel lowrank_conversion_of(const struct lowrank_line_kernels *k, enum lowrank_conversion f) { return k->conversion[f]; }
static inline lowrank_line_kernel lowrank_fold_of(const struct lowrank_line_kernels *k, enum lowrank_fold f) { return k->fold[f]; }
static inline lowrank_line_kernel lowrank_integer_fold_of(const struct lowrank_line_kernels *k, enum lowrank_fold f) { return k->integer_fold[f]; }
static inline lowrank_scan_kernel lowrank_scan_of(const struct lowrank_line_kernels *k, enum lowrank_scan_kind f) { return k->scan[f]; }
static inline lowrank_line_kernel lowrank_finish_of(const struct lowrank_line_kernels *k, enum lowrank_finish f) { return k->finish[f]; }

#endif
