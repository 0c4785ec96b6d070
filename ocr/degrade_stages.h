// The stages of degrade(), each testable alone.
#pragma once

#include <array>
#include <vector>

#include "core/io/image.h"
#include "core/rng.h"
#include "ocr/degradation.h"
#include "ocr/ink.h"

namespace talweg::ocr {

/// Row-major floats: ink 0 ... 1 in the first stages, brightness 0 ... 1 in the last ones.
struct Plane {
  int width = 0, height = 0;
  std::vector<float> values;

  Plane() = default;
  Plane(int width, int height, float value = 0)
      : width(width), height(height), values(size_t(width) * size_t(height), value) {}
  float* row(int y) { return values.data() + size_t(y) * size_t(width); }
  const float* row(int y) const { return values.data() + size_t(y) * size_t(width); }
};

/// How strokes grow, in source pixels.
struct EdgeMove {
  double stroke = 0;  // mean width; 0 if nothing was asked for
  double growth = 0;  // how far their edges move outwards; negative for thinner strokes
};

/// Where the letters go: source pixels (x, y) are first moved down by lift[x], then mapped by the
/// homography `forward` to pixels of the final image. All in continuous coordinates: a pixel's
/// centre is at + 0.5.
struct Layout {
  int width = 0, height = 0;  // of the final image
  double scale = 1;           // final pixels a source pixel, at the centre
  std::array<double, 9> forward{}, inverse{};
  std::vector<float> lift;  // one a source column
  std::vector<int> letter;  // which letter a source column belongs to
  EdgeMove edges;
  int line_height = 1;                   // descent - ascent of the source
  double crop_top = 0, crop_bottom = 0;  // the frame's edges in source rows, at the centre
  double crop_left = 0, crop_right = 0;  // and columns
  int ink_left = 0, ink_right = 0, ink_top = 0, ink_bottom = 0;  // the letters' boxes
};

/// Plans warp and frame. Draws the letters' shifts and tilts and the wave's phase.
Layout plan_layout(const Ink& ink, const Degradation& d, Rng& rng);
/// The source's coverage as worn by `s`, the same size, with what else lies in the frame.
Plane wear_strokes(const Ink& ink, const Degradation::Strokes& s, const Layout& layout, Rng& rng);
/// The final image's coverage: averages over the source under a final pixel, 0 beyond its edges; moved
/// by an elastic field that is drawn from `rng` where `shape` has one.
Plane warp(const Plane& source, const Layout& layout, const Degradation::Shape& shape, Rng& rng);
/// Boxes of the source, grown by `growth` source pixels, in the final image.
std::vector<CharBox> warp_boxes(const std::vector<CharBox>& boxes, const Layout& layout,
                                double growth);
/// Final pixels' coverage thinned by `s` where it fades and breaks.
void fade_ink(Plane& coverage, const Degradation::Strokes& s, Rng& rng);
/// Brightness of ink of `coverage` on a page.
Plane print_on_page(const Plane& coverage, const Degradation::Page& page, Rng& rng);
/// Lights the page and takes the picture.
io::Gray8 take_picture(Plane page, const Degradation::Camera& camera, float paper, float ink,
                       Rng& rng);

/// What weight and least_stroke mean for this ink.
EdgeMove plan_edges(const Ink& ink, const Degradation::Strokes& s);

/// Gaussian blur of standard deviations sigma_x, sigma_y px; the edge pixels go on beyond the edge.
void blur(Plane& plane, float sigma_x, float sigma_y);
/// What the luminance of a JPEG file of `quality` (1 ... 100) loses: 8 x 8 blocks from (-x0, -y0),
/// cosine transform, rounding to multiples of the table K.1 of ITU-T T.81 scaled as the Independent
/// JPEG Group's library does. Values 0 ... 1.
void jpeg_loss(Plane& plane, int quality, int x0, int y0);
/// Smooth noise of mean 0 and standard deviation near 1: random values on a grid of `cell` px,
/// interpolated.
Plane smooth_noise(int width, int height, float cell, Rng& rng);
/// Mean 0, variance 1, nearly normal (a sum of four uniforms), from a single draw.
float quick_normal(Rng& rng);

}  // namespace talweg::ocr
