// Activations in Double, with libm, and how far a kernel's may be from them: what `CKernels.h` says.
#include "kernel_definitions.h"

#include <math.h>

static double parameter(const struct lowrank_epilogue *e, size_t channel) {
  return e->activation == LOWRANK_ACTIVATION_PRELU ? e->slopes[channel] : e->alpha;
}

/// x / (1 + e^-y), and its limit at minus infinity.
static double gated(double x, double y) { return isinf(y) && y < 0 ? 0 : x / (1 + exp(-y)); }

// sqrt(8 / pi), acos(0) being half of pi.
static double gelu_exponent(double x) { return sqrt(4 / acos(0)) * (x + 0.044715 * x * x * x); }

double activated(const struct lowrank_epilogue *e, size_t channel, double x) {
  if (!e || isnan(x)) return x;
  const double alpha = parameter(e, channel), beta = e->beta;
  switch (e->activation) {
    case LOWRANK_ACTIVATION_CLIP: return fmin(fmax(x, alpha), beta);
    case LOWRANK_ACTIVATION_LEAKY_RELU:
    case LOWRANK_ACTIVATION_PRELU: return x < 0 ? alpha * x : x;
    case LOWRANK_ACTIVATION_SIGMOID: return gated(1, x);
    case LOWRANK_ACTIVATION_SILU: return gated(x, x);
    case LOWRANK_ACTIVATION_HARD_SIGMOID: return fmin(fmax(alpha * x + beta, 0), 1);
    case LOWRANK_ACTIVATION_HARD_SWISH: return x < -3 ? 0 : x * fmin(fmax((x + 3) / 6, 0), 1);
    case LOWRANK_ACTIVATION_SCALED_HARD_SWISH:
      return alpha * (x < -3 ? 0 : x * fmin(fmax((x + 3) / 6, 0), 1)) + beta;
    case LOWRANK_ACTIVATION_TANH: return tanh(x);
    case LOWRANK_ACTIVATION_GELU: return isinf(x) && x < 0 ? 0 : x * erfc(-x / sqrt(2)) / 2;
    case LOWRANK_ACTIVATION_GELU_TANH: return gated(x, gelu_exponent(x));
    case LOWRANK_ACTIVATION_ELU: return x < 0 ? alpha * expm1(x) : x;
    default: return x;
  }
}

/// The distance of Floats about a number.
static double last_place(double x) {
  return x == 0 || fabs(x) < 0x1p-126 ? 0x1p-149 : ldexp(1, ilogb(x) - 23);
}

double activation_error(const struct lowrank_epilogue *e, size_t channel, double x) {
  if (!e) return 0;
  static const double places[LOWRANK_ACTIVATIONS] = {
      [LOWRANK_ACTIVATION_LEAKY_RELU] = 0.5, [LOWRANK_ACTIVATION_PRELU] = 0.5,  [LOWRANK_ACTIVATION_SIGMOID] = 3,
      [LOWRANK_ACTIVATION_SILU] = 4,         [LOWRANK_ACTIVATION_HARD_SWISH] = 3, [LOWRANK_ACTIVATION_TANH] = 4,
      [LOWRANK_ACTIVATION_GELU] = 5,         [LOWRANK_ACTIVATION_GELU_TANH] = 4,  [LOWRANK_ACTIVATION_ELU] = 3};
  const double unit = last_place(activated(e, channel, x));
  if (e->activation == LOWRANK_ACTIVATION_HARD_SIGMOID) {
    const double product = fabs(e->alpha * x);
    return isinf(product) ? 0 : 0x1p-24 * (product + fabs(e->alpha * x + e->beta));
  }
  if (e->activation == LOWRANK_ACTIVATION_SCALED_HARD_SWISH) {
    const struct lowrank_epilogue plain = {.activation = LOWRANK_ACTIVATION_HARD_SWISH};
    const double h = activated(&plain, channel, x), product = fabs(e->alpha * h);
    return isinf(product) ? 0 : fabs(e->alpha) * 3 * last_place(h) + 0x1p-24 * (product + fabs(e->alpha * h + e->beta)) + 0x1p-149;
  }
  if (e->activation == LOWRANK_ACTIVATION_GELU_TANH && x < 0 && !isinf(x)) {
    return (4 - 3 * gelu_exponent(x)) * unit;
  }
  return places[e->activation] * unit;
}

double activation_slope(const struct lowrank_epilogue *e, size_t channel) {
  if (!e) return 1;
  switch (e->activation) {
    case LOWRANK_ACTIVATION_HARD_SIGMOID: return fabs(e->alpha);
    case LOWRANK_ACTIVATION_SIGMOID: return 0.25;
    case LOWRANK_ACTIVATION_LEAKY_RELU:
    case LOWRANK_ACTIVATION_PRELU:
    case LOWRANK_ACTIVATION_ELU: return fmax(1, fabs(parameter(e, channel)));
    case LOWRANK_ACTIVATION_SILU:
    case LOWRANK_ACTIVATION_GELU:
    case LOWRANK_ACTIVATION_GELU_TANH: return 1.2;
    case LOWRANK_ACTIVATION_HARD_SWISH: return 1.5;
    case LOWRANK_ACTIVATION_SCALED_HARD_SWISH: return 1.5 * fabs(e->alpha);
    default: return 1;
  }
}
