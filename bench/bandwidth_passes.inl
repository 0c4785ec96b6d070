// One pass over arrays of n floats, n a multiple of 64, for the vector width TALWEG_LANE_BYTES; the
// includer chooses the instruction set. Vectors are spelled out since -O2 would move single floats.

typedef float Lane
    __attribute__((vector_size(TALWEG_LANE_BYTES), aligned(TALWEG_LANE_BYTES), may_alias));
constexpr int64_t kLanes = TALWEG_LANE_BYTES / sizeof(float);

void read_pass(int64_t n, const float* a, float* out) {
  const Lane* x = reinterpret_cast<const Lane*>(a);
  Lane sum0 = {}, sum1 = {}, sum2 = {}, sum3 = {};
  for (int64_t i = 0; i < n / kLanes; i += 4) {
    sum0 += x[i], sum1 += x[i + 1], sum2 += x[i + 2], sum3 += x[i + 3];
  }
  *reinterpret_cast<Lane*>(out) = (sum0 + sum1) + (sum2 + sum3);
}

void copy_pass(int64_t n, const float* a, float* b) {
  const Lane* x = reinterpret_cast<const Lane*>(a);
  Lane* y = reinterpret_cast<Lane*>(b);
  for (int64_t i = 0; i < n / kLanes; i += 4) {
    y[i] = x[i], y[i + 1] = x[i + 1], y[i + 2] = x[i + 2], y[i + 3] = x[i + 3];
  }
}

void triad_pass(int64_t n, const float* b, const float* c, float* a) {
  const Lane *x = reinterpret_cast<const Lane*>(b), *z = reinterpret_cast<const Lane*>(c);
  Lane* y = reinterpret_cast<Lane*>(a);
  for (int64_t i = 0; i < n / kLanes; i += 4) {
    y[i] = x[i] + 0.5f * z[i], y[i + 1] = x[i + 1] + 0.5f * z[i + 1];
    y[i + 2] = x[i + 2] + 0.5f * z[i + 2], y[i + 3] = x[i + 3] + 0.5f * z[i + 3];
  }
}

const Passes kPasses = {read_pass, copy_pass, triad_pass};
