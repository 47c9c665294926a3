internal import CLapack
public import Tensors

extension Double: LapackScalar {
  /// The double-precision routines.
  public static let routines = LapackRoutines<Double>(
    gemm: { transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc in
      cblas_dgemm(
        CblasRowMajor, transA ? CblasTrans : CblasNoTrans, transB ? CblasTrans : CblasNoTrans, m, n, k, alpha,
        a,
        lda, b, ldb, beta, c, ldc)
    },
    syrk: { transA, n, k, alpha, a, lda, beta, c, ldc in
      cblas_dsyrk(
        CblasRowMajor, CblasUpper, transA ? CblasTrans : CblasNoTrans, n, k, alpha, a, lda, beta, c, ldc)
    },
    gemv: { transA, m, n, alpha, a, lda, x, incx, beta, y, incy in
      cblas_dgemv(
        CblasRowMajor, transA ? CblasTrans : CblasNoTrans, m, n, alpha, a, lda, x, incx, beta, y, incy)
    },
    ger: { m, n, alpha, x, y, a, lda in
      cblas_dger(CblasRowMajor, m, n, alpha, x, 1, y, 1, a, lda)
    },
    trsmLeft: { upper, transA, m, n, alpha, a, lda, b, ldb in
      cblas_dtrsm(
        CblasRowMajor, CblasLeft, upper ? CblasUpper : CblasLower, transA ? CblasTrans : CblasNoTrans,
        CblasNonUnit, m, n, alpha, a, lda, b, ldb)
    },
    trsmRight: { upper, transA, m, n, alpha, a, lda, b, ldb in
      cblas_dtrsm(
        CblasRowMajor, CblasRight, upper ? CblasUpper : CblasLower, transA ? CblasTrans : CblasNoTrans,
        CblasNonUnit, m, n, alpha, a, lda, b, ldb)
    },
    gesdd: { jobz, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork in
      LAPACKE_dgesdd_work(
        LAPACK_COL_MAJOR, jobz.lapack, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork)
    },
    gesvd: { job, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork in
      LAPACKE_dgesvd_work(
        LAPACK_COL_MAJOR, job.lapack, job.lapack, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork)
    },
    syevd: { jobz, n, a, lda, w, work, lwork, iwork, liwork in
      LAPACKE_dsyevd_work(
        LAPACK_COL_MAJOR, jobz.lapack, Character("U").lapack, n, a, lda, w, work, lwork, iwork, liwork)
    },
    syevr: { n, a, lda, first, last, found, w, z, ldz, isuppz, work, lwork, iwork, liwork in
      LAPACKE_dsyevr_work(
        LAPACK_COL_MAJOR, Character("V").lapack, Character("I").lapack, Character("U").lapack, n, a, lda, 0,
        0, first,
        last, 0, found, w, z, ldz, isuppz, work, lwork, iwork, liwork)
    },
    geqrf: { m, n, a, lda, tau, work, lwork in
      LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, m, n, a, lda, tau, work, lwork)
    },
    orgqr: { m, n, k, a, lda, tau, work, lwork in
      LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, m, n, k, a, lda, tau, work, lwork)
    },
    potrf: { upper, n, a, lda in
      // LAPACK's column-major lower triangle is the row-major upper one.
      LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, Character(upper ? "L" : "U").lapack, n, a, lda)
    },
    potrs: { n, nrhs, a, lda, b, ldb in
      LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, Character("U").lapack, n, nrhs, a, lda, b, ldb)
    },
    gelsd: { m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, iwork in
      LAPACKE_dgelsd_work(
        LAPACK_COL_MAJOR, m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, iwork)
    }
  )
}
