// Small dense matrices in double, for closed forms: a few rows, no tape.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace talweg::ebm {

/// The lower triangular L with L L' = A. A[D,D] must be symmetric; no elements are returned where
/// it is not positive definite.
Tensor<double> cholesky(const Tensor<double>& a);

/// A^-1 from its Cholesky factor.
Tensor<double> inverse_from_cholesky(const Tensor<double>& l);

/// log det A from its Cholesky factor: twice the sum of the logarithms on the diagonal.
double log_det_from_cholesky(const Tensor<double>& l);

/// The eigenvalues of a symmetric A[D,D], ascending, by Jacobi rotations: sweep over all pairs,
/// turning each off-diagonal element to zero, until none counts.
/// Source: Golub and Van Loan 2013, "Matrix Computations", section 8.5.
std::vector<double> eigenvalues(Tensor<double> a);

}  // namespace talweg::ebm
