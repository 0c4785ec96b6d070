// The specification of softmax and its relatives, and of the optimisers' steps.

/// p_j of one row, in double.
template <class T> struct SoftmaxOfRow {
  const T* x;
  double top = -std::numeric_limits<double>::infinity(), total = 0;

  SoftmaxOfRow(const T* row, int64_t cols) : x(row) {
    bool has_nan = false;
    for (int64_t j = 0; j < cols; ++j) {
      top = std::max(top, double(x[j]));  // a NaN is not larger
      has_nan |= x[j] != x[j];
    }
    for (int64_t j = 0; j < cols; ++j) total += weight(j);
    if (has_nan) total = std::numeric_limits<double>::quiet_NaN();
  }
  /// exp(x_j - top). Where top is infinite: 1 for its entries if they are +inf, 0 for all others.
  double weight(int64_t j) const {
    if (std::isfinite(top)) return std::exp(double(x[j]) - top);
    return top > 0 && double(x[j]) == top ? 1 : 0;
  }
  double p(int64_t j) const { return total == 0 ? 0 : weight(j) / total; }
  double log_p(int64_t j) const {
    return std::isfinite(top) ? (double(x[j]) - top) - std::log(total) : std::log(p(j));
  }
};

template <class T> void row_softmax(int64_t rows, int64_t cols, const T* x, T* p) {
  each<T>(rows, [=](int64_t r) {
    const SoftmaxOfRow<T> row(x + r * cols, cols);
    for (int64_t j = 0; j < cols; ++j) p[r * cols + j] = T(row.p(j));
  });
}
template <class T> void row_softmax_vjp(int64_t rows, int64_t cols, const T* p, const T* g, T* dx) {
  each<T>(rows, [=](int64_t r) {
    const int64_t begin = r * cols, end = begin + cols;
    double dot = 0;
    for (int64_t i = begin; i < end; ++i) dot += double(g[i]) * double(p[i]);
    for (int64_t i = begin; i < end; ++i) dx[i] = T(p[i] * (g[i] - dot));
  });
}
template <class T> void row_log_softmax(int64_t rows, int64_t cols, const T* x, T* log_p) {
  each<T>(rows, [=](int64_t r) {
    const SoftmaxOfRow<T> row(x + r * cols, cols);
    for (int64_t j = 0; j < cols; ++j) log_p[r * cols + j] = T(row.log_p(j));
  });
}
template <class T>
void row_log_softmax_vjp(int64_t rows, int64_t cols, const T* log_p, const T* g, T* dx) {
  each<T>(rows, [=](int64_t r) {
    const int64_t begin = r * cols, end = begin + cols;
    double total = 0;
    for (int64_t i = begin; i < end; ++i) total += g[i];
    for (int64_t i = begin; i < end; ++i) dx[i] = T(g[i] - std::exp(double(log_p[i])) * total);
  });
}
template <class T>
void row_cross_entropy(int64_t rows, int64_t cols, const T* x, const int32_t* label, T* out) {
  each<T>(rows, [=](int64_t r) {
    out[r] = label[r] < 0 ? T(0) : T(-SoftmaxOfRow<T>(x + r * cols, cols).log_p(label[r]));
  });
}
template <class T>
void row_cross_entropy_vjp(int64_t rows, int64_t cols, const T* x, const int32_t* label,
                           const T* share, T* dx) {
  each<T>(rows, [=](int64_t r) {
    const SoftmaxOfRow<T> row(x + r * cols, cols);
    const bool out = label[r] < 0 || share[r] == 0;
    for (int64_t j = 0; j < cols; ++j) {
      dx[r * cols + j] = out ? T(0) : T(share[r] * (row.p(j) - (j == label[r] ? 1 : 0)));
    }
  });
}

template <class T> double square_sum(int64_t n, const T* x) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += double(x[i]) * double(x[i]);
  return sum;
}
template <class T> void adam(int64_t n, const AdamStep<T>& s, const T* g, T* w, T* m, T* v) {
  each<T>(n, [=](int64_t i) {
    const T d = s.scale * g[i];
    m[i] = s.beta1 * m[i] + s.gain1 * d;
    v[i] = s.beta2 * v[i] + s.gain2 * d * d;
    w[i] = s.keep * w[i] - s.rate * m[i] / (std::sqrt(v[i]) * s.v_correction + s.epsilon);
  });
}
template <class T> void sgd(int64_t n, const SgdStep<T>& s, const T* g, T* w, T* u) {
  each<T>(n, [=](int64_t i) {
    const T d = s.scale * g[i] + s.decay * w[i];
    u[i] = s.momentum * u[i] + d;
    w[i] -= s.rate * (s.nesterov ? d + s.momentum * u[i] : u[i]);
  });
}
