#include "core/kernels/conv2d_algo.h"

#include <algorithm>

namespace talweg::kernels {

bool supports(Conv2dAlgo algo, const Conv2dShape& s) {
  if (algo == Conv2dAlgo::direct) return true;
  if (algo == Conv2dAlgo::row4) {
    return s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1;
  }
  return s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 &&
         s.dilation_w == 1;
}

namespace {

/// How many of the 3 * `outputs` window rows of an axis lie inside its `inputs`: the direct form skips
/// the others.
double rows_inside(int64_t outputs, int64_t inputs, int64_t pad) {
  int64_t count = 0;
  for (int64_t i = 0; i < 3; ++i) {
    const int64_t first = std::max<int64_t>(0, pad - i);
    const int64_t last = std::min(outputs, inputs + pad - i);
    count += std::max<int64_t>(0, last - first);
  }
  return double(count);
}

/// What F(MxM) costs relative to the direct form, in vector multiply-adds: (M+2)^2 products of each
/// pair of channels a tile, and moving each channel to the points and back, which costs as much as
/// kTransform products a point (measured; mostly traffic with the L2 cache).
double winograd_share(int64_t m, const Conv2dShape& s, Conv2dFace face) {
  constexpr double kTransform = 20, kLanes = 16;
  const bool data = face == Conv2dFace::backward_data;
  const int64_t h = data ? s.h : s.oh(), w = data ? s.w : s.ow();
  const double pairs = double(s.c) * double(s.k) / kLanes;
  const double vectors = double(s.c + s.k) / kLanes;
  const int64_t tiles_h = (h + m - 1) / m, tiles_w = (w + m - 1) / m;
  const double tile = double((m + 2) * (m + 2)) * (pairs + kTransform * vectors);
  return double(tiles_h * tiles_w) * tile /
         (3 * rows_inside(s.oh(), s.h, s.pad_h) * double(s.ow()) * pairs);
}

/// The same for F(4) along the row: 6 products of each pair of channels and window row for a tile of
/// 4 outputs, and each channel moved once, however many window rows read it.
double row_share(const Conv2dShape& s, Conv2dFace face) {
  constexpr double kTransform = 20, kLanes = 16;
  const bool data = face == Conv2dFace::backward_data;
  const double in_h = double(data ? s.oh() : s.h), out_h = double(data ? s.h : s.oh());
  const double in = double(data ? s.k : s.c), out = double(data ? s.c : s.k);
  const int64_t width = data ? s.w : s.ow(), comb = 4 * s.dilation_w;
  const double tiles = double(s.dilation_w * ((width + comb - 1) / comb));
  const double products = out_h * double(s.kh) * in * out / kLanes;
  const double moves = kTransform * (in_h * in + out_h * out) / kLanes;
  return tiles * 6 * (products + moves) / (3 * double(width) * products);
}

}  // namespace

Conv2dAlgo best_algo(const Conv2dShape& s, Conv2dFace face) {
  constexpr int64_t kFewChannels = 12;  // most lanes would idle in the transforms
  if (s.c < kFewChannels || s.k < kFewChannels) return Conv2dAlgo::direct;
  if (!supports(Conv2dAlgo::wino4, s)) {
    const bool row = supports(Conv2dAlgo::row4, s) && face != Conv2dFace::backward_weights;
    return row && row_share(s, face) < 1 ? Conv2dAlgo::row4 : Conv2dAlgo::direct;
  }
  const double two = winograd_share(2, s, face), four = winograd_share(4, s, face);
  if (two >= 1 && four >= 1) return Conv2dAlgo::direct;
  return four <= two ? Conv2dAlgo::wino4 : Conv2dAlgo::wino2;
}

std::string_view algo_name(Conv2dAlgo algo) {
  if (algo == Conv2dAlgo::direct) return "direct";
  if (algo == Conv2dAlgo::row4) return "row4";
  return algo == Conv2dAlgo::wino2 ? "wino2" : "wino4";
}

}  // namespace talweg::kernels
