#include "ocr/chart_canvas.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/io/text.h"

namespace talweg::ocr {
namespace {

constexpr int kTitle = 20, kTick = 16, kLeft = 84, kRight = 24, kTop = 66, kBottom = 56;
constexpr io::Rgb kGrid{225, 228, 232}, kAxis{120, 125, 132};
constexpr io::Rgb kLines[] = {{42, 120, 214}, {230, 110, 20}, {42, 164, 127}, {214, 60, 130}};

io::Rgb line_color(std::size_t series) { return kLines[series % std::size(kLines)]; }

/// One direction: values onto pixels.
class Scale {
 public:
  Scale(const io::LineChart& chart, bool of_y, int first, int last)
      : log_(of_y && chart.log_y), first_(first), last_(last) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const io::Series& s : chart.series) {
      for (const double v : of_y ? s.y : s.x) {
        if (shows(v)) low = std::min(low, v), high = std::max(high, v);
      }
    }
    if (low > high) low = 1, high = 2;
    if (of_y && log_) low /= 1.15, high *= 1.15;
    if (of_y && !log_) {
      const bool near_zero = low >= 0 && low < 0.4 * high;
      const double air = 0.05 * (high - low);
      low = near_zero ? 0 : low - air;
      high += air;
    }
    if (low == high) low -= 0.5, high += 0.5;
    low_ = low, high_ = high;
  }

  bool shows(double v) const { return std::isfinite(v) && (!log_ || v > 0); }
  int pixel(double v) const {
    const auto scaled = [this](double value) { return log_ ? std::log10(value) : value; };
    const double part = (scaled(v) - scaled(low_)) / (scaled(high_) - scaled(low_));
    return int(std::lround(first_ + (last_ - first_) * part));
  }
  std::vector<double> ticks(int count) const {
    return log_ ? io::log_ticks(low_, high_) : io::nice_ticks(low_, high_, count);
  }

 private:
  bool log_;
  int first_, last_;
  double low_ = 0, high_ = 1;
};

void draw_axes(Canvas& canvas, const io::LineChart& chart, const Scale& across, const Scale& up,
               int left, int top, int right, int bottom) {
  for (const double v : up.ticks((bottom - top) / 50)) {
    const int y = up.pixel(v);
    canvas.line(left, y, right, y, kGrid, 1);
    canvas.text(left - 8, y + kTick / 3, io::format_short(v), kTick, Canvas::Anchor::kEnd);
  }
  for (const double v : across.ticks((right - left) / 110)) {
    const int x = across.pixel(v);
    canvas.line(x, bottom, x, bottom + 5, kAxis, 1);
    canvas.text(x, bottom + 8 + kTick, io::format_number(v, 2), kTick, Canvas::Anchor::kMiddle);
  }
  canvas.line(left, bottom, right, bottom, kAxis, 1);
  canvas.line(left, top, left, bottom, kAxis, 1);
  canvas.text((left + right) / 2, bottom + 12 + 2 * kTick + 4, chart.x_label, kTick,
              Canvas::Anchor::kMiddle);
}

void draw_series(Canvas& canvas, const io::Series& s, const Scale& across, const Scale& up,
                 io::Rgb color) {
  constexpr int kPen = 2;
  const int point = s.x.size() == 1 ? 13 : 7;  // a point alone stands out
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    if (!across.shows(s.x[i]) || !up.shows(s.y[i])) continue;
    const int x = across.pixel(s.x[i]), y = up.pixel(s.y[i]);
    if (s.points) canvas.rect(x - point / 2, y - point / 2, point, point, color);
    if (i + 1 == s.x.size() || !across.shows(s.x[i + 1]) || !up.shows(s.y[i + 1])) continue;
    canvas.line(x, y, across.pixel(s.x[i + 1]), up.pixel(s.y[i + 1]), color, kPen);
  }
}

}  // namespace

void draw_chart(Canvas& canvas, const io::LineChart& chart, int x, int y, int width, int height) {
  const int left = x + kLeft, right = x + width - kRight, top = y + kTop,
            bottom = y + height - kBottom;
  const Scale across(chart, false, left, right), up(chart, true, bottom, top);
  canvas.text(x + 16, y + 26, chart.title, kTitle, Canvas::Anchor::kStart);
  canvas.text(x + 16, y + 26 + kTick + 10, chart.y_label, kTick, Canvas::Anchor::kStart);
  draw_axes(canvas, chart, across, up, left, top, right, bottom);
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    draw_series(canvas, chart.series[i], across, up, line_color(i));
  }
  int legend = chart.series.size() > 1 ? right : left;  // from the right; one line alone needs none
  for (std::size_t i = chart.series.size(); i-- > 0 && legend > left;) {
    constexpr int kLetter = 10, kKey = 14;  // about the width of a letter; the coloured square
    const std::string& name = chart.series[i].name;
    legend -= int(name.size()) * kLetter;
    canvas.text(legend, y + 26, name, kTick, Canvas::Anchor::kStart);
    legend -= kKey + 6;
    canvas.rect(legend, y + 26 - kKey + 2, kKey, kKey, line_color(i));
    legend -= 18;
  }
}

}  // namespace talweg::ocr
