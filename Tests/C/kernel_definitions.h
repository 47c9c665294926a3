// The definitions of the kernels in Double, each as plain loops that share nothing with them, and what a result may
// differ by: not a bit where the numbers are integers, else roundings times the sum of the products' magnitudes, element
// by element.
#ifndef KERNEL_DEFINITIONS_H
#define KERNEL_DEFINITIONS_H

#include "CKernels.h"

#include <stdbool.h>

/// Floats an input, more than any shape needs; floats a result, all of which are compared.
enum { SIZE = 1 << 17, RESULTS = 1 << 15 };

/// What the inputs of a check are.
enum numbers_kind {
  FRACTIONS,  ///< between -1 and 1
  INTEGERS,   ///< from -3 to 3, so that no sum is rounded
  KINDS,
  SINGLES = KINDS,  ///< Winograd's transforms of one number: two constants' product
};

extern enum numbers_kind kind;

/// The result under test, and what it is compared with: what a kernel must not write stays as it was, to the bit.
extern float *result;

/// Begins the numbers that are drawn.
void seed_numbers(unsigned long long seed);

/// A number from `low` to `high`, both included.
size_t between(size_t low, size_t high);

/// Draws numbers of the kind.
void draw(float *numbers, size_t count);

/// Draws the result that a kernel is to overwrite.
void begin(void);

/// Whether the result is what the definitions have said since `begin`; prints what is not.
bool agrees(const char *variant, const char *kernel);

/// `columns` is B before it is packed, [b_depth][vectors * width].
void define_rows(const struct lowrank_rows *, const float *columns, size_t width, bool of_maps);
/// `weights` is W before it is packed, [outputs][depth]; unused by `finish`.
void define_maps(const struct lowrank_maps *, const float *weights);
void define_leave(const struct lowrank_leave *, bool maps);
void define_depthwise(const struct lowrank_depthwise *, size_t width);
void define_square(const struct lowrank_depthwise_square *, size_t width);
void define_winograd_input(const struct lowrank_winograd_input *, int form, size_t width);
void define_winograd_weights(const struct lowrank_winograd_weights *, size_t width);
void define_winograd_output(const struct lowrank_winograd_output *, int form, size_t width);

/// Says that an element of the result is `value`, a sum whose terms meet `roundings` roundings each.
void define(const float *element, double value, double magnitude, size_t roundings);

/// The same of act(sum + bias): the activation makes the sum's error larger by its slope and adds its own.
void define_activated(const float *element, const struct lowrank_epilogue *, size_t channel, double sum, double magnitude,
                      size_t roundings);

/// An activation's result for x, the most that a kernel's may be off by, and the largest slope there is.
double activated(const struct lowrank_epilogue *, size_t channel, double x);
double activation_error(const struct lowrank_epilogue *, size_t channel, double x);
double activation_slope(const struct lowrank_epilogue *, size_t channel);

/// The points of a tile and its outputs along an axis; 1 and 1 across the axis that the kernel lies along.
struct winograd_side {
  size_t points, outputs;
};

struct winograd_tile {
  struct winograd_side down, across;
};

/// In the order of the kernels' tables.
extern const struct winograd_tile winograd_tiles[LOWRANK_WINOGRAD_FORMS];

#endif
