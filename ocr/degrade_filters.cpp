// Blur, noise and JPEG's losses.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "core/error.h"
#include "ocr/degrade_stages.h"

namespace talweg::ocr {
namespace {

// The half k[0 ... r] of a symmetric kernel: the Gaussian's integral over each pixel, sum 1.
std::vector<float> half_gaussian(float sigma) {
  const int radius = std::max(1, int(std::ceil(2.6f * sigma)));
  std::vector<float> kernel(size_t(radius) + 1);
  const double unit = 1 / (double(sigma) * std::numbers::sqrt2);
  double before = std::erf(-0.5 * unit), sum = 0;
  for (size_t i = 0; i < kernel.size(); ++i) {
    const double here = std::erf((double(i) + 0.5) * unit);
    kernel[i] = float(here - before);
    sum += (i == 0 ? 1 : 2) * (here - before);
    before = here;
  }
  for (float& k : kernel) k = float(k / sum);
  return kernel;
}

void blur_rows(Plane& plane, const std::vector<float>& kernel) {
  const size_t radius = kernel.size() - 1, width = size_t(plane.width);
  std::vector<float> padded(width + 2 * radius);
  for (int y = 0; y < plane.height; ++y) {
    float* row = plane.row(y);
    std::fill_n(padded.begin(), radius, row[0]);
    std::copy_n(row, width, padded.begin() + std::ptrdiff_t(radius));
    std::fill_n(padded.end() - std::ptrdiff_t(radius), radius, row[width - 1]);
    const float* middle = padded.data() + radius;
    for (size_t x = 0; x < width; ++x) row[x] = kernel[0] * middle[x];
    for (size_t k = 1; k <= radius; ++k) {
      const float weight = kernel[k];
      const float *left = middle - k, *right = middle + k;
      for (size_t x = 0; x < width; ++x) row[x] += weight * (left[x] + right[x]);
    }
  }
}

void blur_columns(Plane& plane, const std::vector<float>& kernel) {
  const Plane source = plane;
  const int radius = int(kernel.size()) - 1, last = plane.height - 1;
  for (int y = 0; y < plane.height; ++y) {
    float* row = plane.row(y);
    const float* middle = source.row(y);
    for (int x = 0; x < plane.width; ++x) row[x] = kernel[0] * middle[x];
    for (int k = 1; k <= radius; ++k) {
      const float weight = kernel[size_t(k)];
      const float *above = source.row(std::max(y - k, 0)),
                  *below = source.row(std::min(y + k, last));
      for (int x = 0; x < plane.width; ++x) row[x] += weight * (above[x] + below[x]);
    }
  }
}

constexpr size_t kBlock = 8;
using Block = float[kBlock][kBlock];

// ITU-T T.81 (1992), table K.1: quantisation steps of luminance.
constexpr int kLuminanceSteps[kBlock][kBlock] = {
    {16, 11, 10, 16, 24, 40, 51, 61},     {12, 12, 14, 19, 26, 58, 60, 55},
    {14, 13, 16, 24, 40, 57, 69, 56},     {14, 17, 22, 29, 51, 87, 80, 62},
    {18, 22, 37, 56, 68, 109, 103, 77},   {24, 35, 55, 64, 81, 104, 113, 92},
    {49, 64, 78, 87, 103, 121, 120, 101}, {72, 92, 95, 98, 112, 100, 103, 99}};

struct CosineTable {
  Block forward, backward;  // C and its transpose, which is its inverse

  CosineTable() {
    for (size_t u = 0; u < kBlock; ++u) {
      for (size_t x = 0; x < kBlock; ++x) {
        const double scale = u == 0 ? std::sqrt(0.125) : 0.5;
        const double angle = double(2 * x + 1) * double(u) * std::numbers::pi / 16;
        forward[u][x] = backward[x][u] = float(scale * std::cos(angle));
      }
    }
  }
};

void multiply(const Block& a, const Block& b, Block& c) {
  for (size_t i = 0; i < kBlock; ++i) {
    float row[kBlock] = {};
    for (size_t k = 0; k < kBlock; ++k) {
      for (size_t j = 0; j < kBlock; ++j) row[j] += a[i][k] * b[k][j];
    }
    for (size_t j = 0; j < kBlock; ++j) c[i][j] = row[j];
  }
}

void quantise(Block& block, const Block& step) {
  for (size_t i = 0; i < kBlock; ++i) {
    for (size_t j = 0; j < kBlock; ++j) {
      const float multiple = block[i][j] / step[i][j];
      block[i][j] = float(int(multiple + (multiple < 0 ? -0.5f : 0.5f))) * step[i][j];
    }
  }
}

}  // namespace

void blur(Plane& plane, float sigma_x, float sigma_y) {
  constexpr float kLeast = 0.15f;  // below, a pixel keeps over 0.998 of its own
  if (plane.values.empty()) return;
  if (sigma_x > kLeast) blur_rows(plane, half_gaussian(sigma_x));
  if (sigma_y > kLeast) blur_columns(plane, half_gaussian(sigma_y));
}

void jpeg_loss(Plane& plane, int quality, int x0, int y0) {
  expect(quality >= 1 && quality <= 100, "[degrade] JPEG's quality is 1 ... 100, found ", quality);
  static const CosineTable cosines;
  const int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  Block step;
  for (size_t i = 0; i < kBlock; ++i) {
    for (size_t j = 0; j < kBlock; ++j) {
      step[i][j] = float(std::clamp((kLuminanceSteps[i][j] * percent + 50) / 100, 1, 255));
    }
  }
  constexpr int kSide = int(kBlock);
  for (int top = -y0; top < plane.height; top += kSide) {
    for (int left = -x0; left < plane.width; left += kSide) {
      Block block, product;
      for (int i = 0; i < kSide; ++i) {
        const float* row = plane.row(std::clamp(top + i, 0, plane.height - 1));
        for (int j = 0; j < kSide; ++j) {
          block[i][j] = row[std::clamp(left + j, 0, plane.width - 1)] * 255 - 128;
        }
      }
      multiply(cosines.forward, block, product);
      multiply(product, cosines.backward, block);
      quantise(block, step);
      multiply(cosines.backward, block, product);
      multiply(product, cosines.forward, block);
      for (int i = std::max(0, -top); i < std::min(kSide, plane.height - top); ++i) {
        float* row = plane.row(top + i);
        for (int j = std::max(0, -left); j < std::min(kSide, plane.width - left); ++j) {
          row[left + j] = (block[i][j] + 128) / 255;
        }
      }
    }
  }
}

float quick_normal(Rng& rng) {
  const uint64_t bits = rng.next();
  const auto sum = int64_t(bits & 0xFFFF) + int64_t(bits >> 16 & 0xFFFF) +
                   int64_t(bits >> 32 & 0xFFFF) + int64_t(bits >> 48);
  // Four uniforms of 0 ... 65535: mean 131070, variance 4 (2^32 - 1) / 12.
  constexpr double kDeviation = 37837.2268;
  return float(double(sum - 131070) * (1 / kDeviation));
}

Plane smooth_noise(int width, int height, float cell, Rng& rng) {
  const float step = 1 / std::max(cell, 1.0f);
  const int columns = int(float(width) * step) + 3, rows = int(float(height) * step) + 3;
  Plane grid(columns, rows);
  // Between four grid values the variance is 4/9 of theirs on average.
  for (float& v : grid.values) v = 1.5f * quick_normal(rng);
  const auto shift_x = float(rng.uniform()), shift_y = float(rng.uniform());

  Plane noise(width, height);
  std::vector<int> first(static_cast<size_t>(width));
  std::vector<float> part(static_cast<size_t>(width)), blended(static_cast<size_t>(columns));
  for (int x = 0; x < width; ++x) {
    const float at = float(x) * step + shift_x;
    first[size_t(x)] = int(at);
    part[size_t(x)] = at - float(int(at));
  }
  for (int y = 0; y < height; ++y) {
    const float at = float(y) * step + shift_y;
    const float *above = grid.row(int(at)), *below = grid.row(int(at) + 1);
    const float down = at - float(int(at));
    for (int i = 0; i < columns; ++i) blended[size_t(i)] = above[i] + down * (below[i] - above[i]);
    float* row = noise.row(y);
    for (int x = 0; x < width; ++x) {
      const float* pair = &blended[size_t(first[size_t(x)])];
      row[x] = pair[0] + part[size_t(x)] * (pair[1] - pair[0]);
    }
  }
  return noise;
}

}  // namespace talweg::ocr
