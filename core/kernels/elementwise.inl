// Elementwise kernels: one formula on a Vec each, and one loop that applies any of them.

/// y[i] = f(inputs[i]...) for i in [begin, end). The last, shorter vector goes through
/// load_first/store_first. Each vector is read before it is written: in place is fine.
template <class F, class... Inputs>
__attribute__((noinline)) void map_part(int64_t begin, int64_t end, float* y, F f,
                                        Inputs... inputs) {
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) store(y + i, f(load(inputs + i)...));
  if (i < end) store_first(y + i, f(load_first(inputs + i, end - i)...), end - i);
}

/// The same for i in [0, n), in chunks that the threads share.
template <class F, class... Inputs> inline void map(int64_t n, float* y, F f, Inputs... inputs) {
  constexpr int64_t kChunk = 1 << 13;
  if (n <= kChunk) return map_part(0, n, y, f, inputs...);
  share_out(ceil_div(n, kChunk), n >= kSerialElements, [=](int64_t chunk) {
    map_part(chunk * kChunk, min_of((chunk + 1) * kChunk, n), y, f, inputs...);
  });
}

void exp(int64_t n, const float* x, float* y) {
  map(
      n, y, [](Vec v) { return exp_of(v); }, x);
}
void log(int64_t n, const float* x, float* y) {
  map(
      n, y, [](Vec v) { return log_of(v); }, x);
}
void tanh(int64_t n, const float* x, float* y) {
  map(
      n, y, [](Vec v) { return tanh_of(v); }, x);
}
void sigmoid(int64_t n, const float* x, float* y) {
  map(
      n, y, [](Vec v) { return sigmoid_of(v); }, x);
}
void softplus(int64_t n, const float* x, float* y) {
  map(
      n, y, [](Vec v) { return softplus_of(v); }, x);
}
void sqrt(int64_t n, const float* x, float* y) {
  map(
      n, y, [](Vec v) { return sqrt_of(v); }, x);
}
void abs(int64_t n, const float* x, float* y) {
  map(
      n, y, [](Vec v) { return abs_of(v); }, x);
}
void sign(int64_t n, const float* x, float* y) {
  const Vec one = broadcast(1.0f);
  map(
      n, y, [=](Vec v) { return (v > 0.0f ? one : Vec{}) - (v < 0.0f ? one : Vec{}); }, x);
}
void add_scalar(int64_t n, float c, const float* x, float* y) {
  map(
      n, y, [c](Vec v) { return v + c; }, x);
}
void relu(int64_t n, const float* x, float* y) {
  map(
      n, y, [](Vec v) { return v <= 0.0f ? Vec{} : v; }, x);  // false for NaN, which stays
}
void relu_mask(int64_t n, const float* x, const float* g, float* y) {
  map(
      n, y, [](Vec v, Vec d) { return v > 0.0f ? d : Vec{}; }, x, g);
}
void add(int64_t n, const float* a, const float* b, float* y) {
  map(
      n, y, [](Vec u, Vec v) { return u + v; }, a, b);
}
void sub(int64_t n, const float* a, const float* b, float* y) {
  map(
      n, y, [](Vec u, Vec v) { return u - v; }, a, b);
}
void mul(int64_t n, const float* a, const float* b, float* y) {
  map(
      n, y, [](Vec u, Vec v) { return u * v; }, a, b);
}
void div(int64_t n, const float* a, const float* b, float* y) {
  map(
      n, y, [](Vec u, Vec v) { return u / v; }, a, b);
}
void maximum(int64_t n, const float* a, const float* b, float* y) {
  map(
      n, y, [](Vec u, Vec v) { return (u >= v) | (u != u) ? u : v; }, a, b);
}
void greater_equal(int64_t n, const float* a, const float* b, float* y) {
  map(
      n, y, [](Vec u, Vec v) { return u >= v ? broadcast(1.0f) : Vec{}; }, a, b);
}
void scale(int64_t n, float alpha, const float* x, float* y) {
  map(
      n, y, [alpha](Vec v) { return alpha * v; }, x);
}
void axpy(int64_t n, float alpha, const float* x, float* y) {
  map(
      n, y, [alpha](Vec v, Vec sum) { return alpha * v + sum; }, x, y);
}
