// Line charts: data to pixels by one Axis a direction, the rest is drawing.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/io/svg_layout.h"

namespace talweg::io {
namespace {

/// The step of round ticks: the 1, 2 or 5 times a power of ten next above span / count.
double nice_step(double span, int count) {
  const double raw = span / std::max(count, 1);
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * power * (1 + 1e-9)) return factor * power;
  }
  return 10 * power;
}

/// Values of one direction mapped onto pixels, linear or logarithmic.
class Axis {
 public:
  /// A range without extent is widened, so that something can be drawn around it.
  Axis(double low, double high, bool log) : low_(low), high_(high), log_(log) {
    if (low_ < high_) return;
    const double half = low_ == 0 ? 0.5 : std::abs(low_) / 2;
    low_ = log_ ? low_ / 2 : low_ - half;
    high_ = log_ ? high_ * 2 : high_ + half;
  }

  void onto(double first_pixel, double last_pixel) {
    first_ = first_pixel;
    last_ = last_pixel;
  }

  bool shows(double v) const { return std::isfinite(v) && (!log_ || v > 0); }
  double pixel(double v) const {
    return first_ + (last_ - first_) * (scaled(v) - scaled(low_)) / (scaled(high_) - scaled(low_));
  }
  /// As pixel, but what a log axis can't show (an interval reaching below zero) goes to its end.
  double clamped_pixel(double v) const { return pixel(log_ && !(v > low_) ? low_ : v); }

  std::vector<double> ticks(int count) const {
    return log_ ? log_ticks(low_, high_) : nice_ticks(low_, high_, count);
  }

  /// All ticks with the decimals their step needs; very large or small ones in scientific notation.
  std::string label(double v, const std::vector<double>& ticks) const {
    const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : std::abs(v);
    const double largest = std::max(std::abs(low_), std::abs(high_));
    if (log_ || largest >= 1e6 || step < 1e-4) return format_short(v);
    return format_number(v, std::max(0, int(std::ceil(-std::log10(step) - 1e-9))));
  }

 private:
  double scaled(double v) const { return log_ ? std::log10(v) : v; }

  double low_, high_;
  bool log_;
  double first_ = 0, last_ = 1;
};

/// Collects the smallest and the largest of what an axis can show.
struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void include(double v, bool positive_only) {
    if (!std::isfinite(v) || (positive_only && v <= 0)) return;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  bool empty() const { return low > high; }
};

Axis x_axis(const LineChart& chart) {
  Range range;
  for (const Series& s : chart.series) {
    for (const double v : s.x) range.include(v, false);
  }
  return range.empty() ? Axis(0, 1, false) : Axis(range.low, range.high, false);
}

Axis y_axis(const LineChart& chart) {
  Range range;
  for (const Series& s : chart.series) {
    for (const auto* values : {&s.y, &s.low, &s.high}) {
      for (const double v : *values) range.include(v, chart.log_y);
    }
  }
  if (range.empty()) range = chart.log_y ? Range{0.1, 1} : Range{0, 1};
  if (chart.log_y) {
    range.low /= 1.15;
    range.high *= 1.15;
  } else {
    const double air = 0.05 * (range.high - range.low);
    const bool near_zero = range.low >= 0 && range.low < 0.4 * range.high;
    range.low = near_zero ? 0 : range.low - air;
    range.high += air;
  }
  return Axis(chart.y_min.value_or(range.low), chart.y_max.value_or(range.high), chart.log_y);
}

void check(const LineChart& chart) {
  for (const Series& s : chart.series) {
    expect(s.x.size() == s.y.size(), "[line_chart] series ", s.name, ": ", s.x.size(),
           " x values must equal ", s.y.size(), " y values");
    expect(s.low.size() == s.high.size() && (s.low.empty() || s.low.size() == s.y.size()),
           "[line_chart] series ", s.name, ": intervals (", s.low.size(), " low, ", s.high.size(),
           " high) must be none or one for each of ", s.y.size(), " points");
  }
  if (chart.log_y) {
    expect(chart.y_min.value_or(1) > 0 && chart.y_max.value_or(1) > 0,
           "[line_chart] a log axis begins above 0; y_min and y_max must be positive");
  }
}

/// The pixels of one chart's plot area, and its axes.
struct Plot {
  Axis x, y;
  double left, top, right, bottom;
};

void draw_axes(Svg& svg, const LineChart& chart, const Plot& plot) {
  const double height = plot.bottom - plot.top, width = plot.right - plot.left;
  const std::vector<double> y_ticks = plot.y.ticks(std::max(2, int(height / 50)));
  for (const double v : y_ticks) {
    const double y = plot.y.pixel(v);
    svg.line(plot.left, y, plot.right, y, {.opacity = 0.13});
    svg.text(plot.left - 8, y + 4, plot.y.label(v, y_ticks),
             {.size = kTickSize, .anchor = Svg::Anchor::kEnd, .opacity = 0.8});
  }
  const std::vector<double> x_ticks = plot.x.ticks(std::max(2, int(width / 80)));
  for (const double v : x_ticks) {
    const double x = plot.x.pixel(v);
    svg.line(x, plot.bottom, x, plot.bottom + 4, {.opacity = 0.5});
    svg.text(x, plot.bottom + 18, plot.x.label(v, x_ticks),
             {.size = kTickSize, .anchor = Svg::Anchor::kMiddle, .opacity = 0.8});
  }
  svg.line(plot.left, plot.bottom, plot.right, plot.bottom, {.opacity = 0.5});
  svg.text((plot.left + plot.right) / 2, plot.bottom + 38, chart.x_label,
           {.size = kLabelSize, .anchor = Svg::Anchor::kMiddle});
  svg.text(14, (plot.top + plot.bottom) / 2, chart.y_label,
           {.size = kLabelSize, .anchor = Svg::Anchor::kMiddle, .rotate = -90});
}

/// The index ranges [first, last) of a series that can be drawn without a break.
std::vector<std::pair<size_t, size_t>> unbroken_runs(const Series& s, const Plot& plot) {
  std::vector<std::pair<size_t, size_t>> runs;
  bool inside = false;
  for (size_t i = 0; i < s.x.size(); ++i) {
    const bool shown = plot.x.shows(s.x[i]) && plot.y.shows(s.y[i]);
    if (shown && !inside) runs.emplace_back(i, i);
    if (shown) runs.back().second = i + 1;
    inside = shown;
  }
  return runs;
}

/// Intervals as a band between the low and the high line, or as a bar at each marked point.
void draw_interval(Svg& svg, const Series& s, const Plot& plot, size_t first, size_t last,
                   const std::string& color) {
  Svg::Points band;
  for (size_t i = first; i < last; ++i) {
    band.emplace_back(plot.x.pixel(s.x[i]), plot.y.clamped_pixel(s.low[i]));
  }
  for (size_t i = last; i-- > first;) {
    band.emplace_back(plot.x.pixel(s.x[i]), plot.y.clamped_pixel(s.high[i]));
  }
  if (!s.points) return svg.polygon(band, color, 0.18);
  for (size_t i = 0; i < band.size() / 2; ++i) {
    const auto [x, low] = band[i];
    const double high = band[band.size() - 1 - i].second;
    svg.line(x, low, x, high, {.color = color, .width = 1.5, .opacity = 0.7});
    for (const double end : {low, high}) {
      svg.line(x - 3, end, x + 3, end, {.color = color, .width = 1.5, .opacity = 0.7});
    }
  }
}

void draw_series(Svg& svg, const Series& s, const Plot& plot, const std::string& color) {
  for (const auto& [first, last] : unbroken_runs(s, plot)) {
    if (!s.low.empty()) draw_interval(svg, s, plot, first, last, color);
    Svg::Points line;
    for (size_t i = first; i < last; ++i) {
      line.emplace_back(plot.x.pixel(s.x[i]), plot.y.pixel(s.y[i]));
    }
    if (line.size() > 1) {
      svg.polyline(line, {.color = color, .width = 2, .dashed = s.dashed});
    }
    if (s.points || line.size() == 1) {
      for (const auto& [x, y] : line) svg.circle(x, y, 3.2, color);
    }
  }
}

}  // namespace

std::vector<double> nice_ticks(double low, double high, int count) {
  std::vector<double> ticks;
  if (!(low < high) || !std::isfinite(high - low)) return ticks;
  const double step = nice_step(high - low, count);
  // Multiples of the step, not sums, so that the ticks carry no rounding drift.
  const double slack = 1e-9;
  for (double i = std::ceil(low / step - slack); i <= high / step + slack; ++i) {
    ticks.push_back(i == 0 ? 0 : i * step);
  }
  return ticks;
}

std::vector<double> log_ticks(double low, double high) {
  expect(0 < low && low <= high && std::isfinite(high),
         "[log_ticks] 0 < low <= high expected, found ", low, " and ", high);
  const double decades = std::log10(high) - std::log10(low);
  const int stride = 1 + int(decades / 10);
  std::vector<double> ticks;
  for (int e = int(std::floor(std::log10(low))); e <= int(std::floor(std::log10(high))); ++e) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double v = factor * std::pow(10, e);
      const bool wanted = factor == 1 ? e % stride == 0 : decades < 3;
      if (wanted && v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9)) ticks.push_back(v);
    }
  }
  return ticks;
}

std::string draw(const LineChart& chart) {
  check(chart);
  std::vector<Legend::Entry> entries;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    entries.push_back({chart.series[i].name, series_color(i), chart.series[i].dashed});
  }

  Plot plot{x_axis(chart), y_axis(chart), 0, 0, chart.width - 16, chart.height - 28};
  if (!chart.x_label.empty()) plot.bottom -= 18;
  double widest = 0;
  const std::vector<double> y_ticks = plot.y.ticks(6);
  for (const double v : y_ticks) {
    widest = std::max(widest, text_width(plot.y.label(v, y_ticks), kTickSize));
  }
  plot.left = widest + 16 + (chart.y_label.empty() ? 0 : 18);
  const Legend legend(entries, plot.right - plot.left);
  const double title_height = chart.title.empty() ? 8 : kTitleHeight;
  plot.top = title_height + legend.height() + 6;
  plot.x.onto(plot.left, plot.right);
  plot.y.onto(plot.bottom, plot.top);

  Svg svg(chart.width, chart.height, chart.title);
  svg.text(plot.left, 18, chart.title, {.size = kTitleSize, .bold = true});
  legend.draw(svg, plot.left, title_height);
  draw_axes(svg, chart, plot);
  const double air = 4;  // strokes and dots on the edge stay whole
  svg.open_clip(plot.left - air, plot.top - air, plot.right - plot.left + 2 * air,
                plot.bottom - plot.top + 2 * air);
  bool anything = false;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    draw_series(svg, chart.series[i], plot, series_color(i));
    anything = anything || !unbroken_runs(chart.series[i], plot).empty();
  }
  svg.close_clip();
  if (!anything) {
    svg.text((plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2, "no points to draw",
             {.size = kLabelSize, .anchor = Svg::Anchor::kMiddle, .opacity = 0.7});
  }
  return svg.str();
}

}  // namespace talweg::io
