// The reference tables: reference.inl compiled for float and double with the program's own flags.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels/kernels.h"

namespace talweg::kernels {
namespace plain {
namespace {

#include "core/kernels/share.inl"
//
#include "core/kernels/reference.inl"
//
#include "core/kernels/reference_rows.inl"
//
#include "core/kernels/reference_pool.inl"
//
#include "core/kernels/reference_depthwise.inl"

template <class T>
constexpr KernelTable<T> kTable = {
    .name = "reference",
    .exp = exp<T>,
    .log = log<T>,
    .tanh = tanh<T>,
    .sigmoid = sigmoid<T>,
    .softplus = softplus<T>,
    .sqrt = sqrt<T>,
    .abs = abs<T>,
    .sign = sign<T>,
    .add_scalar = add_scalar<T>,
    .relu = relu<T>,
    .relu_mask = relu_mask<T>,
    .add = add<T>,
    .sub = sub<T>,
    .mul = mul<T>,
    .div = div<T>,
    .maximum = maximum<T>,
    .greater_equal = greater_equal<T>,
    .scale = scale<T>,
    .axpy = axpy<T>,
    .col_sum = col_sum<T>,
    .col_dot = col_dot<T>,
    .col_sqdev = col_sqdev<T>,
    .col_affine = col_affine<T>,
    .col_affine2 = col_affine2<T>,
    .col_add = col_add<T>,
    .col_sub = col_sub<T>,
    .col_mul = col_mul<T>,
    .col_div = col_div<T>,
    .row_sum = row_sum<T>,
    .row_logsumexp = row_logsumexp<T>,
    .row_softmax = row_softmax<T>,
    .row_softmax_vjp = row_softmax_vjp<T>,
    .row_log_softmax = row_log_softmax<T>,
    .row_log_softmax_vjp = row_log_softmax_vjp<T>,
    .row_cross_entropy = row_cross_entropy<T>,
    .row_cross_entropy_vjp = row_cross_entropy_vjp<T>,
    .square_sum = square_sum<T>,
    .adam = adam<T>,
    .sgd = sgd<T>,
    .max_pool = max_pool<T>,
    .pool_scatter = pool_scatter<T>,
    .pool_gather = pool_gather<T>,
    .avg_pool = avg_pool<T>,
    .avg_pool_backward = avg_pool_backward<T>,
    .depthwise = depthwise<T>,
    .depthwise_backward_data = depthwise_backward_data<T>,
    .depthwise_backward_weights = depthwise_backward_weights<T>,
    .depthwise_scratch = depthwise_scratch<T>,
    .matmul = matmul<T>,
    .matmul_scratch = matmul_scratch<T>,
    .conv2d_packed_size = conv2d_packed_size<T>,
    .conv2d_pack = conv2d_pack<T>,
    .conv2d = conv2d<T>,
    .conv2d_backward_data = conv2d_backward_data<T>,
    .conv2d_backward_weights = conv2d_backward_weights<T>,
    .conv2d_scratch = conv2d_scratch<T>,
};

}  // namespace
}  // namespace plain

template <> const KernelTable<float>& reference<float>() { return plain::kTable<float>; }
template <> const KernelTable<double>& reference<double>() { return plain::kTable<double>; }
/// In double there is one table: second derivatives and gradient checks want exactness, not speed.
template <> const KernelTable<double>& table<double>() { return reference<double>(); }

}  // namespace talweg::kernels
