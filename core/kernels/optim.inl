// Optimiser steps and the norm of a gradient: each number of parameters, state and gradient is read
// and written once. The loops are plain ones: the compiler turns them into vectors of any width,
// their ends and square roots included.

/// body(begin, end) for pieces of [0, n) that the threads share. Elements do not meet each other,
/// so the cut cannot change a result.
template <class Body> inline void for_each_piece(int64_t n, const Body& body) {
  constexpr int64_t kPiece = 1 << 12;
  share_out(ceil_div(n, kPiece), n >= kSerialElements / 2,
            [&](int64_t piece) { body(piece * kPiece, min_of((piece + 1) * kPiece, n)); });
}

void adam_piece(const AdamStep<float>& s, int64_t n, const float* __restrict g, float* __restrict w,
                float* __restrict m, float* __restrict v) {
  const float keep = s.keep, rate = s.rate, correction = s.v_correction, epsilon = s.epsilon;
  const float beta1 = s.beta1, gain1 = s.gain1, beta2 = s.beta2, gain2 = s.gain2, scale = s.scale;
  for (int64_t i = 0; i < n; ++i) {
    const float d = scale * g[i];
    m[i] = beta1 * m[i] + gain1 * d;
    v[i] = beta2 * v[i] + gain2 * d * d;
    w[i] = keep * w[i] - rate * m[i] / (__builtin_sqrtf(v[i]) * correction + epsilon);
  }
}
void adam(int64_t n, const AdamStep<float>& s, const float* g, float* w, float* m, float* v) {
  for_each_piece(n, [=](int64_t begin, int64_t end) {
    adam_piece(s, end - begin, g + begin, w + begin, m + begin, v + begin);
  });
}

void sgd_piece(const SgdStep<float>& s, int64_t n, const float* __restrict g, float* __restrict w,
               float* __restrict u) {
  const float scale = s.scale, decay = s.decay, momentum = s.momentum, rate = s.rate;
  const float of_gradient = s.nesterov ? 1.0f : 0.0f, of_u = s.nesterov ? momentum : 1.0f;
  for (int64_t i = 0; i < n; ++i) {
    const float d = scale * g[i] + decay * w[i];
    u[i] = momentum * u[i] + d;
    w[i] -= rate * (of_gradient * d + of_u * u[i]);
  }
}
void sgd(int64_t n, const SgdStep<float>& s, const float* g, float* w, float* u) {
  for_each_piece(n, [=](int64_t begin, int64_t end) {
    sgd_piece(s, end - begin, g + begin, w + begin, u + begin);
  });
}

typedef float HalfVec __attribute__((vector_size(2 * TALWEG_LANES)));
typedef float HalfVecInMemory __attribute__((vector_size(2 * TALWEG_LANES), aligned(4), may_alias));
typedef double DoubleVec __attribute__((vector_size(4 * TALWEG_LANES)));

/// Squares of float numbers are exact in double, and so many of them fit its range.
double square_sum_of_run(const float* x, int64_t n) {
  constexpr int64_t kWidth = kLanes / 2, kSums = 4;
  DoubleVec sum[kSums] = {};
  int64_t i = 0;
  for (; i + kSums * kWidth <= n; i += kSums * kWidth) {
    for (int64_t u = 0; u < kSums; ++u) {
      const HalfVec v = *reinterpret_cast<const HalfVecInMemory*>(x + i + u * kWidth);
      const DoubleVec d = __builtin_convertvector(v, DoubleVec);
      sum[u] += d * d;
    }
  }
  const DoubleVec together = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  double total = 0;
  for (int64_t lane = 0; lane < kWidth; ++lane) total += together[lane];
  for (; i < n; ++i) total += double(x[i]) * double(x[i]);
  return total;
}

double square_sum(int64_t n, const float* x) {
  constexpr int64_t kPieces = 64, kShortest = 1 << 12;
  const int64_t length = max_of(kShortest, ceil_div(n, kPieces));
  const int64_t pieces = ceil_div(n, length);
  double partial[kPieces];
  share_out(pieces, n >= kSerialElements, [&](int64_t piece) {
    const int64_t begin = piece * length;
    partial[piece] = square_sum_of_run(x + begin, min_of(length, n - begin));
  });
  double total = 0;
  for (int64_t piece = 0; piece < pieces; ++piece) total += partial[piece];
  return total;
}
