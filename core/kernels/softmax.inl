// Softmax and its relatives on the rows of x[rows, cols]: one pass over memory each, the further
// passes over a row find it in the cache. What the formulas leave open at infinities and NaN stands
// in kernels.h.

/// term(0) + term(kLanes) + ... below n, a multiple of kLanes. Runs of 64 vectors are summed apart,
/// so that long rows lose no digits.
template <class Term> [[gnu::always_inline]] inline Vec sum_in_runs(int64_t n, Term term) {
  Vec total = {};
  for (int64_t begin = 0; begin < n; begin += 64 * kLanes) {
    Vec sum = {};
    for (int64_t i = begin; i < min_of(begin + 64 * kLanes, n); i += kLanes) sum += term(i);
    total += sum;
  }
  return total;
}

/// A row, read as vectors that stay inside it. What does not fill a vector is read with -inf in the
/// other lanes, which neither wins a maximum nor adds to a sum of exponentials.
struct Row {
  const float* x;
  int64_t n;

  int64_t whole() const { return n / kLanes * kLanes; }
  [[gnu::always_inline]] Vec tail() const {
    return load_first(x + whole(), n - whole(), -__builtin_inff());
  }

  /// The largest entry that is not NaN; -inf for an empty row.
  float largest() const {
    Vec best = broadcast(-__builtin_inff());
    for (int64_t i = 0; i < whole(); i += kLanes) {
      const Vec v = load(x + i);
      best = v > best ? v : best;
    }
    const Vec last = tail();
    return max_of_lanes(last > best ? last : best);
  }

  /// sum exp(x - shift); writes the exponentials to e unless it is null.
  float sum_exp(float shift, float* e) const {
    const Vec sum = sum_in_runs(whole(), [=, this](int64_t i) {
      const Vec v = exp_of(load(x + i) - shift);
      if (e != nullptr) store(e + i, v);
      return v;
    });
    if (whole() == n) return sum_of_lanes(sum);
    const Vec v = exp_of(tail() - shift);
    if (e != nullptr) store_first(e + whole(), v, n - whole());
    return sum_of_lanes(sum + v);
  }
};

/// y[i] = f(inputs[i]...) on one row; in place is fine.
template <class F, class... Inputs>
[[gnu::always_inline]] inline void map_run(int64_t n, float* y, F f, Inputs... inputs) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, f(load(inputs + i)...));
  if (i < n) store_first(y + i, f(load_first(inputs + i, n - i)...), n - i);
}

/// f(inputs[i]...) summed over one row; f of zeros must be 0.
template <class F, class... Inputs>
[[gnu::always_inline]] inline float sum_run(int64_t n, F f, Inputs... inputs) {
  const int64_t whole = n / kLanes * kLanes;
  Vec sum = sum_in_runs(whole, [=](int64_t i) { return f(load(inputs + i)...); });
  if (whole < n) sum += f(load_first(inputs + whole, n - whole)...);
  return sum_of_lanes(sum);
}

/// Softmax of a row whose largest entry `top` is infinite: +inf entries share the mass evenly, a
/// row without them has none, and a NaN spoils all.
struct MassAtInfinity {
  float top, share;

  MassAtInfinity(const float* x, int64_t n, float top_of_x) : top(top_of_x) {
    int64_t winners = 0;
    bool has_nan = false;
    for (int64_t i = 0; i < n; ++i) {
      winners += x[i] == top;
      has_nan |= x[i] != x[i];
    }
    share = top > 0 && winners > 0 ? 1 / float(winners) : 0.0f;
    if (has_nan) share = __builtin_nanf("");
  }
  float of(float v) const { return share != share || v == top ? share : 0.0f; }
};

void softmax_run(const float* x, int64_t n, float* y) {
  const Row row{x, n};
  const float top = row.largest();
  if (!__builtin_isfinite(top)) {
    const MassAtInfinity mass(x, n, top);
    for (int64_t i = 0; i < n; ++i) y[i] = mass.of(x[i]);
    return;
  }
  const Vec share = broadcast(1 / row.sum_exp(top, y));
  map_run(
      n, y, [=](Vec e) { return e * share; }, y);
}

void row_softmax(int64_t rows, int64_t cols, const float* x, float* y) {
  for_each_row(rows, cols, [=](int64_t r) { softmax_run(x + r * cols, cols, y + r * cols); });
}

void row_softmax_vjp(int64_t rows, int64_t cols, const float* y, const float* g, float* dx) {
  for_each_row(rows, cols, [=](int64_t r) {
    const int64_t at = r * cols;
    const Vec dot = broadcast(sum_run(
        cols, [](Vec p, Vec d) { return p * d; }, y + at, g + at));
    map_run(
        cols, dx + at, [=](Vec p, Vec d) { return p * (d - dot); }, y + at, g + at);
  });
}

/// log sum exp(x - top), one logarithm through the vector function that the rows use as well.
float log_of_one(float v) {
  float lane[kLanes];
  store(lane, log_of(broadcast(v)));
  return lane[0];
}

void row_log_softmax(int64_t rows, int64_t cols, const float* x, float* y) {
  for_each_row(rows, cols, [=](int64_t r) {
    const Row row{x + r * cols, cols};
    float* out = y + r * cols;
    const float top = row.largest();
    if (!__builtin_isfinite(top)) {
      const MassAtInfinity mass(row.x, cols, top);
      for (int64_t i = 0; i < cols; ++i) out[i] = log_of_one(mass.of(row.x[i]));
      return;
    }
    // (x - top) - log(sum) keeps the digits that x - (top + log(sum)) would lose where x is large.
    const Vec shift = broadcast(top), log_sum = broadcast(log_of_one(row.sum_exp(top, nullptr)));
    map_run(
        cols, out, [=](Vec v) { return (v - shift) - log_sum; }, row.x);
  });
}

void row_log_softmax_vjp(int64_t rows, int64_t cols, const float* y, const float* g, float* dx) {
  for_each_row(rows, cols, [=](int64_t r) {
    const int64_t at = r * cols;
    const Vec total = broadcast(sum_run(
        cols, [](Vec d) { return d; }, g + at));
    map_run(
        cols, dx + at, [=](Vec log_p, Vec d) { return d - exp_of(log_p) * total; }, y + at, g + at);
  });
}

void row_cross_entropy(int64_t rows, int64_t cols, const float* x, const int32_t* label,
                       float* out) {
  for_each_row(rows, cols, [=](int64_t r) {
    if (label[r] < 0) {
      out[r] = 0;
      return;
    }
    const Row row{x + r * cols, cols};
    const float top = row.largest(), own = row.x[label[r]];
    out[r] = __builtin_isfinite(top) ? log_of_one(row.sum_exp(top, nullptr)) - (own - top)
                                     : -log_of_one(MassAtInfinity(row.x, cols, top).of(own));
  });
}

void row_cross_entropy_vjp(int64_t rows, int64_t cols, const float* x, const int32_t* label,
                           const float* share, float* dx) {
  for_each_row(rows, cols, [=](int64_t r) {
    float* out = dx + r * cols;
    const Vec factor = broadcast(share[r]);
    if (label[r] < 0 || share[r] == 0) {
      map_run(cols, out, [] { return Vec{}; });
      return;
    }
    softmax_run(x + r * cols, cols, out);
    out[label[r]] -= 1;
    map_run(
        cols, out, [=](Vec v) { return v * factor; }, out);
  });
}
