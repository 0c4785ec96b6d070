// Ink on paper: levels, texture, what shines through, outlines and shadows of sign painters.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "ocr/degrade_stages.h"

namespace talweg::ocr {
namespace {

void add_scaled(Plane& page, const Plane& noise, float factor) {
  for (size_t i = 0; i < page.values.size(); ++i) page.values[i] += factor * noise.values[i];
}

void add_waves(Plane& page, float amplitude, float length, Rng& rng) {
  const double phase = rng.uniform(0, 2 * std::numbers::pi);
  std::vector<float> wave(size_t(page.width));
  for (size_t x = 0; x < wave.size(); ++x) {
    wave[x] = amplitude * float(std::sin(2 * std::numbers::pi * double(x) / length + phase));
  }
  for (int y = 0; y < page.height; ++y) {
    float* row = page.row(y);
    for (int x = 0; x < page.width; ++x) row[x] += wave[size_t(x)];
  }
}

// A screen turned by 45 degrees: cos(a) cos(b) of the two axes.
void add_screen(Plane& page, float amplitude, float pitch, Rng& rng) {
  const double step = 2 * std::numbers::pi / pitch;
  const double phase_x = rng.uniform(0, 6.28), phase_y = rng.uniform(0, 6.28);
  std::vector<float> across(size_t(page.width));
  for (size_t x = 0; x < across.size(); ++x) {
    across[x] = float(std::cos(double(x) * step + phase_x));
  }
  for (int y = 0; y < page.height; ++y) {
    const auto down = float(amplitude * std::cos(y * step + phase_y));
    float* row = page.row(y);
    for (int x = 0; x < page.width; ++x) row[x] += down * across[size_t(x)];
  }
}

// The word from behind, blurred by the paper, a little moved.
void show_back(Plane& page, const Plane& coverage, float strength, float ink, Rng& rng) {
  Plane back(page.width, page.height);
  const int drop = int(rng.uniform(-0.4, 0.4) * page.height);
  for (int y = 0; y < page.height; ++y) {
    const int from = y - drop;
    if (from < 0 || from >= page.height) continue;
    std::reverse_copy(coverage.row(from), coverage.row(from) + page.width, back.row(y));
  }
  const float sigma = 0.03f * float(page.height);
  blur(back, sigma, sigma);
  for (size_t i = 0; i < page.values.size(); ++i) {
    page.values[i] += strength * back.values[i] * (ink - page.values[i]);
  }
}

// The letters once more, wider and moved, underneath themselves.
void paint_halo(Plane& page, const Plane& coverage, const Degradation::Page& p) {
  Plane halo(page.width, page.height);
  const int dx = int(std::lround(p.halo_x)), dy = int(std::lround(p.halo_y));
  for (int y = std::max(0, dy); y < std::min(page.height, page.height + dy); ++y) {
    const float* from = coverage.row(y - dy);
    float* to = halo.row(y);
    for (int x = std::max(0, dx); x < std::min(page.width, page.width + dx); ++x) {
      to[x] = from[x - dx];
    }
  }
  if (p.halo_width > 0) {
    blur(halo, p.halo_width, p.halo_width);
    for (float& v : halo.values) v = std::min(1.0f, 4 * v);
  }
  for (size_t i = 0; i < page.values.size(); ++i) {
    page.values[i] += p.halo * halo.values[i] * (p.halo_level - page.values[i]);
  }
}

}  // namespace

Plane print_on_page(const Plane& coverage, const Degradation::Page& p, Rng& rng) {
  const int width = coverage.width, height = coverage.height;
  Plane page(width, height, p.paper);
  if (p.grain > 0) add_scaled(page, smooth_noise(width, height, p.grain_size, rng), p.grain);
  if (p.blotch > 0) {
    add_scaled(page, smooth_noise(width, height, 0.4f * float(height), rng), p.blotch);
  }
  if (p.ripple > 0) add_waves(page, p.ripple, p.ripple_length, rng);
  if (p.halftone > 0) add_screen(page, p.halftone, p.halftone_pitch, rng);
  if (p.bleed > 0) show_back(page, coverage, p.bleed, p.ink, rng);
  if (p.halo > 0) paint_halo(page, coverage, p);
  for (size_t i = 0; i < page.values.size(); ++i) {
    page.values[i] += coverage.values[i] * (p.ink - page.values[i]);
  }
  return page;
}

}  // namespace talweg::ocr
