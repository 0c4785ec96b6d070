// Light, lens, sensor and file format.
#include <algorithm>
#include <cmath>

#include "ocr/degrade_stages.h"

namespace talweg::ocr {
namespace {

// Brightness changes along the direction (cos a, sin a), by `gradient` from edge to edge; a shadow
// lies behind a soft edge somewhere along a direction of its own.
void light(Plane& page, const Degradation::Camera& c, Rng& rng) {
  const float step_x = c.gradient * std::cos(c.gradient_angle) / float(page.width);
  const float step_y = c.gradient * std::sin(c.gradient_angle) / float(page.height);
  const float start = -0.5f * (step_x * float(page.width) + step_y * float(page.height));
  float edge_x = 0, edge_y = 0, edge = 0;
  if (c.shadow > 0) {
    const double angle = rng.uniform(0, 6.2832), softness = rng.uniform(0.02, 0.3);
    const double longest = std::max(page.width, page.height);
    edge_x = float(std::cos(angle) / (softness * longest));
    edge_y = float(std::sin(angle) / (softness * longest));
    edge =
        -edge_x * float(rng.uniform(0, page.width)) - edge_y * float(rng.uniform(0, page.height));
  }
  for (int y = 0; y < page.height; ++y) {
    float* row = page.row(y);
    const float base = start + step_y * float(y), depth = edge + edge_y * float(y);
    for (int x = 0; x < page.width; ++x) {
      const float shade = std::clamp(depth + edge_x * float(x), 0.0f, 1.0f);
      row[x] = (row[x] + base + step_x * float(x)) * (1 - c.shadow * shade);
    }
  }
}

void sharpen(Plane& page, float strength) {
  Plane soft = page;
  blur(soft, 1.0f, 1.0f);
  for (size_t i = 0; i < page.values.size(); ++i) {
    page.values[i] += strength * (page.values[i] - soft.values[i]);
  }
}

void expose(Plane& page, const Degradation::Camera& c) {
  for (float& v : page.values) v = std::clamp((v - 0.5f) * c.contrast + 0.5f, 0.0f, 1.0f);
  if (c.gamma == 1) return;
  constexpr int kSteps = 255;
  float table[kSteps + 2];
  for (int i = 0; i <= kSteps; ++i) table[i] = std::pow(float(i) / kSteps, c.gamma);
  table[kSteps + 1] = 1;
  for (float& v : page.values) {
    const float at = v * kSteps;
    const int i = int(at);
    v = table[i] + (at - float(i)) * (table[i + 1] - table[i]);
  }
}

}  // namespace

io::Gray8 take_picture(Plane page, const Degradation::Camera& c, float paper, float ink, Rng& rng) {
  if (c.gradient != 0 || c.shadow > 0) light(page, c, rng);
  if (c.blur_x > 0 || c.blur_y > 0) blur(page, c.blur_x, c.blur_y);
  if (c.sharpen > 0) sharpen(page, c.sharpen);
  if (c.contrast != 1 || c.gamma != 1) expose(page, c);
  if (c.noise > 0) {
    for (float& v : page.values) v += c.noise * quick_normal(rng);
  }
  if (c.jpeg_quality > 0) {
    const int x0 = int(rng.below(8)), y0 = int(rng.below(8));
    for (float& v : page.values) v = std::clamp(v, 0.0f, 1.0f);
    jpeg_loss(page, c.jpeg_quality, x0, y0);
  }
  if (c.threshold > 0) {
    const float cut = ink + c.threshold * (paper - ink);
    for (float& v : page.values) v = v < cut ? 0.0f : 1.0f;
  }
  constexpr float kHalf = 0.5f;  // rounds, without a call a pixel
  io::Gray8 image(page.width, page.height);
  for (size_t i = 0; i < page.values.size(); ++i) {
    image.pixels[i] = uint8_t(kHalf + 255 * std::clamp(page.values[i], 0.0f, 1.0f));
  }
  return image;
}

}  // namespace talweg::ocr
