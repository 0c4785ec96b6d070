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
  bool operator==(const Conv2dShape&) const = default;
};

/// The trilinear form T(x, w, g) = sum of x * w * g has three faces, one per argument left open.
enum class Conv2dFace { forward, backward_data, backward_weights };

/// How a face is computed. The Winograd forms exist for 3x3 windows with stride and dilation 1; they
/// do fewer multiplications (F(2x2): 2.25 times, F(4x4): 4 times) at the price of rounding errors.
/// row4, F(4) along the row alone, is for windows of three columns and any height, and does half as
/// many; it pools nothing, and its face to the weights is the direct one.
/// What each is right for: conv2d_algo.h. Source: Lavin and Gray 2016.
enum class Conv2dAlgo { direct, wino2, wino4, row4 };

/// What the forward face does with its sums before it stores them, in this order: add the channel's
/// bias, ReLU (NaN stays NaN), the maximum of each window of pool_h x pool_w pixels (stride the
/// same; a rest of rows or columns is dropped, so that y is [N, OH/pool_h, OW/pool_w, K]).
template <class T> struct Conv2dEpilogue {
  const T* bias = nullptr;  ///< [K], or null for none
  bool relu = false;
  int64_t pool_h = 1, pool_w = 1;  ///< each 1 or 2
  /// Where given, with a pool: per element of y, which pixel of its window won, i * pool_w + j (the
  /// first of equals, the first NaN over all), or kDeadWinner where ReLU was on and left 0 of it.
  uint8_t* winner = nullptr;

  bool pools() const { return pool_h * pool_w > 1; }
};
inline constexpr uint8_t kDeadWinner = 4;

/// Geometry of pooling: windows of kh x kw pixels stand `stride` apart, the first one `pad` pixels
/// before the image x[N,H,W,C]; a rest at the end is not read. Every window holds a pixel.
struct Pool2dShape {
  int64_t n = 1, h = 1, w = 1, c = 1;
  int64_t kh = 1, kw = 1;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_h = 0, pad_w = 0;

  int64_t oh() const { return (h + 2 * pad_h - kh) / stride_h + 1; }
  int64_t ow() const { return (w + 2 * pad_w - kw) / stride_w + 1; }
  int64_t x_size() const { return n * h * w * c; }
  int64_t y_size() const { return n * oh() * ow() * c; }
  /// Do windows lie side by side, so that no pixel is in two?
  bool tiles() const { return stride_h == kh && stride_w == kw && pad_h == 0 && pad_w == 0; }
};
/// The most pixels of a window whose winners fit a byte, with one value left for "nobody".
inline constexpr int64_t kMaxPoolWindow = 255;

/// Adam's step on each number, with d = scale * g:
///   m = beta1 m + gain1 d,   v = beta2 v + gain2 d^2,
///   w = keep w - rate m / (sqrt(v) v_correction + epsilon).
template <class T> struct AdamStep {
  T scale, keep, rate, v_correction, epsilon;
  T beta1, gain1, beta2, gain2;
};

/// SGD's step on each number, with d = scale * g + decay * w:
///   u = momentum u + d,   w = w - rate u,   or, Nesterov's way,   w = w - rate (d + momentum u).
template <class T> struct SgdStep {
  T scale, decay, momentum, rate;
  bool nesterov;
};

/// One function pointer per kernel. `n` counts elements; in- and outputs may be the same array for
/// the elementwise ones, and must not overlap otherwise.
template <class T> struct KernelTable {
  const char* name;  ///< "reference", "portable", "avx2", "avx512"

  // Elementwise: y[i] = f(x[i]) or f(a[i], b[i]).
  void (*exp)(int64_t n, const T* x, T* y);
  void (*log)(int64_t n, const T* x, T* y);
  void (*tanh)(int64_t n, const T* x, T* y);
  void (*sigmoid)(int64_t n, const T* x, T* y);   ///< 1 / (1 + e^-x)
  void (*softplus)(int64_t n, const T* x, T* y);  ///< log(1 + e^x)
  void (*sqrt)(int64_t n, const T* x, T* y);
  void (*abs)(int64_t n, const T* x, T* y);
  void (*sign)(int64_t n, const T* x, T* y);                   ///< -1, 0 or 1; 0 of NaN
  void (*add_scalar)(int64_t n, T c, const T* x, T* y);        ///< y = x + c
  void (*relu)(int64_t n, const T* x, T* y);                   ///< max(x, 0); NaN stays NaN
  void (*relu_mask)(int64_t n, const T* x, const T* g, T* y);  ///< x > 0 ? g : 0
  void (*add)(int64_t n, const T* a, const T* b, T* y);
  void (*sub)(int64_t n, const T* a, const T* b, T* y);
  void (*mul)(int64_t n, const T* a, const T* b, T* y);
  void (*div)(int64_t n, const T* a, const T* b, T* y);
  void (*maximum)(int64_t n, const T* a, const T* b, T* y);        ///< a NaN over all
  void (*greater_equal)(int64_t n, const T* a, const T* b, T* y);  ///< a >= b ? 1 : 0
  void (*scale)(int64_t n, T alpha, const T* x, T* y);             ///< y = alpha * x
  void (*axpy)(int64_t n, T alpha, const T* x, T* y);              ///< y += alpha * x

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
  void (*col_add)(int64_t rows, int64_t cols, const T* x, const T* b, T* y);  ///< y = x + b
  void (*col_sub)(int64_t rows, int64_t cols, const T* x, const T* b, T* y);  ///< y = x - b
  void (*col_mul)(int64_t rows, int64_t cols, const T* x, const T* b, T* y);  ///< y = x * b
  void (*col_div)(int64_t rows, int64_t cols, const T* x, const T* b, T* y);  ///< y = x / b
  void (*row_sum)(int64_t rows, int64_t cols, const T* x, T* out);
  /// max + log sum exp(x - max); -inf for an all -inf or empty row, +inf where one entry is +inf.
  void (*row_logsumexp)(int64_t rows, int64_t cols, const T* x, T* out);

  // Softmax of each row, p_j = exp(x_j) / sum exp(x). Where the largest entry is infinite: -inf has
  // no mass, several +inf share it evenly, a row of -inf has none at all. A NaN spoils its row.
  void (*row_softmax)(int64_t rows, int64_t cols, const T* x, T* p);
  /// dx = p (g - sum_j g_j p_j): what softmax sends back of g.
  void (*row_softmax_vjp)(int64_t rows, int64_t cols, const T* p, const T* g, T* dx);
  void (*row_log_softmax)(int64_t rows, int64_t cols, const T* x, T* log_p);
  /// dx = g - p sum_j g_j.
  void (*row_log_softmax_vjp)(int64_t rows, int64_t cols, const T* log_p, const T* g, T* dx);
  /// out = -log p[label]; 0 where the label is negative.
  void (*row_cross_entropy)(int64_t rows, int64_t cols, const T* x, const int32_t* label, T* out);
  /// dx_j = share (p_j - [j = label]), one share a row; 0 where it is 0 or the label is negative.
  void (*row_cross_entropy_vjp)(int64_t rows, int64_t cols, const T* x, const int32_t* label,
                                const T* share, T* dx);

  /// sum of x^2, in double; not finite exactly where an x is not.
  double (*square_sum)(int64_t n, const T* x);
  /// Steps of an optimiser: g the gradient, w the parameters, m, v and u its memory.
  void (*adam)(int64_t n, const AdamStep<T>& step, const T* g, T* w, T* m, T* v);
  void (*sgd)(int64_t n, const SgdStep<T>& step, const T* g, T* w, T* u);

  /// y[n,p,q,c] = the largest of its window, a NaN over all. `winner`, unless null, gets its place
  /// in the window, i * kw + j, the first of equals. A window has kMaxPoolWindow pixels at most.
  void (*max_pool)(const Pool2dShape& s, const T* x, T* y, uint8_t* winner);
  /// dx = 0, then dx[the winner of each window] += g; a winner of kh * kw or more is nobody.
  void (*pool_scatter)(const Pool2dShape& s, const T* g, const uint8_t* winner, T* dx);
  /// y = x[the winner of each window], 0 for nobody: the adjoint of pool_scatter.
  void (*pool_gather)(const Pool2dShape& s, const T* x, const uint8_t* winner, T* y);

  /// y = the mean of each window, padding counted as zeros.
  void (*avg_pool)(const Pool2dShape& s, const T* x, T* y);
  /// dx[pixel] = the sum of g over the windows that hold it, over kh * kw: the adjoint of avg_pool.
  void (*avg_pool_backward)(const Pool2dShape& s, const T* g, T* dx);

  /// Depthwise convolution, y[n,p,q,c] = sum over (i,j) of x[n, ..., c] * w[i,j,c], weights
  /// [KH,KW,C], and the other two faces of its trilinear form. Of the shape, `k` is not read.
  /// `scratch` holds depthwise_scratch(s) elements.
  void (*depthwise)(const Conv2dShape& s, const T* x, const T* w, T* y);
  void (*depthwise_backward_data)(const Conv2dShape& s, const T* w, const T* g, T* dx);
  void (*depthwise_backward_weights)(const Conv2dShape& s, const T* x, const T* g, T* dw,
                                     T* scratch);
  int64_t (*depthwise_scratch)(const Conv2dShape& s);

  /// c[m,n] = op(a) op(b), where op transposes if asked: a is [m,k] or, transposed, [k,m].
  /// `scratch` holds matmul_scratch(m, n, k) elements.
  void (*matmul)(int64_t m, int64_t n, int64_t k, const T* a, bool transpose_a, const T* b,
                 bool transpose_b, T* c, T* scratch);
  int64_t (*matmul_scratch)(int64_t m, int64_t n, int64_t k);

  /// The faces that read weights read them packed, in an order of their own for each algorithm and
  /// face (forward or backward_data): conv2d_pack fills conv2d_packed_size(...) elements, 64-byte
  /// aligned, which stay good for as long as w does. Packed weights do not depend on N, H or W.
  int64_t (*conv2d_packed_size)(const Conv2dShape& s, Conv2dAlgo algo, Conv2dFace face);
  void (*conv2d_pack)(const Conv2dShape& s, Conv2dAlgo algo, Conv2dFace face, const T* w,
                      T* packed);
  /// The three faces. `algo` must be able to do the shape (conv2d_algo.h). `scratch` holds
  /// conv2d_scratch(shape, algo, face) elements (64-byte aligned); the amount depends on the shape
  /// and omp_get_max_threads().
  void (*conv2d)(const Conv2dShape& s, Conv2dAlgo algo, const T* x, const T* packed,
                 const Conv2dEpilogue<T>& then, T* y, T* scratch);
  void (*conv2d_backward_data)(const Conv2dShape& s, Conv2dAlgo algo, const T* packed, const T* g,
                               T* dx, T* scratch);
  void (*conv2d_backward_weights)(const Conv2dShape& s, Conv2dAlgo algo, const T* x, const T* g,
                                  T* dw, T* scratch);
  int64_t (*conv2d_scratch)(const Conv2dShape& s, Conv2dAlgo algo, Conv2dFace face);
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
