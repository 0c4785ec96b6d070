// The roofline plot (Williams, Waterman and Patterson 2009): each row at its FLOP a byte and its
// GFLOP/s, both nominal, under what the machine was measured to do.
#include <algorithm>
#include <cmath>
#include <set>

#include "bench/report.h"
#include "core/error.h"
#include "core/io/svg.h"
#include "core/io/text.h"

namespace talweg::bench {
namespace {

using io::Svg;

constexpr double kWidth = 1000, kHeight = 600;
constexpr double kLeft = 70, kRight = 730, kTop = 56, kBottom = 540;

/// Logarithmic axes: data to page.
struct Axes {
  double x_low = 1, x_high = 10, y_low = 1, y_high = 10;

  double x(double v) const {
    return kLeft + (kRight - kLeft) * std::log(v / x_low) / std::log(x_high / x_low);
  }
  double y(double v) const {
    return kBottom - (kBottom - kTop) * std::log(v / y_low) / std::log(y_high / y_low);
  }
};

struct Point {
  double intensity, gflops;
  const RowRecord* row;
};

std::vector<Point> points_of(const RunRecord& run) {
  std::vector<Point> points;
  for (const RowRecord& row : run.rows) {
    if (!row.ok() || row.nominal_flop <= 0 || row.bytes <= 0) continue;
    points.push_back({row.nominal_flop / row.bytes, figures(row).nominal_gflops, &row});
  }
  return points;
}

/// A ceiling of one instruction set and number of threads: a slope for a level of memory, then flat.
struct Ceiling {
  std::string isa;
  int threads = 1;
  double peak = 0, memory = 0, l2 = 0;
};

std::vector<Ceiling> ceilings_of(const RunRecord& run) {
  std::set<std::pair<std::string, int>> used;
  for (const RowRecord& row : run.rows) used.insert({row.isa, row.threads});
  std::vector<Ceiling> ceilings;
  for (const auto& [isa, by_threads] : run.before.peak) {
    for (const auto& [threads, peak] : by_threads) {
      const auto levels = run.before.bandwidth.find(threads);
      if (!used.contains({isa, threads}) || peak <= 0 || levels == run.before.bandwidth.end()) {
        continue;
      }
      Ceiling c = {.isa = isa, .threads = threads, .peak = peak};
      c.memory = levels->second.back().best();
      for (const Bandwidth& b : levels->second) c.l2 = b.level == "L2" ? b.best() : c.l2;
      ceilings.push_back(c);
    }
  }
  return ceilings;
}

Axes axes_for(const std::vector<Point>& points, const std::vector<Ceiling>& ceilings) {
  Axes a = {.x_low = 1, .x_high = 100, .y_low = 1, .y_high = 100};
  if (!points.empty()) {
    a = {points[0].intensity, points[0].intensity, points[0].gflops, points[0].gflops};
  }
  for (const Point& p : points) {
    a.x_low = std::min(a.x_low, p.intensity), a.x_high = std::max(a.x_high, p.intensity);
    a.y_low = std::min(a.y_low, p.gflops), a.y_high = std::max(a.y_high, p.gflops);
  }
  for (const Ceiling& c : ceilings) a.y_high = std::max(a.y_high, c.peak);
  a.x_low = std::min(a.x_low / 1.6, 1.0), a.x_high *= 1.6;
  a.y_low /= 1.6, a.y_high *= 1.5;
  return a;
}

void draw_axes(Svg& svg, const Axes& axes) {
  const Svg::Stroke grid = {.width = 1, .opacity = 0.13};
  for (const double v : io::log_ticks(axes.x_low, axes.x_high)) {
    svg.line(axes.x(v), kTop, axes.x(v), kBottom, grid);
    svg.text(axes.x(v), kBottom + 18, io::format_short(v, 2), {.anchor = Svg::Anchor::kMiddle});
  }
  for (const double v : io::log_ticks(axes.y_low, axes.y_high)) {
    svg.line(kLeft, axes.y(v), kRight, axes.y(v), grid);
    svg.text(kLeft - 8, axes.y(v) + 4, io::format_short(v, 2), {.anchor = Svg::Anchor::kEnd});
  }
  svg.line(kLeft, kBottom, kRight, kBottom, {});
  svg.line(kLeft, kTop, kLeft, kBottom, {});
  svg.text((kLeft + kRight) / 2, kBottom + 40, "FLOP a byte (nominal FLOP, each tensor moved once)",
           {.size = 13, .anchor = Svg::Anchor::kMiddle});
  svg.text(20, (kTop + kBottom) / 2, "GFLOP/s (nominal)",
           {.size = 13, .anchor = Svg::Anchor::kMiddle, .rotate = -90});
}

void draw_ceiling(Svg& svg, const Axes& axes, const Ceiling& c) {
  const auto slope = [&](double bandwidth, const Svg::Stroke& stroke) {
    const double corner = c.peak / bandwidth;
    const Svg::Points line = {{axes.x(axes.x_low), axes.y(axes.x_low * bandwidth)},
                              {axes.x(corner), axes.y(c.peak)},
                              {axes.x(std::max(corner, axes.x_high)), axes.y(c.peak)}};
    svg.polyline(line, stroke);
  };
  const bool widest = c.threads > 1;
  slope(c.memory, {.width = widest ? 2.0 : 1.2, .opacity = 0.75});
  if (c.l2 > 0) slope(c.l2, {.width = 1, .opacity = 0.5, .dashed = true});
  svg.text(std::max(axes.x(c.peak / c.memory), kLeft) + 12, axes.y(c.peak) - 6,
           message(c.isa, ", ", c.threads, c.threads == 1 ? " thread: " : " threads: ",
                   io::format_number(c.peak, 0), " GFLOP/s"),
           {.size = 11, .opacity = 0.8});
}

/// One thread a disc, more a diamond.
void draw_mark(Svg& svg, double x, double y, int threads, const std::string& color) {
  constexpr double r = 4.2;
  if (threads == 1) {
    svg.circle(x, y, r, color);
  } else {
    svg.polygon({{x, y - 1.4 * r}, {x + 1.2 * r, y}, {x, y + 1.4 * r}, {x - 1.2 * r, y}}, color);
  }
}

/// Draws the points and, to the right, what their colours mean.
void draw_points(Svg& svg, const Axes& axes, const std::vector<Point>& points) {
  std::vector<std::string> ways;
  const auto index_of = [&](const std::string& way) {
    return size_t(std::find(ways.begin(), ways.end(), way) - ways.begin());
  };
  for (const Point& p : points) {
    if (index_of(p.row->way) == ways.size()) ways.push_back(p.row->way);
  }
  // The ways of a problem share its FLOP a byte: side by side, so that none hides another.
  const double apart = std::min(6.0, 48.0 / double(std::max<size_t>(ways.size(), 1)));
  for (const Point& p : points) {
    const size_t way = index_of(p.row->way);
    const double aside = apart * (double(way) - 0.5 * double(ways.size() - 1));
    draw_mark(svg, axes.x(p.intensity) + aside, axes.y(p.gflops), p.row->threads,
              io::series_color(way));
  }
  double y = kTop + 8;
  for (size_t i = 0; i < ways.size() && y < kBottom - 60; ++i, y += 20) {
    draw_mark(svg, kRight + 24, y, 1, io::series_color(i));
    svg.text(kRight + 38, y + 4, ways[i], {.size = 12});
  }
  y += 14;
  draw_mark(svg, kRight + 24, y, 1, "currentColor");
  svg.text(kRight + 38, y + 4, "on one thread", {.size = 12, .opacity = 0.8});
  draw_mark(svg, kRight + 24, y + 20, 2, "currentColor");
  svg.text(kRight + 38, y + 24, "on more", {.size = 12, .opacity = 0.8});
}

}  // namespace

std::string to_svg(const RunRecord& run) {
  const std::vector<Point> points = points_of(run);
  const std::vector<Ceiling> ceilings = ceilings_of(run);
  const Axes axes = axes_for(points, ceilings);
  Svg svg(kWidth, kHeight,
          message("Roofline plot of ", points.size(), " benchmark rows on ", run.machine.cpu));
  svg.text(kLeft, 24, message("Rooflines, ", run.machine.cpu, ", commit ", run.machine.commit),
           {.size = 16, .bold = true});
  svg.text(kLeft, 43,
           "solid roofs: from memory; dashed: from the L2 cache; Winograd executes fewer FLOP than "
           "nominal and may stand above; a problem's ways side by side",
           {.size = 12, .opacity = 0.8});
  draw_axes(svg, axes);
  svg.open_clip(kLeft, kTop, kRight - kLeft, kBottom - kTop);
  for (const Ceiling& c : ceilings) draw_ceiling(svg, axes, c);
  svg.close_clip();
  draw_points(svg, axes, points);
  if (points.empty()) {
    svg.text((kLeft + kRight) / 2, (kTop + kBottom) / 2, "no row of this run counts FLOP",
             {.size = 13, .anchor = Svg::Anchor::kMiddle});
  }
  return svg.str();
}

}  // namespace talweg::bench
