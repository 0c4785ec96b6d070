// Winograd's minimal filtering F(M, 3): M outputs of a 3-tap correlation from M + 2 products.
//
// In one dimension y = A' [(G w) . (B' x)] with x of M + 2 inputs and . elementwise. Take x, w and y
// for polynomials: multiplying two of them is multiplying their values at M + 2 points and
// interpolating. B', G and A' are the evaluation and interpolation at the points 0, +-1 and infinity
// for M = 2, and 0, +-a, +-b and infinity for M = 4, in the transposed form that turns products into
// correlations (Winograd 1980; Lavin and Gray 2016). In two dimensions each matrix is applied to the
// columns and then to the rows.
//
// The form is trilinear like the convolution itself, T = sum of (B' x)(G w)(A g), so the faces share
// three matrices: forward and to the data read x and w and give A' of the products, to the weights
// reads x and g and gives G' of them: each is the exact adjoint of the others.
//
// Each function below transforms along one axis, a Vec of channels at a time. They are named after
// what they transform; A and G' serve the weight gradient.

template <int M> struct Winograd;

template <> struct Winograd<2> {
  static constexpr int kOutputs = 2;
  [[gnu::always_inline]] static void input(const Vec (&x)[4], Vec (&v)[4]) {  // B' x
    v[0] = x[0] - x[2];
    v[1] = x[1] + x[2];
    v[2] = x[2] - x[1];
    v[3] = x[1] - x[3];
  }
  [[gnu::always_inline]] static void weight(const Vec (&w)[3], Vec (&u)[4]) {  // G w
    const Vec even = (w[0] + w[2]) * 0.5f, odd = w[1] * 0.5f;
    u[0] = w[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = w[2];
  }
  [[gnu::always_inline]] static void output(const Vec (&m)[4], Vec (&y)[2]) {  // A' m
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
  [[gnu::always_inline]] static void gradient(const Vec (&g)[2], Vec (&v)[4]) {  // A g
    v[0] = g[0];
    v[1] = g[0] + g[1];
    v[2] = g[0] - g[1];
    v[3] = -g[1];
  }
  [[gnu::always_inline]] static void weight_gradient(const Vec (&m)[4], Vec (&w)[3]) {  // G' m
    const Vec even = (m[1] + m[2]) * 0.5f;
    w[0] = m[0] + even;
    w[1] = (m[1] - m[2]) * 0.5f;
    w[2] = m[3] + even;
  }
};

template <> struct Winograd<4> {
  static constexpr int kOutputs = 4;
  // The points and their powers. Any four would do, but they decide how rounding errors grow: of the
  // pairs of short binary fractions tried, 5/8 and 3/2 were the best, with half the error of the
  // customary 1 and 2 (9.7e-7 against 2.2e-6 over 128 channels). Barabasz et al. 2020 on why.
  static constexpr float a = 0.625f, b = 1.5f;
  static constexpr float a2 = a * a, b2 = b * b, a3 = a2 * a, b3 = b2 * b;
  // 1 / prod (p - other points): the denominators of interpolation.
  static constexpr float n0 = 1 / (a2 * b2), na = 1 / (2 * a2 * (a2 - b2)),
                         nb = 1 / (2 * b2 * (b2 - a2));

  [[gnu::always_inline]] static void input(const Vec (&x)[6], Vec (&v)[6]) {
    const Vec even_a = x[4] - b2 * x[2], odd_a = x[3] - b2 * x[1];
    const Vec even_b = x[4] - a2 * x[2], odd_b = x[3] - a2 * x[1];
    v[0] = a2 * b2 * x[0] + (x[4] - (a2 + b2) * x[2]);
    v[1] = even_a + a * odd_a;
    v[2] = even_a - a * odd_a;
    v[3] = even_b + b * odd_b;
    v[4] = even_b - b * odd_b;
    v[5] = a2 * b2 * x[1] + (x[5] - (a2 + b2) * x[3]);
  }
  [[gnu::always_inline]] static void weight(const Vec (&w)[3], Vec (&u)[6]) {
    const Vec even_a = na * (w[0] + a2 * w[2]), odd_a = (na * a) * w[1];
    const Vec even_b = nb * (w[0] + b2 * w[2]), odd_b = (nb * b) * w[1];
    u[0] = n0 * w[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = w[2];
  }
  [[gnu::always_inline]] static void output(const Vec (&m)[6], Vec (&y)[4]) {
    const Vec even_a = m[1] + m[2], odd_a = m[1] - m[2];
    const Vec even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = a * odd_a + b * odd_b;
    y[2] = a2 * even_a + b2 * even_b;
    y[3] = a3 * odd_a + b3 * odd_b + m[5];
  }
  [[gnu::always_inline]] static void gradient(const Vec (&g)[4], Vec (&v)[6]) {
    const Vec even_a = g[0] + a2 * g[2], odd_a = a * g[1] + a3 * g[3];
    const Vec even_b = g[0] + b2 * g[2], odd_b = b * g[1] + b3 * g[3];
    v[0] = g[0];
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = g[3];
  }
  [[gnu::always_inline]] static void weight_gradient(const Vec (&m)[6], Vec (&w)[3]) {
    const Vec even_a = na * (m[1] + m[2]), even_b = nb * (m[3] + m[4]);
    w[0] = n0 * m[0] + even_a + even_b;
    w[1] = (na * a) * (m[1] - m[2]) + (nb * b) * (m[3] - m[4]);
    w[2] = a2 * even_a + b2 * even_b + m[5];
  }
};

/// The transforms as objects, which are handed on and still inlined; pointers to functions would not
/// be in every build.
template <int M>
constexpr auto kInput = [](const auto& in, auto& out) __attribute__((always_inline)) {
  Winograd<M>::input(in, out);
};
template <int M>
constexpr auto kWeight = [](const auto& in, auto& out) __attribute__((always_inline)) {
  Winograd<M>::weight(in, out);
};
template <int M>
constexpr auto kOutput = [](const auto& in, auto& out) __attribute__((always_inline)) {
  Winograd<M>::output(in, out);
};
template <int M>
constexpr auto kGradient = [](const auto& in, auto& out) __attribute__((always_inline)) {
  Winograd<M>::gradient(in, out);
};
template <int M>
constexpr auto kWeightGradient = [](const auto& in, auto& out) __attribute__((always_inline)) {
  Winograd<M>::weight_gradient(in, out);
};

/// out = F in F' for a transform F along one axis from `In` to `Out` numbers: first the columns,
/// then the rows.
template <int In, int Out, class F>
[[gnu::always_inline]] inline void both_axes(const Vec (&in)[In][In], Vec (&out)[Out][Out], F f) {
  Vec half[Out][In];
#pragma GCC unroll 6
  for (int j = 0; j < In; ++j) {
    Vec column[In], changed[Out];
#pragma GCC unroll 6
    for (int i = 0; i < In; ++i) column[i] = in[i][j];
    f(column, changed);
#pragma GCC unroll 6
    for (int i = 0; i < Out; ++i) half[i][j] = changed[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < Out; ++i) f(half[i], out[i]);
}
