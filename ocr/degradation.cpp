// Which degradations come together: a scene is drawn first, then its strengths.
#include "ocr/degradation.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"

namespace talweg::ocr {
namespace {

constexpr float kDegree = 0.0174533f;

class Draw {
 public:
  explicit Draw(Rng& rng) : rng_(rng) {}
  bool chance(double p) { return rng_.uniform() < p; }
  float between(double lo, double hi) { return float(rng_.uniform(lo, hi)); }
  /// Mostly near `mild`, with a tail up to `hard`: density falls as 1 / sqrt(distance).
  float mostly(double mild, double hard) {
    const double u = rng_.uniform();
    return float(mild + (hard - mild) * u * u);
  }
  /// The same with either sign.
  float either(double mild, double hard) { return mostly(mild, hard) * (chance(0.5) ? 1.f : -1.f); }
  /// As likely to halve as to double.
  float factor(double lo, double hi) {
    return float(std::exp(rng_.uniform(std::log(lo), std::log(hi))));
  }

 private:
  Rng& rng_;
};

// The height of an image whose strengths in pixels are given for 32 rows.
float per_pixel(const Degradation& d) { return float(d.frame.height) / 32; }

void blur(Degradation& d, Draw& draw, float sigma) {
  const float ratio = draw.chance(0.15) ? draw.factor(0.3, 3.0) : 1.0f;
  d.camera.blur_x = sigma * per_pixel(d) * std::min(1.0f, ratio);
  d.camera.blur_y = sigma * per_pixel(d) / std::max(1.0f, ratio);
}

void draw_frame(Degradation& d, Draw& draw, double tight) {
  d.frame.tight = draw.chance(tight);
  if (draw.chance(0.65)) d.frame.height = int(draw.factor(18, 54));
  if (draw.chance(0.04)) d.frame.height = int(draw.between(12, 18));
  if (d.frame.tight) {
    // Most segmenters leave the same margin all round; others are careless or cut into the ink.
    const bool even = draw.chance(0.6);
    const double same = draw.between(0.05, 0.2), least = draw.chance(0.2) ? -0.03 : 0.0;
    for (float* margin : {&d.frame.left, &d.frame.right, &d.frame.top, &d.frame.bottom}) {
      *margin = even ? draw.between(same - 0.03, same + 0.03) : draw.between(least, 0.22);
    }
  } else {
    // 24 ... 28 of 32 rows, not always in the middle.
    const float both = draw.between(0.1, 0.36), share = draw.between(0.3, 0.7);
    d.frame.top = both * share;
    d.frame.bottom = both * (1 - share);
    d.frame.left = draw.between(0.05, 0.25);
    d.frame.right = draw.between(0.05, 0.25);
  }
  if (draw.chance(0.07)) d.frame.left += draw.mostly(0, 1.2);
  if (draw.chance(0.07)) d.frame.right += draw.mostly(0, 1.2);
}

void draw_shape(Degradation& d, Draw& draw, double rotation) {
  d.shape.rotation = draw.either(0, rotation) * kDegree;
  if (draw.chance(0.25)) d.shape.slant = draw.between(-0.12, 0.25);
  if (draw.chance(0.6)) d.shape.stretch = draw.factor(0.78, 1.28);
  if (draw.chance(0.15)) {
    d.shape.wave = draw.mostly(0.005, 0.04);
    d.shape.wave_length = draw.between(2, 9);
  }
  // As a hand does not draw a letter twice alike (Simard et al. 2003, "Best practices for
  // convolutional neural networks", section 2).
  if (draw.chance(0.12)) {
    d.shape.elastic = draw.mostly(0.01, 0.06);
    d.shape.elastic_length = draw.factor(0.25, 1.2);
  }
  if (draw.chance(0.5))
    d.strokes.weight = draw.chance(0.5) ? draw.mostly(0, 0.6) : -draw.mostly(0, 0.35);
}

// Slivers of neighbouring lines, rules and dirt.
void draw_surroundings(Degradation& d, Draw& draw, double p, double deepest = 0.14) {
  if (draw.chance(p)) d.strokes.neighbour_above = draw.between(0.02, deepest);
  if (draw.chance(p)) d.strokes.neighbour_below = draw.between(0.02, deepest);
  if (draw.chance(p / 3)) d.strokes.underline = draw.between(0.02, 0.07);
  if (draw.chance(p / 3)) d.strokes.rule = draw.between(0.02, 0.09);
  if (draw.chance(p)) d.strokes.specks = draw.mostly(0.2, 2.5);
}

void draw_jpeg(Degradation& d, Draw& draw, double p) {
  if (draw.chance(p)) d.camera.jpeg_quality = int(draw.between(20, 90));
}

// A phone's or a scanner's picture of print.
void photographed_print(Degradation& d, Draw& draw) {
  draw_frame(d, draw, 0.35);
  draw_shape(d, draw, 3.2);
  draw_surroundings(d, draw, 0.08);
  d.shape.perspective_x = draw.either(0, 0.1);
  d.shape.perspective_y = draw.either(0, 0.06);
  blur(d, draw, draw.mostly(0.3, 1.4));
  d.page.ink = draw.between(0.03, 0.45);
  d.page.paper = draw.between(std::max(0.55f, d.page.ink + 0.28f), 1.0);
  if (draw.chance(0.5)) d.page.ripple = draw.mostly(0, 0.06);
  d.page.ripple_length = draw.between(36, 190) * per_pixel(d);
  if (draw.chance(0.3)) d.page.grain = draw.mostly(0.01, 0.05);
  d.page.grain_size = draw.between(1, 4) * per_pixel(d);
  if (draw.chance(0.12)) d.page.bleed = draw.mostly(0.05, 0.3);
  if (draw.chance(0.2)) d.strokes.fade = draw.mostly(0.05, 0.4);
  d.camera.gradient = draw.mostly(0, 0.3);
  d.camera.gradient_angle = draw.between(0, 6.2832);
  if (draw.chance(0.08)) d.camera.shadow = draw.between(0.1, 0.45);
  if (draw.chance(0.2)) d.camera.gamma = draw.factor(0.75, 1.35);
  d.camera.noise = draw.mostly(0.005, 0.08);
  draw_jpeg(d, draw, 0.5);
  if (draw.chance(0.06)) std::swap(d.page.ink, d.page.paper);  // a title on a dark ground
}

// A book, scanned well.
void clean_print(Degradation& d, Draw& draw) {
  draw_frame(d, draw, 0.75);
  draw_shape(d, draw, 1.2);
  draw_surroundings(d, draw, 0.06);
  blur(d, draw, draw.mostly(0.2, 0.8));
  if (draw.chance(0.4)) {
    d.page.ink = draw.mostly(0, 0.25);
    d.page.paper = 1 - draw.mostly(0, 0.15);
    d.camera.noise = draw.mostly(0, 0.02);
  }
  if (draw.chance(0.5)) d.camera.contrast = draw.factor(1, 2.5);
  draw_jpeg(d, draw, 0.2);
}

void draw_typewriter(Degradation& d, Draw& draw) {
  d.fixed_pitch = draw.chance(0.75);
  draw_frame(d, draw, 0.85);
  draw_shape(d, draw, 1.5);
  if (draw.chance(0.7)) d.strokes.weight = draw.between(-0.3, 0.95);
  draw_surroundings(d, draw, 0.12, 0.24);
  d.shape.letter_shift = draw.mostly(0, 0.045);
  d.shape.letter_tilt = draw.mostly(0, 3) * kDegree;
  d.strokes.strike = draw.mostly(0, 0.5);
  d.strokes.strike_slope = draw.mostly(0, 0.6);
  if (draw.chance(0.4)) d.strokes.breaks = draw.mostly(0, 0.12);
  if (draw.chance(0.3)) d.strokes.pinholes = draw.mostly(1, 10);
}

// A typescript copied until it was only black and white.
void copied_typescript(Degradation& d, Draw& draw) {
  draw_typewriter(d, draw);
  d.strokes.strike *= 0.7f;
  d.strokes.strike_slope *= 0.5f;
  // Grain on the paper before the contrast makes the letters' edges rough.
  d.page.grain = draw.mostly(0.01, 0.07);
  d.page.grain_size = draw.between(1, 2.5) * per_pixel(d);
  d.page.paper = draw.between(0.62, 0.8);  // so that half a stroke's blackness still prints
  d.page.ink = draw.between(0.05, 0.25);
  blur(d, draw, draw.between(0.35, 0.9));
  d.camera.contrast = draw.factor(2, 6);
  if (draw.chance(0.3)) d.camera.noise = draw.mostly(0, 0.03);
  if (draw.chance(0.25)) d.camera.threshold = draw.between(0.5, 0.75);
  draw_jpeg(d, draw, 0.1);
}

// A typescript on tired paper, through a ribbon.
void photographed_typescript(Degradation& d, Draw& draw) {
  draw_typewriter(d, draw);
  if (draw.chance(0.5)) {
    d.strokes.lattice = draw.mostly(0.05, 0.6);
    d.strokes.lattice_pitch = draw.between(0.06, 0.13);
  }
  d.strokes.fade = draw.mostly(0, 0.5);
  d.page.paper = 0.95f - draw.mostly(0, 0.35);
  d.page.ink = draw.mostly(0, 0.3) * d.page.paper;
  d.page.grain = draw.mostly(0.01, 0.06);
  d.page.grain_size = draw.between(1.5, 6) * per_pixel(d);
  d.page.blotch = draw.mostly(0, 0.06);
  if (draw.chance(0.15)) d.page.bleed = draw.mostly(0.05, 0.35);
  blur(d, draw, draw.between(0.4, 1.1));
  d.camera.gradient = draw.mostly(0, 0.15);
  d.camera.gradient_angle = draw.between(0, 6.2832);
  d.camera.noise = draw.mostly(0, 0.03);
  draw_jpeg(d, draw, 0.3);
}

// A till's thermal or needle printer, scanned small.
void receipt(Degradation& d, Draw& draw) {
  d.fixed_pitch = draw.chance(0.35);
  draw_frame(d, draw, 0.85);
  draw_shape(d, draw, 1.2);
  draw_surroundings(d, draw, 0.12);
  if (draw.chance(0.5)) d.frame.height = int(draw.factor(17, 36));
  if (draw.chance(0.3)) d.shape.stretch = draw.factor(0.6, 1.4);
  if (draw.chance(0.25)) {
    d.strokes.lattice = draw.between(0.2, 0.9);
    d.strokes.lattice_pitch = draw.between(0.07, 0.13);
    d.strokes.weight = draw.between(0, 0.5);
  }
  if (draw.chance(0.25)) d.strokes.row_loss = draw.mostly(0.1, 0.65);
  if (draw.chance(0.15)) d.strokes.column_loss = draw.mostly(0.1, 0.65);
  if (draw.chance(0.4)) d.strokes.fade = draw.mostly(0, 0.7);
  if (draw.chance(0.15)) d.strokes.breaks = draw.mostly(0, 0.15);
  d.page.paper = draw.chance(0.6) ? 1 - draw.mostly(0, 0.1) : draw.between(0.75, 1);
  d.page.ink = draw.chance(0.6) ? draw.mostly(0, 0.3) : draw.between(0.3, 0.75) * d.page.paper;
  if (draw.chance(0.12)) {
    d.page.halftone = draw.mostly(0.05, 0.2);
    d.page.halftone_pitch = draw.between(2.2, 4) * per_pixel(d);
    d.page.paper = std::min(d.page.paper, 0.85f);
  }
  if (draw.chance(0.25)) d.page.grain = draw.mostly(0.02, 0.1);
  d.page.grain_size = draw.between(1, 2) * per_pixel(d);
  blur(d, draw, draw.between(0.35, 1.1));
  if (draw.chance(0.35)) d.camera.sharpen = draw.mostly(0.2, 1.5);
  if (d.page.ink < 0.4f && draw.chance(0.5)) d.camera.contrast = draw.factor(1, 2.2);
  d.camera.noise = draw.mostly(0, 0.03);
  draw_jpeg(d, draw, 0.4);
}

// Signs: any two greys, outlines, shadows, perspective, dim light.
void street(Degradation& d, Draw& draw) {
  draw_frame(d, draw, 0.75);
  draw_shape(d, draw, 7);
  d.shape.perspective_x = draw.either(0, 0.25);
  d.shape.perspective_y = draw.either(0, 0.12);
  if (draw.chance(0.25)) d.shape.slant = draw.between(-0.35, 0.35);
  const float contrast = draw.between(0.18, 0.9);
  const float dark = draw.between(0, 1 - contrast), bright = dark + contrast;
  const bool light_letters = draw.chance(0.5);
  d.page.ink = light_letters ? bright : dark;
  d.page.paper = light_letters ? dark : bright;
  if (draw.chance(0.25)) {
    d.page.halo = draw.between(0.3, 1);
    // Away from the letters' own brightness, or they would drown in it.
    const float gap = draw.between(0.3, 1);
    d.page.halo_level = std::clamp(light_letters ? bright - gap : dark + gap, 0.0f, 1.0f);
    if (draw.chance(0.5)) d.page.halo_width = draw.between(0.5, 1.5) * per_pixel(d);
    if (d.page.halo_width == 0 || draw.chance(0.3)) {
      d.page.halo_x = draw.either(1, 3) * per_pixel(d);
      d.page.halo_y = draw.either(1, 3) * per_pixel(d);
    }
  }
  if (draw.chance(0.4)) d.page.blotch = draw.mostly(0, 0.16) * contrast;
  if (draw.chance(0.3)) d.page.grain = draw.mostly(0, 0.2) * contrast;
  d.page.grain_size = draw.between(1.5, 8) * per_pixel(d);
  if (draw.chance(0.3)) d.page.ripple = draw.mostly(0, 0.2) * contrast;
  d.page.ripple_length = draw.between(8, 100) * per_pixel(d);
  if (draw.chance(0.4)) d.camera.gradient = draw.mostly(0, 0.6) * contrast;
  d.camera.gradient_angle = draw.between(0, 6.2832);
  if (draw.chance(0.12)) d.camera.shadow = draw.between(0.1, 0.4);
  blur(d, draw, draw.mostly(0.3, 1.9));
  if (draw.chance(0.15)) d.camera.sharpen = draw.mostly(0.2, 1);
  d.camera.noise = draw.mostly(0, 0.08) * contrast;
  draw_jpeg(d, draw, 0.6);
}

void light_print(Degradation& d, Draw& draw) {
  draw_frame(d, draw, 0.3);
  d.strokes.least_stroke = 0.035f;
  d.shape.rotation = draw.either(0, 1.5) * kDegree;
  if (draw.chance(0.3)) d.shape.stretch = draw.factor(0.88, 1.13);
  if (draw.chance(0.3)) d.strokes.weight = draw.either(0, 0.25);
  blur(d, draw, draw.mostly(0, 0.6));
  d.page.ink = draw.mostly(0, 0.3);
  d.page.paper = 1 - draw.mostly(0, 0.25);
  d.camera.noise = draw.mostly(0, 0.02);
}

}  // namespace

std::string_view degradation_level_name(DegradationLevel level) {
  switch (level) {
    case DegradationLevel::kNone:
      return "none";
    case DegradationLevel::kLight:
      return "light";
    case DegradationLevel::kScan:
      return "scan";
  }
  throw Error("[degradation] no such level");
}

DegradationLevel parse_degradation_level(std::string_view name) {
  for (const auto level :
       {DegradationLevel::kNone, DegradationLevel::kLight, DegradationLevel::kScan}) {
    if (name == degradation_level_name(level)) return level;
  }
  throw Error(message("'", std::string(name),
                      "' is no level of degradation; known are none, light and scan"));
}

Degradation draw_degradation(DegradationLevel level, Rng& rng) {
  Degradation d;
  Draw draw(rng);
  if (level == DegradationLevel::kLight) light_print(d, draw);
  if (level == DegradationLevel::kScan) {
    d.strokes.least_stroke = 0.055f;  // a hairline face would vanish in the noise
    struct Scene {
      double share;
      void (*set)(Degradation&, Draw&);
    };
    constexpr Scene kScenes[] = {
        {0.26, photographed_print},      {0.12, clean_print}, {0.15, copied_typescript},
        {0.12, photographed_typescript}, {0.20, receipt},     {0.15, street}};
    double u = rng.uniform();
    for (const Scene& scene : kScenes) {
      if (u < scene.share) {
        scene.set(d, draw);
        break;
      }
      u -= scene.share;
    }
  }
  return d;
}

}  // namespace talweg::ocr
