// The vector body: every float kernel, written once over compiler vector types and compiled once
// per instruction set. The including file defines
//   TALWEG_ISA_NAMESPACE  the namespace of this copy
//   TALWEG_LANES          floats in a vector: 4, 8 or 16
//   TALWEG_TILE_ROWS      rows of the register tile (tile.inl)
//
// Everything here has internal linkage and nothing comes from the standard library: an inline or
// template function compiled with AVX-512 flags could otherwise be the copy that the linker keeps
// for the whole program, which then dies on an older processor.
#include <omp.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "core/kernels/isa_tables.h"

namespace talweg::kernels::TALWEG_ISA_NAMESPACE {
namespace {

#include "core/kernels/vec.inl"
//
#include "core/kernels/share.inl"
//
#include "core/kernels/vec_math.inl"
//
#include "core/kernels/elementwise.inl"
//
#include "core/kernels/reduce.inl"
//
#include "core/kernels/epilogue.inl"
//
#include "core/kernels/pool.inl"
//
#include "core/kernels/softmax.inl"
//
#include "core/kernels/optim.inl"
//
#include "core/kernels/depthwise.inl"
//
#include "core/kernels/tile.inl"
//
#include "core/kernels/gemm.inl"
//
#include "core/kernels/matmul.inl"
//
#include "core/kernels/conv2d.inl"
//
#include "core/kernels/conv2d_first.inl"
//
#include "core/kernels/conv2d_data.inl"
//
#include "core/kernels/conv2d_narrow.inl"
//
#include "core/kernels/conv2d_pointwise.inl"
//
#include "core/kernels/conv2d_weights_plan.inl"
//
#include "core/kernels/conv2d_weights_few.inl"
//
#include "core/kernels/conv2d_weights.inl"
//
#include "core/kernels/winograd_forms.inl"
//
#include "core/kernels/winograd_pack.inl"
//
#include "core/kernels/winograd.inl"
//
#include "core/kernels/winograd_weights.inl"
//
#include "core/kernels/winograd_row.inl"
//
#include "core/kernels/conv2d_faces.inl"

constexpr KernelTable<float> make_table(const char* name) {
  return {
      .name = name,
      .exp = exp,
      .log = log,
      .tanh = tanh,
      .sigmoid = sigmoid,
      .softplus = softplus,
      .sqrt = sqrt,
      .abs = abs,
      .sign = sign,
      .add_scalar = add_scalar,
      .relu = relu,
      .relu_mask = relu_mask,
      .add = add,
      .sub = sub,
      .mul = mul,
      .div = div,
      .maximum = maximum,
      .greater_equal = greater_equal,
      .scale = scale,
      .axpy = axpy,
      .col_sum = col_sum,
      .col_dot = col_dot,
      .col_sqdev = col_sqdev,
      .col_affine = col_affine,
      .col_affine2 = col_affine2,
      .col_add = col_add,
      .col_sub = col_sub,
      .col_mul = col_mul,
      .col_div = col_div,
      .row_sum = row_sum,
      .row_logsumexp = row_logsumexp,
      .row_softmax = row_softmax,
      .row_softmax_vjp = row_softmax_vjp,
      .row_log_softmax = row_log_softmax,
      .row_log_softmax_vjp = row_log_softmax_vjp,
      .row_cross_entropy = row_cross_entropy,
      .row_cross_entropy_vjp = row_cross_entropy_vjp,
      .square_sum = square_sum,
      .adam = adam,
      .sgd = sgd,
      .max_pool = max_pool,
      .pool_scatter = pool_scatter,
      .pool_gather = pool_gather,
      .avg_pool = avg_pool,
      .avg_pool_backward = avg_pool_backward,
      .depthwise = depthwise,
      .depthwise_backward_data = depthwise_backward_data,
      .depthwise_backward_weights = depthwise_backward_weights,
      .depthwise_scratch = depthwise_scratch,
      .matmul = matmul,
      .matmul_scratch = matmul_scratch,
      .conv2d_packed_size = conv2d_packed_size,
      .conv2d_pack = conv2d_pack,
      .conv2d = conv2d,
      .conv2d_backward_data = conv2d_backward_data,
      .conv2d_backward_weights = conv2d_backward_weights,
      .conv2d_scratch = conv2d_scratch,
  };
}

}  // namespace
}  // namespace talweg::kernels::TALWEG_ISA_NAMESPACE
