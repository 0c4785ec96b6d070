// What happens to the ink before it is dry, and what else lies in the frame.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "ocr/degrade_stages.h"

namespace talweg::ocr {
namespace {

double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }
double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

// The mean stroke, in pixels: ink over half the length of its outline (the sum of the slopes),
// times the mean blackness under the ink (squares over ink), below 1 where strokes are thinner than
// a pixel.
double stroke_width(const Ink& ink) {
  // Sums of the columns, so that the loop runs over vectors.
  const auto width = size_t(ink.width);
  std::vector<float> squares(width, 0.0f), outline(width, 0.0f);
  for (int y = 0; y + 1 < ink.height; ++y) {
    const float* row = ink.coverage.data() + size_t(y) * width;
    const float* below = row + width;
    for (size_t x = 0; x + 1 < width; ++x) {
      const float dx = std::abs(row[x + 1] - row[x]), dy = std::abs(below[x] - row[x]);
      squares[x] += row[x] * row[x];
      // The slope's length within 6 %, whatever its direction.
      outline[x] += std::max(dx, dy) + 0.35f * std::min(dx, dy);
    }
  }
  const auto total = [](const std::vector<float>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0);
  };
  const double edges = total(outline);
  return edges > 0 ? 2 * total(squares) / edges : 0;
}

// A line of width `stroke` blurred by sigma is, at distance x from its middle,
// Phi((x + stroke / 2) / sigma) - Phi((x - stroke / 2) / sigma): cut it `growth` outside the old
// edge.
void move_edges(Plane& ink, const EdgeMove& edges) {
  const double stroke = edges.stroke, growth = edges.growth;
  const double sigma = std::max(0.8, 1.3 * std::abs(growth));
  blur(ink, float(sigma), float(sigma));
  const double near = growth / sigma, far = (stroke + growth) / sigma;
  const auto cut = float(normal_cdf(far) - normal_cdf(near));
  // One pixel wide, as a drawn edge is: the blurred edge's slope there, inverted.
  constexpr double kSteepest = 20;
  const double slope = (normal_density(near) - normal_density(far)) / sigma;
  const auto gain = float(1 / std::max(slope, 1 / kSteepest));
  for (float& v : ink.values) v = std::clamp((v - cut) * gain + 0.5f, 0.0f, 1.0f);
}

// Tables of factors: blackness = row * (column + slope * height) * lattice.
struct Press {
  std::vector<float> row, column, slope, lattice_row, lattice_column;
};

std::vector<float> cosine_table(size_t n, double period, double phase) {
  std::vector<float> table(n);
  for (size_t i = 0; i < n; ++i) {
    table[i] = float(0.5 + 0.5 * std::cos(2 * std::numbers::pi * (double(i) / period + phase)));
  }
  return table;
}

// Losses in bands of random width between intact ones.
void lose_bands(std::vector<float>& factor, float loss, int line, Rng& rng) {
  for (size_t at = 0; at < factor.size();) {
    const size_t intact = 1 + size_t(rng.uniform(0.02, 0.4) * line);
    const size_t lost = 1 + size_t(rng.uniform(0, 0.06) * line);
    const auto keep = float(1 - loss * rng.uniform(0.2, 1));
    for (size_t i = at + intact; i < std::min(at + intact + lost, factor.size()); ++i) {
      factor[i] *= keep;
    }
    at += intact + lost;
  }
}

Press set_up_press(const Ink& ink, const Degradation::Strokes& s, const Layout& layout, Rng& rng) {
  const auto width = size_t(ink.width), height = size_t(ink.height);
  Press press{std::vector<float>(height, 1),
              std::vector<float>(width, 1),
              std::vector<float>(width, 0),
              {},
              {}};
  if (s.strike > 0 || s.strike_slope > 0) {
    std::vector<float> loss, slope;
    for (size_t i = 0; i <= ink.boxes.size(); ++i) {
      const double u = rng.uniform();  // most letters lose little
      loss.push_back(float(s.strike * u * u));
      slope.push_back(float(s.strike_slope * rng.uniform(-1, 1)));
    }
    for (size_t x = 0; x < width; ++x) {
      const auto letter = size_t(layout.letter[x]);
      press.column[x] = 1 - loss[letter] - std::abs(slope[letter]) / 2;
      press.slope[x] = slope[letter] / float(layout.line_height);
    }
  }
  if (s.row_loss > 0) lose_bands(press.row, s.row_loss, layout.line_height, rng);
  if (s.column_loss > 0) lose_bands(press.column, s.column_loss, layout.line_height, rng);
  if (s.lattice > 0) {
    const double pitch = std::max(2.0, double(s.lattice_pitch) * layout.line_height);
    press.lattice_row = cosine_table(height, pitch, rng.uniform());
    press.lattice_column = cosine_table(width, pitch, rng.uniform());
  }
  return press;
}

void strike(Plane& ink, const Degradation::Strokes& s, const Layout& layout, const Press& press) {
  const float middle = float(layout.ink_top + layout.ink_bottom) / 2;
  for (int y = 0; y < ink.height; ++y) {
    float* row = ink.row(y);
    const float blackness = press.row[size_t(y)], height = float(y) - middle;
    const float *column = press.column.data(), *slope = press.slope.data();
    for (int x = 0; x < ink.width; ++x) {
      row[x] *= blackness * std::clamp(column[x] + slope[x] * height, 0.0f, 1.0f);
    }
    if (press.lattice_row.empty()) continue;
    const float bright = 2.2f * press.lattice_row[size_t(y)];
    const float* across = press.lattice_column.data();
    for (int x = 0; x < ink.width; ++x) {
      row[x] *= 1 - s.lattice * (1 - std::min(1.0f, bright * across[x]));
    }
  }
}

// Rows of the word's own ink serve as the neighbouring lines, moved sideways.
void show_neighbours(Plane& ink, const Ink& original, const Degradation::Strokes& s,
                     const Layout& layout, Rng& rng) {
  const auto copy_row = [&](int to, int from, int offset) {
    if (to < 0 || to >= ink.height || from < 0 || from >= ink.height) return;
    const float* source = original.coverage.data() + size_t(from) * size_t(ink.width);
    float* row = ink.row(to);
    for (int x = 0; x < ink.width; ++x) {
      int other = x + offset;
      if (other >= ink.width) other -= ink.width;
      row[x] = std::max(row[x], source[other]);
    }
  };
  const int gap = std::max(1, layout.line_height / 24);
  const auto offset = [&] { return int(rng.below(uint64_t(ink.width))); };
  if (s.neighbour_above > 0) {
    const int end = std::min(int(layout.crop_top + s.neighbour_above * layout.line_height),
                             layout.ink_top - gap);
    const int shift = offset();
    for (int y = end - 1; y >= 0; --y) copy_row(y, layout.ink_bottom - (end - y), shift);
  }
  if (s.neighbour_below > 0) {
    const int begin = std::max(int(layout.crop_bottom - s.neighbour_below * layout.line_height),
                               layout.ink_bottom + gap);
    const int shift = offset();
    for (int y = begin; y < ink.height; ++y) copy_row(y, layout.ink_top + (y - begin), shift);
  }
}

void fill(Plane& ink, double x0, double y0, double x1, double y1, float value) {
  const int left = std::max(0, int(std::lround(x0))),
            right = std::min(ink.width, int(std::lround(x1)));
  const int top = std::max(0, int(std::lround(y0)));
  const int bottom = std::min(ink.height, std::max(int(std::lround(y1)), top + 1));
  for (int y = top; y < bottom; ++y) {
    float* row = ink.row(y);
    for (int x = left; x < right; ++x) row[x] = std::max(row[x], value);
  }
}

void draw_rules(Plane& ink, const Ink& original, const Degradation::Strokes& s,
                const Layout& layout, Rng& rng) {
  const double line = layout.line_height;
  const auto blackness = float(rng.uniform(0.5, 1));
  if (s.underline > 0) {
    const double y = original.baseline + line * rng.uniform(0.04, 0.16);
    fill(ink, layout.crop_left - line, y, layout.crop_right + line, y + s.underline * line,
         blackness);
  }
  if (s.rule > 0) {
    const double thick = s.rule * line, inside = rng.uniform(-0.5, 1) * thick;
    switch (rng.below(4)) {
      case 0:
        fill(ink, 0, layout.crop_top, ink.width, layout.crop_top + inside, blackness);
        break;
      case 1:
        fill(ink, 0, layout.crop_bottom - inside, ink.width, layout.crop_bottom, blackness);
        break;
      case 2:
        fill(ink, layout.crop_left, 0, layout.crop_left + inside, ink.height, blackness);
        break;
      default:
        fill(ink, layout.crop_right - inside, 0, layout.crop_right, ink.height, blackness);
    }
  }
}

// Discs of random size; `dark` ones add ink, others take it away.
void sprinkle(Plane& ink, double density, bool dark, const Layout& layout, Rng& rng) {
  const double line = layout.line_height;
  const double across = std::max(1.0, (layout.crop_right - layout.crop_left) / line);
  const int count = int(density * across + rng.uniform());
  for (int i = 0; i < count; ++i) {
    const double u = rng.uniform();
    const double radius = line * (0.012 + 0.035 * u * u);
    const double cx = rng.uniform(layout.crop_left, layout.crop_right);
    const double cy = rng.uniform(layout.crop_top, layout.crop_bottom);
    const auto strength = float(rng.uniform(0.4, 1));
    const int y0 = std::max(0, int(cy - radius - 1)),
              y1 = std::min(ink.height, int(cy + radius + 2));
    const int x0 = std::max(0, int(cx - radius - 1)),
              x1 = std::min(ink.width, int(cx + radius + 2));
    for (int y = y0; y < y1; ++y) {
      for (int x = x0; x < x1; ++x) {
        const double distance = std::hypot(x + 0.5 - cx, y + 0.5 - cy);
        const float cover = strength * float(std::clamp(radius - distance + 0.5, 0.0, 1.0));
        float& v = ink.row(y)[x];
        v = dark ? std::max(v, cover) : v * (1 - cover);
      }
    }
  }
}

}  // namespace

EdgeMove plan_edges(const Ink& ink, const Degradation::Strokes& s) {
  EdgeMove move;
  if (s.weight == 0 && s.least_stroke == 0) return move;
  const double line = ink.descent > ink.ascent ? ink.descent - ink.ascent : ink.height;
  move.stroke = stroke_width(ink);
  if (move.stroke == 0) return move;
  // Counters must not close: no stroke grows beyond a bold face's.
  const double room = std::clamp((0.16 * line - move.stroke) / 2, 0.0, 0.05 * line);
  const double growth = std::clamp(s.weight * move.stroke / 2, -0.05 * line, room);
  move.growth = std::max(growth, std::min((s.least_stroke * line - move.stroke) / 2, room));
  return move;
}

Plane wear_strokes(const Ink& ink, const Degradation::Strokes& s, const Layout& layout, Rng& rng) {
  Plane worn;
  worn.width = ink.width, worn.height = ink.height, worn.values = ink.coverage;
  if (layout.edges.growth != 0) move_edges(worn, layout.edges);
  if (s.neighbour_above > 0 || s.neighbour_below > 0) show_neighbours(worn, ink, s, layout, rng);
  if (s.underline > 0 || s.rule > 0) draw_rules(worn, ink, s, layout, rng);
  if (s.strike > 0 || s.strike_slope > 0 || s.row_loss > 0 || s.column_loss > 0 || s.lattice > 0) {
    strike(worn, s, layout, set_up_press(ink, s, layout, rng));
  }
  if (s.pinholes > 0) sprinkle(worn, s.pinholes, false, layout, rng);
  if (s.specks > 0) sprinkle(worn, s.specks, true, layout, rng);
  return worn;
}

void fade_ink(Plane& coverage, const Degradation::Strokes& s, Rng& rng) {
  const auto rows = float(coverage.height);
  if (s.fade > 0) {
    const Plane field = smooth_noise(coverage.width, coverage.height, 0.5f * rows, rng);
    for (size_t i = 0; i < field.values.size(); ++i) {
      const float loss = std::clamp(0.5f + 0.4f * field.values[i], 0.0f, 1.0f);
      coverage.values[i] *= 1 - s.fade * loss;
    }
  }
  if (s.breaks > 0) {
    const Plane field =
        smooth_noise(coverage.width, coverage.height, std::max(1.5f, 0.09f * rows), rng);
    // The noise is above 1.3 (0.5 - breaks) * 2 on nearly the share of the area asked for.
    const float cut = 1.65f - 3.0f * s.breaks;
    for (size_t i = 0; i < field.values.size(); ++i) {
      coverage.values[i] *= 1 - std::clamp(2 * (field.values[i] - cut), 0.0f, 0.9f);
    }
  }
}

}  // namespace talweg::ocr
