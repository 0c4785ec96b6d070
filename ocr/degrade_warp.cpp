// Where the letters of a degraded word go: one homography, a shift of every column before it.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "ocr/degrade_stages.h"

namespace talweg::ocr {
namespace {

using Matrix = std::array<double, 9>;  // row-major 3 x 3
struct Point {
  double x, y;
};

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      for (size_t k = 0; k < 3; ++k) c[3 * i + j] += a[3 * i + k] * b[3 * k + j];
    }
  }
  return c;
}

// The adjugate: a homography is the same whatever factor all its entries have.
Matrix inverse(const Matrix& m) {
  return {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
          m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
          m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
}

Point apply(const Matrix& m, double x, double y) {
  const double w = m[6] * x + m[7] * y + m[8];
  return {(m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w};
}

Matrix translation(double x, double y) { return {1, 0, x, 0, 1, y, 0, 0, 1}; }

// Slant, stretch, rotation, then perspective, round (0, 0). `half_width` and `half_height` are the
// distances at which perspective_x and _y hold.
Matrix shape_matrix(const Degradation::Shape& s, double half_width, double half_height) {
  const double c = std::cos(s.rotation), n = std::sin(s.rotation);
  const Matrix slant{1, -double(s.slant), 0, 0, 1, 0, 0, 0, 1};
  const Matrix stretch{s.stretch, 0, 0, 0, 1, 0, 0, 0, 1};
  const Matrix rotation{c, -n, 0, n, c, 0, 0, 0, 1};
  const Matrix perspective{
      1, 0, 0, 0, 1, 0, s.perspective_x / half_width, s.perspective_y / half_height, 1};
  return product(perspective, product(rotation, product(stretch, slant)));
}

// The letter a column belongs to: the one whose box's middle is nearest.
std::vector<int> letters_of_columns(const Ink& ink) {
  std::vector<int> letter(size_t(ink.width), 0);
  std::vector<std::pair<double, int>> middles;
  for (size_t i = 0; i < ink.boxes.size(); ++i) {
    const CharBox& b = ink.boxes[i];
    if (b.x1 > b.x0) middles.emplace_back((b.x0 + b.x1) / 2.0, int(i));
  }
  std::sort(middles.begin(), middles.end());
  size_t at = 0;
  for (int x = 0; x < ink.width && !middles.empty(); ++x) {
    while (at + 1 < middles.size() && 2 * (x + 0.5) > middles[at].first + middles[at + 1].first) {
      ++at;
    }
    letter[size_t(x)] = middles[at].second;
  }
  return letter;
}

std::vector<float> lift_of_columns(const Ink& ink, const Degradation::Shape& s,
                                   const Layout& layout, Rng& rng) {
  std::vector<float> lift(size_t(ink.width), 0.0f);
  if (s.wave != 0) {
    const double phase = rng.uniform(0, 2 * std::numbers::pi);
    const double step = 2 * std::numbers::pi / (double(s.wave_length) * layout.line_height);
    for (size_t x = 0; x < lift.size(); ++x) {
      lift[x] = float(s.wave * layout.line_height * std::sin(double(x) * step + phase));
    }
  }
  if (s.letter_shift == 0 && s.letter_tilt == 0) return lift;
  std::vector<float> shift, tilt;
  for (size_t i = 0; i < ink.boxes.size(); ++i) {
    shift.push_back(float(rng.uniform(-1, 1) * s.letter_shift * layout.line_height));
    tilt.push_back(float(std::tan(rng.uniform(-1, 1) * s.letter_tilt)));
  }
  for (size_t x = 0; x < lift.size() && !ink.boxes.empty(); ++x) {
    const auto i = size_t(layout.letter[x]);
    const double middle = (ink.boxes[i].x0 + ink.boxes[i].x1) / 2.0;
    lift[x] += shift[i] + tilt[i] * float(double(x) + 0.5 - middle);
  }
  return lift;
}

struct Bounds {
  double left = 1e30, top = 1e30, right = -1e30, bottom = -1e30;

  void include(Point p) {
    left = std::min(left, p.x), right = std::max(right, p.x);
    top = std::min(top, p.y), bottom = std::max(bottom, p.y);
  }
};

// The corners of a box, and how far its columns are lifted.
Bounds box_bounds(const CharBox& b, double growth, const Layout& layout, const Matrix& map) {
  Bounds bounds;
  const int last = int(layout.lift.size()) - 1;
  const auto side = [&](double x, int column) {
    const double lift = layout.lift[size_t(std::clamp(column, 0, last))];
    bounds.include(apply(map, x, b.y0 - growth + lift));
    bounds.include(apply(map, x, b.y1 + growth + lift));
  };
  side(b.x0 - growth, b.x0);
  side(b.x1 + growth, b.x1 - 1);
  // Inside a box the lift may be further out than at its ends.
  const auto from = layout.lift.begin() + std::clamp(b.x0, 0, last);
  const auto to = layout.lift.begin() + std::clamp(b.x1, 1, last + 1);
  if (from < to) {
    const auto [low, high] = std::minmax_element(from, to);
    const double middle = (b.x0 + b.x1) / 2.0;
    bounds.include(apply(map, middle, b.y0 - growth + *low));
    bounds.include(apply(map, middle, b.y1 + growth + *high));
  }
  return bounds;
}

void find_ink(const Ink& ink, Layout& layout) {
  Bounds bounds;
  for (const CharBox& b : ink.boxes) {
    if (b.x1 <= b.x0) continue;
    bounds.include({double(b.x0), double(b.y0)});
    bounds.include({double(b.x1), double(b.y1)});
  }
  if (bounds.right < bounds.left) {  // nothing drawn: a blank as wide as the sheet
    bounds.include({0, 0});
    bounds.include({double(ink.width), double(ink.height)});
  }
  layout.ink_left = std::clamp(int(bounds.left), 0, ink.width - 1);
  layout.ink_top = std::clamp(int(bounds.top), 0, ink.height - 1);
  layout.ink_right = std::clamp(int(bounds.right), layout.ink_left + 1, ink.width);
  layout.ink_bottom = std::clamp(int(bounds.bottom), layout.ink_top + 1, ink.height);
}

// Averages k x k pixels, so that a warp that shrinks by about k does not skip ink; an empty pixel
// all round, so that sampling needs no look at the edges.
Plane shrunk(const Plane& source, int k) {
  const int width = (source.width + k - 1) / k, height = (source.height + k - 1) / k;
  Plane small(width + 2, height + 2);
  const float share = 1.0f / float(k * k);
  std::vector<float> sum(size_t(width) * size_t(k));
  for (int y = 0; y < height; ++y) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (int j = y * k; j < std::min((y + 1) * k, source.height); ++j) {
      const float* from = source.row(j);
      for (int x = 0; x < source.width; ++x) sum[size_t(x)] += from[x];
    }
    float* to = small.row(y + 1) + 1;
    for (int x = 0; x < width; ++x) {
      const float* group = &sum[size_t(x) * size_t(k)];
      float total = 0;
      for (int i = 0; i < k; ++i) total += group[i];
      to[x] = total * share;
    }
  }
  return small;
}

}  // namespace

Layout plan_layout(const Ink& ink, const Degradation& d, Rng& rng) {
  Layout layout;
  const bool framed = ink.descent > ink.ascent;
  const int line_top = framed ? ink.ascent : 0, line_bottom = framed ? ink.descent : ink.height;
  const double line = line_bottom - line_top;
  layout.line_height = line_bottom - line_top;
  layout.letter = letters_of_columns(ink);
  layout.lift = lift_of_columns(ink, d.shape, layout, rng);
  find_ink(ink, layout);
  layout.edges = plan_edges(ink, d.strokes);

  const double middle_x = (layout.ink_left + layout.ink_right) / 2.0;
  const double middle_y = (line_top + line_bottom) / 2.0;
  const double half_width = std::max((layout.ink_right - layout.ink_left) / 2.0, line);
  const Matrix shape =
      product(shape_matrix(d.shape, half_width, line / 2), translation(-middle_x, -middle_y));

  Bounds bounds;
  for (const CharBox& b : ink.boxes) {
    if (b.x1 <= b.x0) continue;
    const Bounds one = box_bounds(b, 0, layout, shape);
    bounds.include({one.left, one.top}), bounds.include({one.right, one.bottom});
  }
  if (bounds.right < bounds.left) {
    const CharBox all{layout.ink_left, layout.ink_top, layout.ink_right, layout.ink_bottom};
    bounds = box_bounds(all, 0, layout, shape);
  }
  // Round the line, but never cutting ink that leaves it (a tall bracket).
  if (!d.frame.tight) {
    bounds.top = std::min(bounds.top + line * d.frame.top, -line / 2);
    bounds.bottom = std::max(bounds.bottom - line * d.frame.bottom, line / 2);
  }
  // A full stop cut out tightly would fill the image.
  const double lacking = 0.35 * line - (bounds.bottom - bounds.top);
  if (lacking > 0) bounds.top -= lacking * 0.5, bounds.bottom += lacking * 0.5;
  const double left = bounds.left - line * d.frame.left;
  const double right = std::max(bounds.right + line * d.frame.right, left + 0.2 * line);
  const double top = bounds.top - line * d.frame.top;
  const double bottom = std::max(bounds.bottom + line * d.frame.bottom, top + 0.2 * line);

  layout.height = d.frame.height;
  layout.scale = layout.height / (bottom - top);
  layout.width = std::max(1, int(std::lround((right - left) * layout.scale)));
  const Matrix zoom{
      layout.scale, 0, -left * layout.scale, 0, layout.scale, -top * layout.scale, 0, 0, 1};
  layout.forward = product(zoom, shape);
  layout.inverse = inverse(layout.forward);
  layout.crop_top = middle_y + top, layout.crop_bottom = middle_y + bottom;
  layout.crop_left = middle_x + left, layout.crop_right = middle_x + right;
  return layout;
}

Plane warp(const Plane& source, const Layout& layout, const Degradation::Shape& shape, Rng& rng) {
  Plane result(layout.width, layout.height);
  const int k = std::max(1, int(std::ceil(1 / layout.scale - 0.25)));
  const Plane small = shrunk(source, k);
  std::array<float, 9> m{};
  for (size_t i = 0; i < m.size(); ++i) m[i] = float(layout.inverse[i] / layout.inverse[8]);
  const float share = 1.0f / float(k);
  constexpr float kHorizon = 1e-3f;  // beyond, nothing of the sheet is seen
  const auto last_column = float(layout.lift.size() - 1);
  const auto last_x = float(small.width) - 1.001f, last_y = float(small.height) - 1.001f;
  std::vector<float> source_x(size_t(result.width)), source_y(size_t(result.width));
  Plane shift_x, shift_y;  // in pixels of the source
  if (shape.elastic > 0) {
    const float cell = std::max(2.0f, shape.elastic_length * float(result.height));
    shift_x = smooth_noise(result.width, result.height, cell, rng);
    shift_y = smooth_noise(result.width, result.height, cell, rng);
    for (Plane* shift : {&shift_x, &shift_y}) {
      for (float& v : shift->values) v *= shape.elastic * float(layout.line_height);
    }
  }
  for (int y = 0; y < result.height; ++y) {
    const float v = float(y) + 0.5f;
    const float x0 = m[1] * v + m[2], y0 = m[4] * v + m[5], w0 = m[7] * v + m[8];
    for (int x = 0; x < result.width; ++x) {
      const float u = float(x) + 0.5f, w = 1 / std::max(m[6] * u + w0, kHorizon);
      source_x[size_t(x)] = (m[0] * u + x0) * w;
      source_y[size_t(x)] = (m[3] * u + y0) * w;
    }
    if (shape.elastic > 0) {
      for (int x = 0; x < result.width; ++x) {
        source_x[size_t(x)] += shift_x.row(y)[x];
        source_y[size_t(x)] += shift_y.row(y)[x];
      }
    }
    float* to = result.row(y);
    for (int x = 0; x < result.width; ++x) {
      const float at_x = source_x[size_t(x)];
      const float lift = layout.lift[size_t(std::clamp(at_x, 0.0f, last_column))];
      // + 0.5: pixel 0 of the source has its centre at 0.5, and at 1.5 behind the empty border.
      const float px = std::clamp(at_x * share + 0.5f, 0.0f, last_x);
      const float py = std::clamp((source_y[size_t(x)] - lift) * share + 0.5f, 0.0f, last_y);
      const int column = int(px), row = int(py);
      const float fx = px - float(column), fy = py - float(row);
      const float *above = small.row(row) + column, *below = above + small.width;
      const float upper = above[0] + fx * (above[1] - above[0]);
      const float lower = below[0] + fx * (below[1] - below[0]);
      to[x] = upper + fy * (lower - upper);
    }
  }
  return result;
}

std::vector<CharBox> warp_boxes(const std::vector<CharBox>& boxes, const Layout& layout,
                                double growth) {
  std::vector<CharBox> moved;
  moved.reserve(boxes.size());
  for (const CharBox& b : boxes) {
    const bool empty = b.x1 <= b.x0;
    const Bounds bounds = box_bounds({b.x0, b.y0, std::max(b.x1, b.x0 + 1), b.y1},
                                     empty ? 0 : growth, layout, layout.forward);
    CharBox box{std::clamp(int(std::floor(bounds.left)), 0, layout.width),
                std::clamp(int(std::floor(bounds.top)), 0, layout.height),
                std::clamp(int(std::ceil(bounds.right)), 0, layout.width),
                std::clamp(int(std::ceil(bounds.bottom)), 0, layout.height)};
    if (empty) box.x1 = box.x0, box.y1 = box.y0;
    moved.push_back(box);
  }
  return moved;
}

}  // namespace talweg::ocr
