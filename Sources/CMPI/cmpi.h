// What lowrank-mpi needs of MPI. Communicators, types and operations are macros over addresses, which Swift does not import:
// these functions name them. Each returns MPI's code; MPI_SUCCESS is 0.
#ifndef SWIFT_LOWRANK_CMPI_H
#define SWIFT_LOWRANK_CMPI_H

#include <mpi.h>
#include <stddef.h>

_Static_assert(MPI_SUCCESS == 0, "codes other than 0 are errors");

// Begins, for calls from the main thread alone, and has errors returned instead of ending the process without a word.
static inline int cmpi_begin(int *rank, int *count) {
  int provided;
  int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (code == MPI_SUCCESS) code = MPI_Comm_rank(MPI_COMM_WORLD, rank);
  if (code == MPI_SUCCESS) code = MPI_Comm_size(MPI_COMM_WORLD, count);
  return code;
}

// Sums each element over all processes, in place.
static inline int cmpi_sum_floats(float *values, int count) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}

static inline int cmpi_sum_doubles(double *values, int count) {
  return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

// What a code means, in `text` of MPI_MAX_ERROR_STRING bytes.
static inline void cmpi_explain(int code, char *text) {
  int length;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) text[0] = 0;
}

static inline int cmpi_longest_text(void) { return MPI_MAX_ERROR_STRING; }

// Waits for the others and ends.
static inline int cmpi_end(void) { return MPI_Finalize(); }

// Ends all processes.
static inline void cmpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

#endif
