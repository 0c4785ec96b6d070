// The rungs. All compute y[n,p,q,k] = sum over (i,j,c) of x[n, p', q', c] * w[k,i,j,c], where
// p' = p*stride + i*dilation - pad; what lies outside the image counts as zero.
//
// Included by ladder_<isa>.cpp, which defines
//   TALWEG_ISA_NAMESPACE  the namespace of this copy
//   TALWEG_LANES          floats in a vector register: 4, 8 or 16
//   TALWEG_TILE_ROWS      pixels of the register tile
// As in core/kernels/body.inl everything has internal linkage and nothing is of the standard
// library, for the reason that stands there.
#include <omp.h>

#include "bench/ladder/ladder.h"

namespace talweg::bench::TALWEG_ISA_NAMESPACE {
namespace {

using kernels::Conv2dShape;

/// The C numbers of the input pixel under window position (i, j) of output pixel (n, p, q), or null
/// where that lies outside the image.
inline const float* pixel(const Conv2dShape& s, const float* x, int64_t n, int64_t p, int64_t q,
                          int64_t i, int64_t j) {
  const int64_t row = p * s.stride_h + i * s.dilation_h - s.pad_h;
  const int64_t column = q * s.stride_w + j * s.dilation_w - s.pad_w;
  if (row < 0 || row >= s.h || column < 0 || column >= s.w) return nullptr;
  return x + ((n * s.h + row) * s.w + column) * s.c;
}

int64_t no_scratch(const Conv2dShape&) { return 0; }

// --- 1. Seven plain loops ------------------------------------------------------------------------
// The formula, word by word. The inner loop adds into one number, and every addition must wait for
// the one before it (2 to 4 cycles): a processor that could start 2 multiply-adds of 16 numbers a
// cycle does one of a single number in two cycles.

int64_t as_given_size(const Conv2dShape& s) { return s.k * s.kh * s.kw * s.c; }

void as_given(const Conv2dShape& s, const float* w, float* laid) {
  for (int64_t i = 0; i < as_given_size(s); ++i) laid[i] = w[i];
}

void loops(const Conv2dShape& s, const float* x, const float* w, float* y, float*) {
  const int64_t oh = s.oh(), ow = s.ow();
  for (int64_t n = 0; n < s.n; ++n) {
    for (int64_t p = 0; p < oh; ++p) {
      for (int64_t q = 0; q < ow; ++q) {
        for (int64_t k = 0; k < s.k; ++k) {
          float sum = 0;
          for (int64_t i = 0; i < s.kh; ++i) {
            for (int64_t j = 0; j < s.kw; ++j) {
              const float* in = pixel(s, x, n, p, q, i, j);
              if (in == nullptr) continue;
              const float* weights = w + ((k * s.kh + i) * s.kw + j) * s.c;
              for (int64_t c = 0; c < s.c; ++c) sum += in[c] * weights[c];
            }
          }
          y[((n * oh + p) * ow + q) * s.k + k] = sum;
        }
      }
    }
  }
}

// --- 2. Vectors over output channels -------------------------------------------------------------
// One instruction multiplies and adds a whole vector. Its lanes become neighbouring output
// channels: they all need the same number of x, and each keeps a sum of its own, in the order of
// rung 1. (Lanes along c would be parts of one sum.) For that the weights are laid out with k last.

constexpr int64_t kLanes = TALWEG_LANES;
typedef float Vec __attribute__((vector_size(4 * TALWEG_LANES)));
// The same in memory, where it may start at any float.
typedef float VecInMemory __attribute__((vector_size(4 * TALWEG_LANES), aligned(4), may_alias));

inline Vec load(const float* p) { return *reinterpret_cast<const VecInMemory*>(p); }

/// Stores the lanes that exist: the last vector of channels may be cut short.
inline void store(float* p, Vec v, int64_t exist) {
  if (exist >= kLanes) {
    *reinterpret_cast<VecInMemory*>(p) = v;
    return;
  }
  for (int64_t lane = 0; lane < exist; ++lane) p[lane] = v[lane];
}

inline int64_t round_up(int64_t a, int64_t b) { return (a + b - 1) / b * b; }

/// Output channels as the vectors see them: whole pairs of vectors, filled up with zeros.
int64_t padded_k(const Conv2dShape& s) { return round_up(s.k, 2 * kLanes); }

int64_t k_last_size(const Conv2dShape& s) { return s.kh * s.kw * s.c * padded_k(s); }

/// w[k, (i,j,c)] -> laid[(i,j,c), k].
void k_last(const Conv2dShape& s, const float* w, float* laid) {
  const int64_t rows = s.kh * s.kw * s.c;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t k = 0; k < padded_k(s); ++k) *laid++ = k < s.k ? w[k * rows + row] : 0;
  }
}

void vectors(const Conv2dShape& s, const float* x, const float* w, float* y, float*) {
  const int64_t oh = s.oh(), ow = s.ow(), ldw = padded_k(s);
  for (int64_t n = 0; n < s.n; ++n) {
    for (int64_t p = 0; p < oh; ++p) {
      for (int64_t q = 0; q < ow; ++q) {
        float* out = y + ((n * oh + p) * ow + q) * s.k;
        for (int64_t k = 0; k < s.k; k += kLanes) {
          Vec sum = {};
          for (int64_t i = 0; i < s.kh; ++i) {
            for (int64_t j = 0; j < s.kw; ++j) {
              const float* in = pixel(s, x, n, p, q, i, j);
              if (in == nullptr) continue;
              const float* weights = w + (i * s.kw + j) * s.c * ldw + k;
              for (int64_t c = 0; c < s.c; ++c) sum += in[c] * load(weights + c * ldw);
            }
          }
          store(out + k, sum, s.k - k);
        }
      }
    }
  }
}

// --- 3. A register tile --------------------------------------------------------------------------
// One sum still waits for itself, and each multiply-add loads both operands, where a processor
// loads two vectors a cycle. So P neighbouring pixels x 2 vectors of channels are summed at once,
// all in registers: 2 loads of weights and P of x serve 2 P multiply-adds, none of which waits for
// another. Pixels outside the image read a row of zeros, so that the tile needs no tests inside.

constexpr int kPixels = TALWEG_TILE_ROWS;

int64_t zeros_size(const Conv2dShape& s) { return s.c; }

void register_tile(const Conv2dShape& s, const float* x, const float* w, float* y, float* zeros) {
  const int64_t oh = s.oh(), ow = s.ow(), ldw = padded_k(s);
  for (int64_t c = 0; c < s.c; ++c) zeros[c] = 0;
  for (int64_t n = 0; n < s.n; ++n) {
    for (int64_t p = 0; p < oh; ++p) {
      for (int64_t q = 0; q < ow; q += kPixels) {
        for (int64_t k = 0; k < s.k; k += 2 * kLanes) {
          Vec sum[kPixels][2] = {};
          for (int64_t i = 0; i < s.kh; ++i) {
            for (int64_t j = 0; j < s.kw; ++j) {
              const float* in[kPixels];
              for (int t = 0; t < kPixels; ++t) {
                in[t] = q + t < ow ? pixel(s, x, n, p, q + t, i, j) : nullptr;
                if (in[t] == nullptr) in[t] = zeros;
              }
              const float* weights = w + (i * s.kw + j) * s.c * ldw + k;
              for (int64_t c = 0; c < s.c; ++c, weights += ldw) {
                const Vec w0 = load(weights), w1 = load(weights + kLanes);
#pragma GCC unroll 16
                for (int t = 0; t < kPixels; ++t) {
                  sum[t][0] += in[t][c] * w0;
                  sum[t][1] += in[t][c] * w1;
                }
              }
            }
          }
#pragma GCC unroll 16
          for (int t = 0; t < kPixels; ++t) {
            if (q + t >= ow) break;
            float* out = y + ((n * oh + p) * ow + q + t) * s.k + k;
            store(out, sum[t][0], s.k - k);
            store(out + kLanes, sum[t][1], s.k - k - kLanes);
          }
        }
      }
    }
  }
}

// --- 4. Packed weights, a padded image -----------------------------------------------------------
// The tile above still jumps: from one row of weights to the next is K floats, cache lines that the
// prefetcher must guess, and P pointers compete for registers. Now both operands lie as the tile
// walks them: weights in panels 2 vectors wide, read in one stream; the image in a copy with its
// padding written out (it fits the L2 cache), where pixels are a constant step apart and no address
// is ever outside.

/// laid[panel][(i,j,c)][2 vectors of k].
void panels(const Conv2dShape& s, const float* w, float* laid) {
  const int64_t rows = s.kh * s.kw * s.c;
  for (int64_t first = 0; first < s.k; first += 2 * kLanes) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t k = first; k < first + 2 * kLanes; ++k) {
        *laid++ = k < s.k ? w[k * rows + row] : 0;
      }
    }
  }
}

/// The copy's size: all that the last tile of a row reaches, although it may compute pixels that do
/// not exist.
struct PaddedImage {
  int64_t h, w;
  explicit PaddedImage(const Conv2dShape& s)
      : h((s.oh() - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1),
        w((round_up(s.ow(), kPixels) - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1) {}
};

int64_t padded_size(const Conv2dShape& s) {
  const PaddedImage padded(s);
  return padded.h * padded.w * s.c;
}

void pad_image(const Conv2dShape& s, const float* image, float* copy) {
  const PaddedImage padded(s);
  for (int64_t row = -s.pad_h; row < padded.h - s.pad_h; ++row) {
    for (int64_t column = -s.pad_w; column < padded.w - s.pad_w; ++column, copy += s.c) {
      const bool inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
      const float* in = image + (row * s.w + column) * s.c;
      for (int64_t c = 0; c < s.c; ++c) copy[c] = inside ? in[c] : 0;
    }
  }
}

void convolve_image(const Conv2dShape& s, const float* image, const float* w, float* y,
                    float* copy) {
  const int64_t oh = s.oh(), ow = s.ow(), width = PaddedImage(s).w;
  const int64_t step = s.stride_w * s.c;  // from one output pixel's window to the next
  pad_image(s, image, copy);
  for (int64_t k = 0; k < s.k; k += 2 * kLanes) {
    const float* panel = w + k * s.kh * s.kw * s.c;
    for (int64_t p = 0; p < oh; ++p) {
      for (int64_t q = 0; q < ow; q += kPixels) {
        Vec sum[kPixels][2] = {};
        const float* weights = panel;
        for (int64_t i = 0; i < s.kh; ++i) {
          for (int64_t j = 0; j < s.kw; ++j) {
            const int64_t row = p * s.stride_h + i * s.dilation_h;
            const int64_t column = q * s.stride_w + j * s.dilation_w;
            const float* in = copy + (row * width + column) * s.c;
            for (int64_t c = 0; c < s.c; ++c, ++in, weights += 2 * kLanes) {
              const Vec w0 = load(weights), w1 = load(weights + kLanes);
#pragma GCC unroll 16
              for (int t = 0; t < kPixels; ++t) {
                sum[t][0] += in[t * step] * w0;
                sum[t][1] += in[t * step] * w1;
              }
            }
          }
        }
#pragma GCC unroll 16
        for (int t = 0; t < kPixels; ++t) {
          if (q + t >= ow) break;
          float* out = y + (p * ow + q + t) * s.k + k;
          store(out, sum[t][0], s.k - k);
          store(out + kLanes, sum[t][1], s.k - k - kLanes);
        }
      }
    }
  }
}

void packed(const Conv2dShape& s, const float* x, const float* w, float* y, float* copy) {
  for (int64_t n = 0; n < s.n; ++n) {
    convolve_image(s, x + n * s.h * s.w * s.c, w, y + n * s.oh() * s.ow() * s.k, copy);
  }
}

// --- 5. Threads ----------------------------------------------------------------------------------
// Images do not need one another: each thread takes some, with a padded copy of its own. No sum is
// split, so the bits are those of one thread, however many there are.

int64_t padded_size_per_thread(const Conv2dShape& s) {
  return omp_get_max_threads() * round_up(padded_size(s), 16);
}

void threads(const Conv2dShape& s, const float* x, const float* w, float* y, float* copies) {
#pragma omp parallel for schedule(static)
  for (int64_t n = 0; n < s.n; ++n) {
    convolve_image(s, x + n * s.h * s.w * s.c, w, y + n * s.oh() * s.ow() * s.k,
                   copies + omp_get_thread_num() * round_up(padded_size(s), 16));
  }
}

constexpr Ladder make_ladder() {
  return {{
      {"1-loops", as_given_size, as_given, no_scratch, loops},
      {"2-vectors", k_last_size, k_last, no_scratch, vectors},
      {"3-tile", k_last_size, k_last, zeros_size, register_tile},
      {"4-packed", k_last_size, panels, padded_size, packed},
      {"5-threads", k_last_size, panels, padded_size_per_thread, threads},
  }};
}

}  // namespace
}  // namespace talweg::bench::TALWEG_ISA_NAMESPACE
