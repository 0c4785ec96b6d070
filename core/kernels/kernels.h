// The kernels: raw pointers and plain descriptors in, numbers out. They know nothing of tensors or
// tapes, allocate nothing, throw nothing, and give the same bits for any number of OpenMP threads.
//
// All arrays are dense and row-major. Images are x[N,H,W,C] (channels last), weights w[K,KH,KW,C].
// `table<float>()` is the instruction set chosen at start; `table<double>()` and reference tables
// are plain loops, the specification that every other table is tested against.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace talweg::kernels {

/// Geometry of a 2-D cross-correlation y[n,p,q,k] = sum over (i,j,c) of
/// x[n, p*stride_h + i*dilation_h - pad_h, q*stride_w + j*dilation_w - pad_w, c] * w[k,i,j,c],
/// where positions outside the input count as zero.
struct Conv2dShape {
  int64_t n = 1, h = 1, w = 1, c = 1;  ///< input
  int64_t k = 1, kh = 1, kw = 1;       ///< weights
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_h = 0, pad_w = 0;  ///< zeros on each side
  int64_t dilation_h = 1, dilation_w = 1;

  int64_t oh() const { return (h + 2 * pad_h - dilation_h * (kh - 1) - 1) / stride_h + 1; }
  int64_t ow() const { return (w + 2 * pad_w - dilation_w * (kw - 1) - 1) / stride_w + 1; }
  int64_t x_size() const { return n * h * w * c; }
  int64_t w_size() const { return k * kh * kw * c; }
  int64_t y_size() const { return n * oh() * ow() * k; }
  /// Multiply-adds counted as two, padding taps included.
  double flops() const { return 2.0 * double(y_size()) * double(kh * kw * c); }
};

/// The trilinear form T(x, w, g) = sum of x * w * g has three faces, one per argument left open.
enum class Conv2dFace { forward, backward_data, backward_weights };

/// One function pointer per kernel. `n` counts elements; in- and outputs may be the same array for
/// the elementwise ones, and must not overlap otherwise.
template <class T> struct KernelTable {
  const char* name;  ///< "reference", "portable", "avx2", "avx512"

  // Elementwise: y[i] = f(x[i]) or f(a[i], b[i]).
  void (*exp)(int64_t n, const T* x, T* y);
  void (*log)(int64_t n, const T* x, T* y);
  void (*tanh)(int64_t n, const T* x, T* y);
  void (*relu)(int64_t n, const T* x, T* y);                   ///< max(x, 0); NaN stays NaN
  void (*relu_mask)(int64_t n, const T* x, const T* g, T* y);  ///< x > 0 ? g : 0
  void (*add)(int64_t n, const T* a, const T* b, T* y);
  void (*sub)(int64_t n, const T* a, const T* b, T* y);
  void (*mul)(int64_t n, const T* a, const T* b, T* y);
  void (*div)(int64_t n, const T* a, const T* b, T* y);
  void (*scale)(int64_t n, T alpha, const T* x, T* y);  ///< y = alpha * x
  void (*axpy)(int64_t n, T alpha, const T* x, T* y);   ///< y += alpha * x

  // Matrices x[rows, cols], reduced over rows ("col_": one result a column) or over columns
  // ("row_": one result a row). Sums run in a fixed tree that depends on the shape only.
  void (*col_sum)(int64_t rows, int64_t cols, const T* x, T* out);              ///< sum_r x
  void (*col_dot)(int64_t rows, int64_t cols, const T* a, const T* b, T* out);  ///< sum_r a * b
  void (*col_sqdev)(int64_t rows, int64_t cols, const T* x, const T* mean,
                    T* out);  ///< sum_r (x-mean)^2
  void (*col_affine)(int64_t rows, int64_t cols, const T* x, const T* a, const T* b,
                     T* y);  ///< a*x+b
  /// y = a * x + b * g + d, with one a, b, d per column.
  void (*col_affine2)(int64_t rows, int64_t cols, const T* x, const T* g, const T* a, const T* b,
                      const T* d, T* y);
  void (*row_sum)(int64_t rows, int64_t cols, const T* x, T* out);
  /// max + log sum exp(x - max); -inf for an all -inf or empty row, +inf where one entry is +inf.
  void (*row_logsumexp)(int64_t rows, int64_t cols, const T* x, T* out);

  /// c[m,n] = op(a) op(b), where op transposes if asked: a is [m,k] or, transposed, [k,m].
  /// `scratch` holds matmul_scratch(m, n, k) elements.
  void (*matmul)(int64_t m, int64_t n, int64_t k, const T* a, bool transpose_a, const T* b,
                 bool transpose_b, T* c, T* scratch);
  int64_t (*matmul_scratch)(int64_t m, int64_t n, int64_t k);

  /// The three faces. `scratch` holds conv2d_scratch(shape, face) elements (64-byte aligned); the
  /// amount depends on the shape and omp_get_max_threads().
  void (*conv2d)(const Conv2dShape& s, const T* x, const T* w, T* y, T* scratch);
  void (*conv2d_backward_data)(const Conv2dShape& s, const T* w, const T* g, T* dx, T* scratch);
  void (*conv2d_backward_weights)(const Conv2dShape& s, const T* x, const T* g, T* dw, T* scratch);
  int64_t (*conv2d_scratch)(const Conv2dShape& s, Conv2dFace face);
};

/// The table in use. For float: the best instruction set of this CPU, or the one that the
/// environment variable TALWEG_ISA names; throws talweg::IoError where that is unknown or the CPU
/// lacks it.
template <class T> const KernelTable<T>& table();

/// Plain loops, in float or double: the specification.
template <class T> const KernelTable<T>& reference();

/// Names of the instruction sets compiled in that this CPU can run, best first.
std::vector<std::string> available_isas();

/// Makes table<float>() the named one ("reference" included) until destroyed: for tests and
/// benches.
class ScopedIsa {
 public:
  explicit ScopedIsa(const std::string& name);
  ~ScopedIsa();
  ScopedIsa(const ScopedIsa&) = delete;
  ScopedIsa& operator=(const ScopedIsa&) = delete;

 private:
  const KernelTable<float>* previous_;
};

}  // namespace talweg::kernels
