#ifndef LOWRANK_CKERNELS_H
#define LOWRANK_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The instruction sets that the kernels exist for.
enum lowrank_variant {
  LOWRANK_SCALAR = 0,
  LOWRANK_AVX2 = 1,
  LOWRANK_AVX512 = 2,
  LOWRANK_NEON = 3,
};

/// The number of Winograd forms.
enum { LOWRANK_WINOGRAD_FORMS = 11 };

/// The most vectors that a panel of packed columns is wide.
enum { LOWRANK_MAX_PANEL = 4 };

/// The most channels of rows whose pixels lie without gaps, however few lanes they fill.
enum { LOWRANK_MOST_DENSE = 4 };

/// What happens to a result x behind the bias and the residual, and the most that it is off by, in units of the last
/// place, over all Floats: subnormal results too. NaN stays NaN; of an infinity it is the limit, where there is one.
enum lowrank_epilogue_activation {
  LOWRANK_ACTIVATION_NONE,
  LOWRANK_ACTIVATION_CLIP,          ///< min(max(x, alpha), beta), exact; ReLU from 0 to infinity
  LOWRANK_ACTIVATION_LEAKY_RELU,    ///< x, of negative x alpha x: 1/2
  LOWRANK_ACTIVATION_PRELU,         ///< x, of negative x slopes[channel] x: 1/2
  LOWRANK_ACTIVATION_SIGMOID,       ///< 1 / (1 + e^-x): 3
  LOWRANK_ACTIVATION_SILU,          ///< x / (1 + e^-x): 4
  LOWRANK_ACTIVATION_HARD_SIGMOID,  ///< min(max(alpha x + beta, 0), 1): the roundings of its product and its sum
  LOWRANK_ACTIVATION_HARD_SWISH,    ///< x min(max(x + 3, 0), 6) / 6: 3
  LOWRANK_ACTIVATION_TANH,          ///< 4
  LOWRANK_ACTIVATION_GELU,          ///< x (1 + erf(x / sqrt(2))) / 2: 5
  /// x / (1 + e^-y), y = sqrt(8 / pi) (x + 0.044715 x^3), which is GELU but for 5e-4: 4, and 3 |y| more for negative x
  LOWRANK_ACTIVATION_GELU_TANH,
  LOWRANK_ACTIVATION_ELU,           ///< x, of negative x alpha (e^x - 1): 3
  /// alpha h + beta, h the hard swish of x: 3 of h, times alpha, and the roundings of the product and the sum
  LOWRANK_ACTIVATION_SCALED_HARD_SWISH,
  LOWRANK_ACTIVATIONS,
};

/// What a kernel does to its results as it stores them: z = act(sum + bias[channel]). A null pointer to it is nothing.
///
/// A result depends on its sum alone, not on where in a row it stands, so that threads may share rows in any way.
struct lowrank_epilogue {
  enum lowrank_epilogue_activation activation;
  float alpha, beta;    ///< the activation's parameters
  const float *bias;    ///< one for each channel, or null
  const float *slopes;  ///< one for each channel; PReLU's
};

/// The product of pixels with packed columns: C[pixel][column] = sum over tap, d of A[tap][pixel][d] B[tap, d][column].
///
/// Pixels come in `rows` rows of `pixels` each. Row r reads the taps `a[r * taps] ...` and writes to `c[r]`.
/// B is packed as panels of `panel` vectors of columns, the last panel as wide as what is left:
/// [panel][b_depth][panel * width]. Every column is written, those that fill the last vector too, but for the `spare` ones.
struct lowrank_rows {
  const float *const *a;  ///< one pointer for each row and tap, to the row's first pixel
  float *const *c;        ///< one pointer for each row
  const float *b;         ///< packed columns, on a 64-byte boundary
  size_t rows, pixels, taps, depth;
  size_t a_pixel;         ///< floats between neighbouring pixels of A (`rows`: depth lies side by side)
  size_t a_depth;         ///< floats between neighbouring depths of A (`rows_of_maps`: pixels lie side by side)
  size_t c_pixel;         ///< floats between neighbouring pixels of C
  size_t b_depth;         ///< the depths of B: taps * depth, or more where taps in the padding are left out
  size_t b_first;         ///< the depth of B that the first tap begins at
  size_t vectors;         ///< columns, in vectors
  size_t panel;           ///< vectors a panel, 1 to LOWRANK_MAX_PANEL
  size_t spare;           ///< columns at the end of the last vector that are not written, fewer than it has
  bool adds;              ///< whether the sums begin at what C holds instead of at the bias
  const struct lowrank_epilogue *epilogue;  ///< its arrays readable up to a whole vector, or null
  size_t channel;         ///< the first column's channel in the epilogue
};

/// The product of packed weights with maps: Z[t][p] = act(sum over k of W[t][k] X[k][p] + bias[t] + residual[t][p]).
///
/// W is packed as [t / strip][k][strip], the last strip filled up with zeros.
struct lowrank_maps {
  const float *x;         ///< [depth][x_row], readable up to a whole vector behind the last pixel
  const float *w;         ///< packed weights
  float *z;               ///< [outputs][z_row]
  const float *residual;  ///< laid out as z, or null
  size_t outputs, depth, pixels, x_row, z_row;
  const struct lowrank_epilogue *epilogue;  ///< its bias readable up to a whole strip, or null
  size_t channel;         ///< the first output's channel in the epilogue
};

/// The way out: channel-last results to the output, Z = act(X + bias + residual), in the layout that the kernel says.
struct lowrank_leave {
  const float *x;         ///< [pixels][x_pixel], readable in whole vectors of channels
  float *z;               ///< pixels (`leave_rows`) or channels (`leave_maps`) z_step floats apart
  const float *residual;  ///< laid out as z, which it may be; or null
  size_t pixels, channels, x_pixel, z_step;
  const struct lowrank_epilogue *epilogue;  ///< its arrays readable up to a whole vector, or null
  size_t channel;         ///< the first channel's place in the epilogue
};

/// A depthwise stage on channel-last rows: C[pixel][c] = sum over tap of A[tap][pixel][c] W[tap][c].
struct lowrank_depthwise {
  const float *const *a;  ///< one pointer for each tap
  const float *w;         ///< [tap][w_row]
  float *c;
  size_t pixels, taps, a_pixel, c_pixel, w_row, vectors;
  const struct lowrank_epilogue *epilogue;  ///< its arrays readable up to a whole vector, or null
  size_t channel;         ///< the first channel's place in the epilogue
};

/// A depthwise stage of side x side taps, 3 or 5, with stride 1 or 2: several rows at once, which share their input.
///
/// Output row r reads the input rows r * stride to r * stride + side - 1 of `a`.
struct lowrank_depthwise_square {
  const float *const *a;  ///< (rows - 1) * stride + side input rows, to the first pixel's first tap
  float *const *c;        ///< `rows` output rows
  const float *w;         ///< [side][side][w_row]
  size_t rows, pixels, side, stride, a_pixel, c_pixel, w_row, vectors;
  const struct lowrank_epilogue *epilogue;  ///< its arrays readable up to a whole vector, or null
  size_t channel;         ///< the first channel's place in the epilogue
};

/// The transform of one row of Winograd tiles, from channel-last rows into one matrix for each of a tile's points: n x n,
/// or n where the kernel lies along one axis, whose tiles are one pixel wide or one row high.
struct lowrank_winograd_input {
  const float *const *rows;  ///< the tiles' input rows, n or 1, to the first pixel of the first tile
  float *v;                  ///< [points][v_point], tile t at t * v_tile
  size_t tiles, vectors, pixel, v_tile, v_point;
};

/// The transform back: the outputs of each tile, m x m or m, into channel-last rows.
struct lowrank_winograd_output {
  const float *m;            ///< [points][m_point], tile t at t * m_tile
  float *const *rows;        ///< the tiles' output rows, m or 1
  size_t tiles, vectors, pixel, m_tile, m_point;
  const struct lowrank_epilogue *epilogue;  ///< its arrays readable up to a whole vector, or null
  size_t channel;            ///< the first channel's place in the epilogue
};

/// Columns of transformed weights, one row of a tile's points: of G g G^T the row that `down` is G's row of, for kernels g of
/// 3 x 3 taps.
struct lowrank_winograd_weights {
  const float *taps;    ///< [depth][9][vectors * width]
  float *u;             ///< point i at i * u_point: [depth][vectors * width]
  const float *down;    ///< [3]
  const float *across;  ///< G: [points][3]
  size_t points, depth, vectors, u_point;  ///< 4, 6 or 7 points
};

/// Kernels of 3 x 3 taps, or their gradients, out of the 6 x 6 points of F(4x4, 3x3): g = G^T u G for each row and input.
struct lowrank_winograd_kernels {
  const float *m;  ///< [36][m_point], row t at t * m_row: the inputs, readable in whole vectors
  float *z;        ///< row t at t * z_row: [inputs][9]
  size_t rows, inputs, m_row, m_point, z_row;
  bool adds;       ///< whether they are added to what z holds
};

/// The kernels of one instruction set.
struct lowrank_kernels {
  const char *name;
  size_t width;                            ///< floats a vector
  size_t most_pixels[LOWRANK_MAX_PANEL + 1];  ///< the tallest tile of pixels for each panel width
  size_t strip;                            ///< outputs a strip of `maps`
  size_t maps_vectors;                     ///< vectors of pixels a tile of `maps`
  void (*rows)(const struct lowrank_rows *);          ///< channel-last A
  void (*rows_of_maps)(const struct lowrank_rows *);  ///< channel-first A
  void (*maps)(const struct lowrank_maps *);
  void (*depthwise)(const struct lowrank_depthwise *);
  void (*depthwise_square)(const struct lowrank_depthwise_square *);
  /// By form: F(2x2, 3x3), F(4x4, 3x3), F(5x5, 3x3), F(2x2, 5x5), F(4x1, 3x1), F(1x4, 1x3), F(6x1, 3x1), F(1x6, 1x3),
  /// F(4x1, 5x1), F(1x4, 1x5), F(5x5, 2x2).
  void (*winograd_input[LOWRANK_WINOGRAD_FORMS])(const struct lowrank_winograd_input *);
  void (*winograd_output[LOWRANK_WINOGRAD_FORMS])(const struct lowrank_winograd_output *);
  void (*winograd_weights)(const struct lowrank_winograd_weights *);
  /// A g A^T of F(4x4, 3x3): rows of tiles of 4 x 4 numbers that do not overlap, to 6 x 6 points.
  void (*winograd_gradient)(const struct lowrank_winograd_input *);
  void (*winograd_kernels)(const struct lowrank_winograd_kernels *);
  /// target[c * target_row + p] = source[p * source_pixel + c]; reads whole blocks of `width` channels.
  void (*to_maps)(const float *source, size_t source_pixel, size_t pixels, size_t channels, float *target,
                  size_t target_row);
  /// target[p * target_pixel + c] = source[c * source_row + p]; writes whole blocks of `width` channels, the missing
  /// ones as zeros.
  void (*to_rows)(const float *source, size_t source_row, size_t pixels, size_t channels, float *target,
                  size_t target_pixel);
  /// target[p * channels + c] = source[c * source_row + p], of at most LOWRANK_MOST_DENSE channels.
  void (*to_dense_rows)(const float *source, size_t source_row, size_t pixels, size_t channels, float *target);
  /// target[k * target_row + p] = source[k * source_row + p]; asks for source[k * source_row + p + ahead] as well, which
  /// is not read.
  void (*copy_maps)(const float *source, size_t source_row, size_t pixels, size_t channels, size_t ahead,
                    float *target, size_t target_row);
  void (*leave_rows)(const struct lowrank_leave *);  ///< channel-last Z
  void (*leave_maps)(const struct lowrank_leave *);  ///< channel-first Z
};

/// The transform of a form, forward and back.
static inline void (*lowrank_winograd_input_of(const struct lowrank_kernels *kernels, size_t form))(
    const struct lowrank_winograd_input *) {
  return kernels->winograd_input[form];
}
static inline void (*lowrank_winograd_output_of(const struct lowrank_kernels *kernels, size_t form))(
    const struct lowrank_winograd_output *) {
  return kernels->winograd_output[form];
}

/// The kernels of one instruction set, or null where the processor or the build does not have them.
const struct lowrank_kernels *lowrank_kernels_of(enum lowrank_variant variant);

/// The vectors of `width` floats that a cycle multiplies and adds: one where the processor runs the halves of its widest
/// vectors one after the other, else two.
int lowrank_vectors_per_cycle(size_t width);

/// The bytes of a data cache, 1 to 3; a usual size where the system does not say.
size_t lowrank_cache_bytes(int level);

/// The processor's name; an empty one where the system does not say.
void lowrank_processor_name(char *name, size_t size);

#endif
