/*
 * lowrank.h: the C interface of swift-lowrank, low-rank factoring and fast factored convolution for trained
 * convolutional networks.
 *
 * In short:
 *
 *   lowrank_decompose_f32    factors a kernel into a handle; lowrank_decomposition_* asks it and copies the factors.
 *   lowrank_plan_create_*    packs a dense or factored convolution, or a chain of them, into a handle; lowrank_plan_run_*
 *                            runs it on the caller's buffers, as often as wanted, without allocating.
 *   lowrank_model_*          inspects or compresses an ONNX file and reports in JSON.
 *   lowrank_network_*        reads a whole ONNX network into a handle; lowrank_session_* runs it.
 *
 * Rules that hold for every function:
 *
 *   - Tensors are dense and row-major. A kernel is [T, S, D...]: output channels, input channels, spatial extents. An
 *     input is [N, S, extents...], an output [N, T, extents...], unless a plan's options say otherwise (lowrank_layout).
 *   - The caller owns every buffer; the library keeps no pointer to one after it has returned. Each buffer comes with its
 *     number of elements (not bytes, but for workspaces), which is checked against what the shapes say.
 *   - Handles are made by the library and given back to it. They are names, not addresses: a null, foreign, wrong or
 *     destroyed handle is answered with LOWRANK_BAD_HANDLE. Destroying a handle that another thread is using is safe; the
 *     memory goes when that call ends.
 *   - Every function returns a status; nothing is written to results where it is not LOWRANK_OK, but for `*length` of
 *     lowrank_report_copy and the outputs of a run. lowrank_last_error() says in words what is wrong, for the calling
 *     thread.
 *   - Every function may be called from several threads at once, and one plan may be run by several threads, each with
 *     an output and a workspace of its own. The BLAS's thread count is global to the process: lowrank_model_* calls hold
 *     it at one while they work, also for calls of the BLAS from elsewhere, and the last of them to end puts it back.
 *   - Pointers to float, double, int64_t and structures must be aligned as their types ask (LOWRANK_MISALIGNED
 *     otherwise). A workspace may begin at any address.
 *   - Structures begin with `struct_size`, to be set to sizeof the structure; all else may be zero, which asks for the
 *     default, unless their text says otherwise. So `lowrank_geometry g = {.struct_size = sizeof g};` is a good start.
 *   - Later versions add members to the end of structures only, so that programs and libraries of different versions go
 *     together. A struct_size at which a member listed here ends, from the first one behind struct_size on
 *     (lowrank_geometry: from `input` on, lowrank_stage: from `weight_count` on, lowrank_array: from `count` on), is that
 *     of an older header: members behind it count as zero and are not written. A larger one, up to 4096 and a multiple of the structure's alignment, is that of a newer header: all bytes
 *     behind the members listed here must be zero, and stay so. Any other is a LOWRANK_INVALID_ARGUMENT.
 *
 * The library never prints, never ends the process on account of its arguments, and no exception leaves it. As in any C
 * library, a pointer that is neither null nor misaligned is believed to point at as many elements as its count says.
 * Memory for large work is asked of malloc beforehand (LOWRANK_TOO_LARGE where it refuses); should it run out all the
 * same, the process ends. The calling thread needs a stack of 1 MiB at most.
 */
#ifndef LOWRANK_H
#define LOWRANK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef LOWRANK_API
#define LOWRANK_API
#endif

/* The version of this header; lowrank_system() gives the library's. */
#define LOWRANK_VERSION_MAJOR 0
#define LOWRANK_VERSION_MINOR 1
#define LOWRANK_VERSION_PATCH 0
/* The number of the binary interface, as in liblowrank.so.1: where it changes, programs have to be built anew. */
#define LOWRANK_ABI 1

/* The most axes of a kernel (two of channels, the others spatial). */
#define LOWRANK_MAX_ORDER 8
/* The most spatial axes. */
#define LOWRANK_MAX_AXES 6
/* The most stages of a chain. */
#define LOWRANK_MAX_STAGES 64

/* ---------------------------------------------------------------------------------------------- errors */

/* What a call came to. */
typedef enum lowrank_status {
  LOWRANK_OK = 0,
  LOWRANK_NULL_ARGUMENT = 1,     /* a pointer that is needed is null */
  LOWRANK_INVALID_ARGUMENT = 2,  /* a number or an enumerator is not one of those allowed */
  LOWRANK_SIZE_MISMATCH = 3,     /* a buffer's count is not the one that the shapes ask for, or a workspace is too small */
  LOWRANK_MISALIGNED = 4,        /* a pointer is not aligned as its type asks */
  LOWRANK_OVERLAP = 5,           /* an output or workspace shares memory with another buffer */
  LOWRANK_BAD_HANDLE = 6,        /* a handle is null, destroyed, or of another kind */
  LOWRANK_TOO_LARGE = 7,         /* sizes overflow, or are more than BLAS can count or the machine can hold */
  LOWRANK_NOT_FINITE = 8,        /* a kernel holds a NaN or an infinity */
  LOWRANK_RANK_OUT_OF_RANGE = 9, /* a rank is under 1 or over what the kernel allows */
  LOWRANK_UNSUITABLE = 10,       /* the kernel has no such form, or the model cannot be timed */
  LOWRANK_NOT_COMPUTED = 11,     /* LAPACK did not converge */
  LOWRANK_BAD_GEOMETRY = 12,     /* stride, padding, dilation, groups and extents do not fit together */
  LOWRANK_BAD_FILE = 13,         /* a file cannot be read or written, or is not what it should be */
  LOWRANK_INTERNAL = 14,         /* a fault of the library; please report it */
  LOWRANK_UNSUPPORTED = 15       /* a network asks for what the library cannot do, or a node's inputs do not fit it */
} lowrank_status;

/* The name of a status, e.g. "LOWRANK_OVERLAP"; "unknown status" for other numbers. Never null, never to be freed. */
LOWRANK_API const char *lowrank_status_name(lowrank_status status);

/* What was wrong in the calling thread's last call that failed, in a sentence of UTF-8; "" where none has failed. Valid
   until the next failing call of the same thread. Never null, never to be freed. */
LOWRANK_API const char *lowrank_last_error(void);

/* ------------------------------------------------------------------------------------------ the library */

/* What runs here. */
typedef struct lowrank_system_info {
  size_t struct_size;
  char version[16];       /* of this library, e.g. "0.1.0" */
  char architecture[16];  /* "x86-64", "arm64" */
  char kernels[16];       /* the instruction set of the convolution kernels: "scalar", "avx2", "avx512", "neon" */
  char blas_core[32];     /* the processor whose kernels OpenBLAS chose, e.g. "Haswell" */
  char blas[192];         /* OpenBLAS's description of itself */
  int32_t blas_threads;   /* the threads that BLAS may use: OPENBLAS_NUM_THREADS, or all processors */
  int32_t reserved;
} lowrank_system_info;

/* Fills `*info`, whose struct_size must be set. */
LOWRANK_API lowrank_status lowrank_system(lowrank_system_info *info);

/* The number of handles of all kinds that are not destroyed yet; for tests that look for leaks. */
LOWRANK_API size_t lowrank_handle_count(void);

/* ------------------------------------------------------------------------------------- decompositions */

/* The element types. Kernels, plans and decompositions have the first two; networks have all. */
typedef enum lowrank_type {
  LOWRANK_UNKNOWN_TYPE = 0, /* a network's value of which nothing is said, or of a type that is not in this list */
  LOWRANK_FLOAT32 = 1,
  LOWRANK_FLOAT64 = 2,
  LOWRANK_FLOAT16 = 3,
  LOWRANK_BFLOAT16 = 4,
  LOWRANK_INT8 = 5,
  LOWRANK_INT16 = 6,
  LOWRANK_INT32 = 7,
  LOWRANK_INT64 = 8,
  LOWRANK_UINT8 = 9,
  LOWRANK_UINT16 = 10,
  LOWRANK_UINT32 = 11,
  LOWRANK_UINT64 = 12,
  LOWRANK_BOOL = 13 /* a byte, 0 or 1 */
} lowrank_type;

/* The forms of a kernel and their stages, in the order they run (D x D stands for all spatial axes of the kernel).
   Stride, padding and dilation belong to the stages with spatial extents. */
typedef enum lowrank_method {
  LOWRANK_DENSE = 0,            /* one D x D convolution; only for lowrank_plan_create_stages_* */
  LOWRANK_TUCKER2 = 1,          /* ranks R1, R2: 1x1 S to R2, D x D R2 to R1, 1x1 R1 to T */
  LOWRANK_SVD = 2,              /* rank R, kernels of [T, S] or [T, S, 1...]: S to R, R to T */
  LOWRANK_SPATIAL = 3,          /* rank R, two spatial axes: D x 1 S to R, 1 x D R to T */
  LOWRANK_SPATIAL_MIRRORED = 4, /* 1 x D S to R, D x 1 R to T */
  LOWRANK_CHANNEL = 5,          /* rank R: D x D S to R, 1x1 R to T */
  LOWRANK_CHANNEL_MIRRORED = 6, /* 1x1 S to R, D x D R to T */
  LOWRANK_CP3 = 7,              /* rank R, spatial axes: 1x1 S to R, depthwise D x D, 1x1 R to T */
  LOWRANK_CP4 = 8               /* rank R, two spatial axes: 1x1, depthwise D x 1, depthwise 1 x D, 1x1 */
} lowrank_method;

/* How Tucker-2 factors are found. */
typedef enum lowrank_tucker2_algorithm {
  LOWRANK_HOOI = 0,     /* higher-order orthogonal iteration: the smallest error */
  LOWRANK_ST_HOSVD = 1, /* sequentially truncated HOSVD */
  LOWRANK_HOSVD = 2     /* truncated HOSVD */
} lowrank_tucker2_algorithm;

/* How a kernel is factored; null or zeros ask for the defaults. */
typedef struct lowrank_decompose_options {
  size_t struct_size;
  lowrank_tucker2_algorithm tucker2_algorithm;
  int32_t cp_iterations; /* the most iterations of alternating least squares, up to 100000; 0 for the default */
  double cp_tolerance;   /* an iteration that lowers the error by less than this part of itself is the last; 0: default */
  uint64_t cp_seed;      /* of everything random; the same seed gives the same factors; 0 for the default */
} lowrank_decompose_options;

/* A factored kernel. */
typedef struct lowrank_decomposition lowrank_decomposition;

/* Factors a kernel.
 *
 *   kernel, kernel_count  the kernel's elements and how many there are; all must be finite
 *   shape, order          its extents [T, S, D...], 2 to LOWRANK_MAX_ORDER of them
 *   ranks, rank_count     R1 (output channels) and R2 (input channels) for Tucker-2, one rank for the others
 *   options               may be null
 *   result                receives the handle, for lowrank_decomposition_destroy
 *
 * Runs on as many threads as BLAS has. Doing the same again gives the same factors. */
LOWRANK_API lowrank_status lowrank_decompose_f32(lowrank_method method, const float *kernel, size_t kernel_count,
                                                 const int64_t *shape, int32_t order, const int64_t *ranks,
                                                 int32_t rank_count, const lowrank_decompose_options *options,
                                                 lowrank_decomposition **result);
LOWRANK_API lowrank_status lowrank_decompose_f64(lowrank_method method, const double *kernel, size_t kernel_count,
                                                 const int64_t *shape, int32_t order, const int64_t *ranks,
                                                 int32_t rank_count, const lowrank_decompose_options *options,
                                                 lowrank_decomposition **result);

/* What there is to know about a decomposition. */
typedef struct lowrank_decomposition_info {
  size_t struct_size;
  lowrank_method method;
  lowrank_type type; /* the precision that it was computed in */
  int32_t kernel_order;
  int32_t rank_count;
  int64_t kernel_shape[LOWRANK_MAX_ORDER];
  int64_t ranks[2];
  int32_t factor_count;  /* the tensors of the form */
  int32_t stage_count;   /* the convolutions that it is run as */
  int64_t weight_count;  /* the weights of all stages */
  double relative_error; /* ||K - reconstruction|| / ||K||, of the factors as stored */
  double error_bound;    /* what theory promises; for CP the error itself */
  int32_t sweeps;        /* iterations; 0 for closed forms */
  int32_t converged;     /* 1 where the last iteration changed the error by less than the tolerance */
  double sensitivity;    /* CP: the expected squared change of the kernel for errors of variance 1 in the factors; else 0 */
} lowrank_decomposition_info;

/* Fills `*info`, whose struct_size must be set. */
LOWRANK_API lowrank_status lowrank_decomposition_get_info(const lowrank_decomposition *decomposition,
                                                          lowrank_decomposition_info *info);

/* Which tensors of a decomposition are meant. */
typedef enum lowrank_part {
  LOWRANK_FACTOR = 0, /* the factors of the form: core, mode1, mode2; left, right; first, second; ... */
  LOWRANK_STAGE = 1   /* the convolutions' weights in the order they run, [outputs, inputs / groups, extents...] */
} lowrank_part;

/* A tensor of a decomposition. */
typedef struct lowrank_tensor_info {
  size_t struct_size;
  char name[16]; /* a factor's name, or the stage's */
  int32_t order;
  int32_t groups; /* of a stage: its channels' groups; 1 for factors */
  int64_t shape[LOWRANK_MAX_ORDER];
  int64_t count; /* elements */
} lowrank_tensor_info;

/* Fills `*info` with the name and shape of factor or stage `index`, from 0. */
LOWRANK_API lowrank_status lowrank_decomposition_get_tensor(const lowrank_decomposition *decomposition,
                                                            lowrank_part part, int32_t index,
                                                            lowrank_tensor_info *info);

/* Copies factor or stage `index`; `count` must be its number of elements. Elements are rounded to nearest where the
   decomposition has the other precision. */
LOWRANK_API lowrank_status lowrank_decomposition_copy_f32(const lowrank_decomposition *decomposition,
                                                          lowrank_part part, int32_t index, float *elements,
                                                          size_t count);
LOWRANK_API lowrank_status lowrank_decomposition_copy_f64(const lowrank_decomposition *decomposition,
                                                          lowrank_part part, int32_t index, double *elements,
                                                          size_t count);

/* Writes the dense kernel that the factors stand for; `count` must be its number of elements. */
LOWRANK_API lowrank_status lowrank_decomposition_reconstruct_f32(const lowrank_decomposition *decomposition,
                                                                 float *kernel, size_t count);
LOWRANK_API lowrank_status lowrank_decomposition_reconstruct_f64(const lowrank_decomposition *decomposition,
                                                                 double *kernel, size_t count);

/* Gives a decomposition back; null is let through. */
LOWRANK_API lowrank_status lowrank_decomposition_destroy(lowrank_decomposition *decomposition);

/* -------------------------------------------------------------------------------------- convolution */

/* Where a convolution reads: for each spatial axis
 *
 *   output = floor((input + padding_before + padding_after - dilation (D - 1) - 1) / stride) + 1
 *
 * The entries behind `axes` are not looked at. `axes` and `input` must be set; zeros elsewhere mean batch 1, groups 1,
 * stride 1, dilation 1 and no padding. */
typedef struct lowrank_geometry {
  size_t struct_size;
  int32_t axes; /* spatial axes, 0 to LOWRANK_MAX_AXES; the kernel has two more */
  int32_t groups;
  int64_t batch;
  int64_t input[LOWRANK_MAX_AXES]; /* the input's spatial extents */
  int64_t stride[LOWRANK_MAX_AXES];
  int64_t dilation[LOWRANK_MAX_AXES];
  int64_t padding_before[LOWRANK_MAX_AXES];
  int64_t padding_after[LOWRANK_MAX_AXES];
} lowrank_geometry;

/* Which code runs a plan. */
typedef enum lowrank_backend {
  LOWRANK_BACKEND_AUTOMATIC = 0, /* own kernels for float, whatever the axes; BLAS for double */
  LOWRANK_BACKEND_BLAS = 1       /* im2col and BLAS */
} lowrank_backend;

/* Which Winograd algorithms stages of stride 1 and one group may use, in float over one or two axes, whose kernels are
   2 x 2, 3 x 3 or 5 x 5, or 3 or 5 long along one axis (3 x 1, 1 x 3, 5 x 1, 1 x 5, as in the spatial form): what is fastest,
   F(6, 3) along one axis among it; none (the smallest error); or tiles of one size wherever there is such a form, and the
   definition elsewhere. */
typedef enum lowrank_winograd {
  LOWRANK_WINOGRAD_AUTOMATIC = 0,
  LOWRANK_WINOGRAD_OFF = 1,
  LOWRANK_WINOGRAD_2X2 = 2, /* F(2x2, 3x3), F(2x2, 5x5) */
  LOWRANK_WINOGRAD_4X4 = 3, /* F(4x4, 3x3); along one axis F(4, 3), F(4, 5) */
  LOWRANK_WINOGRAD_5X5 = 4  /* F(5x5, 3x3), F(5x5, 2x2) */
} lowrank_winograd;

/* What happens to each element of a result, behind the bias. Parameters are taken as they are given, zeros too; other
   activations than those named at a parameter do not look at it. */
typedef enum lowrank_activation {
  LOWRANK_NO_ACTIVATION = 0,
  LOWRANK_RELU = 1,         /* max(x, 0) */
  LOWRANK_CLIP = 2,         /* min(max(x, clip_low), clip_high); ReLU6 is 0 to 6 */
  LOWRANK_LEAKY_RELU = 3,   /* x, and alpha x for negative x */
  LOWRANK_PRELU = 4,        /* x, and slopes[c] x for negative x of output channel c */
  LOWRANK_SIGMOID = 5,      /* 1 / (1 + exp(-x)) */
  LOWRANK_SILU = 6,         /* x / (1 + exp(-x)), also called swish */
  LOWRANK_HARD_SIGMOID = 7, /* min(max(alpha x + beta, 0), 1); ONNX's defaults are 0.2 and 0.5 */
  LOWRANK_HARD_SWISH = 8,   /* x min(max(x + 3, 0), 6) / 6 */
  LOWRANK_TANH = 9,
  LOWRANK_GELU = 10,      /* x (1 + erf(x / sqrt(2))) / 2 */
  LOWRANK_GELU_TANH = 11, /* x / (1 + exp(-2 y)) with y = sqrt(2 / pi) (x + 0.044715 x^3) */
  LOWRANK_ELU = 12        /* x, and alpha (exp(x) - 1) for negative x */
} lowrank_activation;

/* Which axis of an input or output runs fastest, and how far neighbours are apart, in elements:
 *
 *   channel-first   element (n, c, p) at  n image_stride + c stride + p
 *   channel-last    element (n, c, p) at  n image_stride + p stride + c
 *
 * with p the position in row-major order. A stride of 0 is that of a tensor without gaps. A larger one makes the tensor a
 * slice of a larger one, as where a concatenation is written in place: the gaps are not written, and what lies there does
 * not matter. Neighbours that would overlap are a LOWRANK_BAD_GEOMETRY. */
typedef enum lowrank_layout {
  LOWRANK_CHANNEL_FIRST = 0, /* [N, C, extents...], as in ONNX and PyTorch: NCHW */
  LOWRANK_CHANNEL_LAST = 1   /* [N, extents..., C], as in TensorFlow: NHWC */
} lowrank_layout;

/* How a plan runs; null or zeros ask for the defaults. */
typedef struct lowrank_plan_options {
  size_t struct_size;
  lowrank_backend backend;
  lowrank_winograd winograd;
  lowrank_activation activation; /* of the output; a chain's stages have their own, and this is zero */
  int32_t threads;               /* that share one run, up to 64; 0 for 1. See lowrank_plan_info */
  double clip_low;               /* for LOWRANK_CLIP */
  double clip_high;
  double alpha;         /* for LOWRANK_LEAKY_RELU, LOWRANK_HARD_SIGMOID and LOWRANK_ELU; finite */
  double beta;          /* for LOWRANK_HARD_SIGMOID; finite */
  const double *slopes; /* for LOWRANK_PRELU: one for each output channel, finite; copied */
  size_t slope_count;
  lowrank_layout input_layout;
  lowrank_layout output_layout;
  int64_t input_stride; /* between channels of a channel-first input, between positions of a channel-last one */
  int64_t input_image_stride;
  int64_t output_stride;
  int64_t output_image_stride;
} lowrank_plan_options;

/* A convolution with its weights packed. */
typedef struct lowrank_plan lowrank_plan;

/* A plan for a dense kernel of [T, S / groups, D...]. `bias` has T elements, or is null with a bias_count of 0. The
   kernel and the bias are copied. */
LOWRANK_API lowrank_status lowrank_plan_create_f32(const lowrank_geometry *geometry, const float *kernel,
                                                   size_t kernel_count, const int64_t *shape, int32_t order,
                                                   const float *bias, size_t bias_count,
                                                   const lowrank_plan_options *options, lowrank_plan **result);
LOWRANK_API lowrank_status lowrank_plan_create_f64(const lowrank_geometry *geometry, const double *kernel,
                                                   size_t kernel_count, const int64_t *shape, int32_t order,
                                                   const double *bias, size_t bias_count,
                                                   const lowrank_plan_options *options, lowrank_plan **result);

/* A plan for a factored kernel; the geometry must have one group. The decomposition may be destroyed afterwards. Factors
   of the other precision are rounded to the plan's. */
LOWRANK_API lowrank_status lowrank_plan_create_factored_f32(const lowrank_geometry *geometry,
                                                            const lowrank_decomposition *decomposition,
                                                            const float *bias, size_t bias_count,
                                                            const lowrank_plan_options *options,
                                                            lowrank_plan **result);
LOWRANK_API lowrank_status lowrank_plan_create_factored_f64(const lowrank_geometry *geometry,
                                                            const lowrank_decomposition *decomposition,
                                                            const double *bias, size_t bias_count,
                                                            const lowrank_plan_options *options,
                                                            lowrank_plan **result);

/* A plan for stages whose weights the caller kept.
 *
 *   shape, order                  the dense kernel's extents [T, S / groups, D...]
 *   method, ranks, rank_count     the form, whose stages are listed at lowrank_method; ranks hold for each group
 *   weights, counts, stage_count  one buffer of weights a stage, as lowrank_decomposition_copy_* gives LOWRANK_STAGE */
LOWRANK_API lowrank_status lowrank_plan_create_stages_f32(const lowrank_geometry *geometry, const int64_t *shape,
                                                          int32_t order, lowrank_method method,
                                                          const int64_t *ranks, int32_t rank_count,
                                                          const float *const *weights, const size_t *counts,
                                                          int32_t stage_count, const float *bias, size_t bias_count,
                                                          const lowrank_plan_options *options,
                                                          lowrank_plan **result);
LOWRANK_API lowrank_status lowrank_plan_create_stages_f64(const lowrank_geometry *geometry, const int64_t *shape,
                                                          int32_t order, lowrank_method method,
                                                          const int64_t *ranks, int32_t rank_count,
                                                          const double *const *weights, const size_t *counts,
                                                          int32_t stage_count, const double *bias,
                                                          size_t bias_count, const lowrank_plan_options *options,
                                                          lowrank_plan **result);

/* One convolution of a chain:
 *
 *   Y = activation(K * X + bias)
 *
 * `order`, `shape`, `weights` and `weight_count` must be set; zeros elsewhere mean one group, no bias, no activation,
 * stride 1, dilation 1 and no padding. */
typedef struct lowrank_stage {
  size_t struct_size;
  int32_t order; /* of the weights: the spatial axes and two */
  int32_t groups;
  int64_t shape[LOWRANK_MAX_ORDER]; /* of the weights, [T, S / groups, D...] */
  const void *weights;              /* float for lowrank_plan_create_chain_f32, double for _f64; copied */
  size_t weight_count;
  const void *bias; /* T elements of the same type, copied; or null with a bias_count of 0 */
  size_t bias_count;
  int64_t stride[LOWRANK_MAX_AXES];
  int64_t dilation[LOWRANK_MAX_AXES];
  int64_t padding_before[LOWRANK_MAX_AXES];
  int64_t padding_after[LOWRANK_MAX_AXES];
  lowrank_activation activation; /* and its parameters, as in lowrank_plan_options */
  int32_t reserved;              /* zero */
  double clip_low;
  double clip_high;
  double alpha;
  double beta;
  const double *slopes;
  size_t slope_count;
} lowrank_stage;

/* A plan for a chain of convolutions, each reading what the one before it wrote: the stages of a factored layer, several
 * layers one behind the other, depthwise and pointwise blocks. The maps between them stay in the cache, in float over up to
 * two axes on own kernels; over more axes, and on BLAS, stage runs after stage.
 *
 *   stages, stage_count  pointers to the stages in the order they run, 1 to LOWRANK_MAX_STAGES
 *   batch                the number of images; 0 for 1
 *   extents, axes        the spatial extents of the chain's input and their number, that of every stage's axes; `extents`
 *                        may be null where there are none */
LOWRANK_API lowrank_status lowrank_plan_create_chain_f32(const lowrank_stage *const *stages, int32_t stage_count,
                                                         int64_t batch, const int64_t *extents, int32_t axes,
                                                         const lowrank_plan_options *options,
                                                         lowrank_plan **result);
LOWRANK_API lowrank_status lowrank_plan_create_chain_f64(const lowrank_stage *const *stages, int32_t stage_count,
                                                         int64_t batch, const int64_t *extents, int32_t axes,
                                                         const lowrank_plan_options *options,
                                                         lowrank_plan **result);

/* What a plan needs and gives. */
typedef struct lowrank_plan_info {
  size_t struct_size;
  lowrank_type type;
  int32_t order;                          /* of the input and the output: the spatial axes and two */
  int64_t input_shape[LOWRANK_MAX_ORDER]; /* in the order of its layout, [N, extents..., S] where it is channel-last */
  int64_t output_shape[LOWRANK_MAX_ORDER];
  size_t input_count; /* elements from the first to the last, gaps between them counted */
  size_t output_count;
  size_t workspace_bytes; /* at any address: room to align it is counted in */
  int64_t multiplies;     /* of all stages */
  int32_t stage_count;
  int32_t threads; /* that share a run: those asked for, or fewer where there is less to share */
} lowrank_plan_info;

/* Fills `*info`, whose struct_size must be set. */
LOWRANK_API lowrank_status lowrank_plan_get_info(const lowrank_plan *plan, lowrank_plan_info *info);

/* Computes the convolution. The counts must be those of lowrank_plan_get_info, the workspace as large or larger; input,
 * output and workspace must not share memory, not even in gaps between elements. The contents of the workspace before do not matter and afterwards mean
 * nothing. Allocates nothing once the threads exist.
 *
 * Several runs at the same time share the processors that the process started with: those that would need more wait for
 * one another, in the order in which they came. Where BLAS runs the stages, its thread count, global to the process, is 1
 * meanwhile and then put back.
 *
 * An infinity or a NaN of the input makes NaN of outputs that it has no part in, too: of a whole tile under Winograd's
 * algorithms, and in float over up to two axes of neighbouring groups, which are multiplied as one block with zeros between
 * them where that is faster. LOWRANK_WINOGRAD_OFF and LOWRANK_BACKEND_BLAS keep tiles and groups apart. */
LOWRANK_API lowrank_status lowrank_plan_run_f32(const lowrank_plan *plan, const float *input, size_t input_count,
                                                float *output, size_t output_count, void *workspace,
                                                size_t workspace_bytes);
LOWRANK_API lowrank_status lowrank_plan_run_f64(const lowrank_plan *plan, const double *input, size_t input_count,
                                                double *output, size_t output_count, void *workspace,
                                                size_t workspace_bytes);

/* Gives a plan back; null is let through. */
LOWRANK_API lowrank_status lowrank_plan_destroy(lowrank_plan *plan);

/* ------------------------------------------------------------------------------------------ model files */

/* The forms that layers may be brought into. */
typedef enum lowrank_model_method {
  LOWRANK_MODEL_AUTO = 0,    /* for each layer the best of those below that fit it; under LOWRANK_MULTIPLIES and
                                LOWRANK_WEIGHTS of CP-3 and CP-4 too, which cannot be asked for alone */
  LOWRANK_MODEL_TUCKER2 = 1, /* kernels with spatial extents; other layers are kept */
  LOWRANK_MODEL_SVD = 2,     /* two matrices for layers without spatial extents; others are kept */
  LOWRANK_MODEL_SPATIAL = 3, /* kernels with two spatial axes, D x 1 and 1 x D in the cheaper order; others are kept */
  LOWRANK_MODEL_CHANNEL = 4  /* kernels with spatial extents, D x D and 1 x 1 in the cheaper order; others are kept */
} lowrank_model_method;

/* How ranks are chosen. */
typedef enum lowrank_criterion {
  LOWRANK_DEFAULT_CRITERION = 0, /* an error of 0.3; criterion_value is not looked at */
  LOWRANK_ERROR = 1,             /* the cheapest ranks whose relative error is at most criterion_value */
  LOWRANK_ENERGY = 2,            /* ranks that keep this part of each mode's energy */
  LOWRANK_RANKS_RATIO = 3,       /* ranks that are this part of the full ones */
  LOWRANK_MULTIPLIES = 4,        /* the whole model at this part of its multiplies, with the least error; not 0 */
  LOWRANK_WEIGHTS = 5,           /* the whole model at this part of its weights, with the least error; not 0 */
  LOWRANK_LATENCY = 6,           /* the whole model at this part of the time that a run takes here on `threads` threads; not 0 */
  LOWRANK_MILLISECONDS = 7       /* a run of the whole model in at most so many milliseconds here; not 0 */
} lowrank_criterion;

/* How the weights of a model are stored, factors and kept layers: those of float32 alone change. */
typedef enum lowrank_weight_storage {
  LOWRANK_WEIGHTS_AS_THEY_ARE = 0,
  LOWRANK_WEIGHTS_FLOAT16 = 1, /* in half precision behind a Cast */
  LOWRANK_WEIGHTS_INT8 = 2,    /* integers with a scale for each output channel behind a DequantizeLinear */
  LOWRANK_WEIGHTS_AUTO = 3     /* as integers where that adds little to a layer's error, else in half precision */
} lowrank_weight_storage;

/* Told of the work on a model: a layer, in UTF-8 and valid during the call, is number `done` of `total`. Under a budget
   the layers are gone through twice, first to be analysed, and with samples once more, to be looked at; to be timed they take
   turns all together, of which number `done` of `total` is over, and the text is empty. It is called by one thread at a time,
   which need not be the caller's, and must return. */
typedef void (*lowrank_progress)(void *context, const char *layer, int64_t done, int64_t total);

/* A tensor in the caller's memory, dense and row-major.
 *
 * Values of floating-point types are LOWRANK_FLOAT32 or LOWRANK_FLOAT64 here, whatever the model stores them in; they are
 * computed with as float. Integers and truth values may be of any of their types: outputs are cut to their lower bits. */
typedef struct lowrank_array {
  size_t struct_size;
  const char *name;  /* of the value, UTF-8; null for the input or output of the same place. Outputs may be any value
                        inside of the network */
  lowrank_type type; /* of the elements. LOWRANK_UNKNOWN_TYPE for an output asks for LOWRANK_FLOAT32, or the model's type
                        of integers, and receives which */
  int32_t order;     /* of an input up to LOWRANK_MAX_ORDER; an output receives its */
  int64_t shape[LOWRANK_MAX_ORDER]; /* of an input; an output receives its */
  void *elements;    /* an input's are only read. Null with a count of 0 for an output to be told its shape alone */
  size_t count;      /* of the elements */
} lowrank_array;

/* What is done to a model; null or zeros ask for the defaults. Texts are UTF-8, at most 1024 bytes long. */
typedef struct lowrank_model_options {
  size_t struct_size;
  lowrank_model_method method;
  lowrank_criterion criterion;
  double criterion_value;          /* 0 to 1; of LOWRANK_MILLISECONDS any above 0 */
  int32_t rank_multiple;           /* ranks are rounded up to a multiple of this, up to 65536; 0 for the default */
  int32_t threads;                 /* up to 1024; 0 for one a processor */
  const char *layers;              /* a regular expression: only layers whose names match; null for all */
  const char *skip;                /* a regular expression: layers to keep as they are; null for none */
  const char *const *input_shapes; /* "name=1,3,224,224" for inputs whose shapes the model leaves open */
  int32_t input_shape_count;       /* up to 1024 */
  int32_t keep_batch_norm;         /* 1: do not fold BatchNormalization into factored layers */
  lowrank_progress progress;       /* null for none; lowrank_model_compress alone calls it */
  void *progress_context;          /* what it is given */
  lowrank_weight_storage weights;
  int32_t time_run;                /* 1: lowrank_model_compress times a run of both networks at the end: `time` in its report */
  const lowrank_array *samples;    /* inputs without labels that lowrank_model_compress fits the layers to, one for each place
                                      on the first axis of the one input that the model has; null for none. A few dozen do.
                                      Layers share out a budget by them: criteria of single layers take none */
  double min_agreement;            /* with samples: stop where answers on those held out are the original's in less than this
                                      part, or for maps where they are off by more than 1 less this; 0 for any. The budget is
                                      then the least that is tried */
} lowrank_model_options;

/* A text in JSON. */
typedef struct lowrank_report lowrank_report;

/* Looks at every layer of an ONNX file: what it costs, its spectrum, what factoring would save. The report is that of
   `lowrank inspect --json`. Paths are UTF-8, at most 4095 bytes long. */
LOWRANK_API lowrank_status lowrank_model_inspect(const char *path, const lowrank_model_options *options,
                                                 lowrank_report **result);

/* Factors the layers of an ONNX file and writes another, beside its place first and then renamed, so that no partial
   file is ever seen. The output may be none of the files that are read, external data included, by whatever path
   (LOWRANK_INVALID_ARGUMENT). The report is that of `lowrank compress --json`. */
LOWRANK_API lowrank_status lowrank_model_compress(const char *path, const char *output_path,
                                                  const lowrank_model_options *options, lowrank_report **result);

/* Copies a report as UTF-8 with a zero byte at its end. `*length`, where `length` is not null, receives the bytes in
   front of the zero, also where the buffer is too small (LOWRANK_SIZE_MISMATCH); so a null buffer with a capacity of 0
   asks for the length alone, and is LOWRANK_OK. */
LOWRANK_API lowrank_status lowrank_report_copy(const lowrank_report *report, char *buffer, size_t capacity,
                                               size_t *length);

/* Gives a report back; null is let through. */
LOWRANK_API lowrank_status lowrank_report_destroy(lowrank_report *report);

/* ------------------------------------------------------------------------------------------ whole networks */

/* A network with its weights packed. Sessions of it share them, and live on where it is destroyed before them. */
typedef struct lowrank_network lowrank_network;

/* The memory that a network runs in. A session runs one input at a time: calls from other threads wait for their turn. For
   runs side by side, give each thread a session. Threads that share one have the run itself write their outputs:
   lowrank_session_copy copies those of whoever ran last. */
typedef struct lowrank_session lowrank_session;

/* How a network runs; null or zeros ask for the defaults. */
typedef struct lowrank_network_options {
  size_t struct_size;
  int32_t threads;           /* that share one run, up to 64; 0 for 1. The results do not depend on it */
  lowrank_winograd winograd; /* LOWRANK_WINOGRAD_OFF has the smallest error */
  int64_t memory_limit;      /* the most bytes that the values of a run may take; 0 for 2 GiB */
} lowrank_network_options;

/* Reads a network out of an ONNX file of opset 7 to 23. The path is UTF-8, at most 4095 bytes long. An operator or a
   setting that the library lacks is a LOWRANK_UNSUPPORTED that names the node. */
LOWRANK_API lowrank_status lowrank_network_open(const char *path, const lowrank_network_options *options,
                                                lowrank_network **result);

/* The same from the bytes of such a file, which are copied. External data is looked for in the working directory. */
LOWRANK_API lowrank_status lowrank_network_create(const void *bytes, size_t byte_count,
                                                  const lowrank_network_options *options, lowrank_network **result);

/* What there is to know about a network. */
typedef struct lowrank_network_info {
  size_t struct_size;
  int32_t input_count;
  int32_t output_count;
  int64_t weight_bytes; /* of the constants, as the model stores them */
} lowrank_network_info;

/* Fills `*info`, whose struct_size must be set. */
LOWRANK_API lowrank_status lowrank_network_get_info(const lowrank_network *network, lowrank_network_info *info);

/* Which values of a network are meant. */
typedef enum lowrank_direction { LOWRANK_INPUT = 0, LOWRANK_OUTPUT = 1 } lowrank_direction;

/* What the model says of an input or output. */
typedef struct lowrank_value_info {
  size_t struct_size;
  const char *name;  /* UTF-8; the library's, and there until the network is destroyed */
  lowrank_type type; /* LOWRANK_UNKNOWN_TYPE where the model does not say */
  int32_t order;     /* its axes; -1 where the model does not say, or there are more than LOWRANK_MAX_ORDER */
  int64_t shape[LOWRANK_MAX_ORDER]; /* -1 where an extent is open, as that of a batch often is */
} lowrank_value_info;

/* Fills `*info` with what the model says of input or output `index`, from 0. */
LOWRANK_API lowrank_status lowrank_network_get_value(const lowrank_network *network, lowrank_direction direction,
                                                     int32_t index, lowrank_value_info *info);

/* Tells the types and shapes that outputs have for inputs of given types and shapes, without a run; `elements` and `count`
 * are not looked at. An output whose shape depends on what the run computes receives an order of -1.
 *
 *   inputs, input_count    pointers to all inputs of the network, in any order where they have names
 *   outputs, output_count  pointers to the outputs that are wanted, 1 or more */
LOWRANK_API lowrank_status lowrank_network_get_shapes(const lowrank_network *network,
                                                      const lowrank_array *const *inputs, int32_t input_count,
                                                      lowrank_array *const *outputs, int32_t output_count);

/* Memory for runs of a network; it is asked for by the first run of a shape and kept. */
LOWRANK_API lowrank_status lowrank_session_create(const lowrank_network *network, lowrank_session **result);

/* Runs the network on `inputs` and copies the outputs that are wanted, which also stay in the session until its next run:
 * see lowrank_session_copy. Arguments are those of lowrank_network_get_shapes, with elements; outputs may share memory with
 * no other array.
 *
 * Each output receives its type, order and shape. Where the `count` of one with elements is another than its shape asks
 * for, all receive them, the elements are not written, and the status is LOWRANK_SIZE_MISMATCH.
 *
 * Shapes may change from run to run; each is planned once, and the memory of the last few is kept. */
LOWRANK_API lowrank_status lowrank_session_run(lowrank_session *session, const lowrank_array *const *inputs,
                                               int32_t input_count, lowrank_array *const *outputs,
                                               int32_t output_count);

/* Copies output `index` of the session's last run, from 0 in the order of that run's `outputs`, as elements of `type`;
   `count` must be its number of elements. For outputs whose sizes are known behind the run alone. */
LOWRANK_API lowrank_status lowrank_session_copy(lowrank_session *session, int32_t index, lowrank_type type,
                                                void *elements, size_t count);

/* Give a session or a network back; null is let through. */
LOWRANK_API lowrank_status lowrank_session_destroy(lowrank_session *session);
LOWRANK_API lowrank_status lowrank_network_destroy(lowrank_network *network);

#ifdef __cplusplus
}
#endif

#endif
