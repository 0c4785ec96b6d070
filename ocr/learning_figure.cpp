#include "ocr/learning_figure.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "ocr/chart_canvas.h"

namespace talweg::ocr {
namespace {

constexpr int kWidth = 960, kHeight = 380, kGap = 16;

/// Do the values ask for a logarithmic axis?
bool spans_widely(const io::LineChart& chart) {
  constexpr double kWide = 20;
  double low = HUGE_VAL, high = 0;
  for (const io::Series& s : chart.series) {
    for (const double v : s.y) {
      if (std::isnan(v)) continue;
      low = std::min(low, v), high = std::max(high, v);
    }
  }
  return low > 0 && std::isfinite(high) && high > kWide * low;
}

io::LineChart chart_of(const char* title, const char* y_label, std::vector<io::Series> series) {
  io::LineChart chart{
      .title = title, .x_label = "step", .y_label = y_label, .series = std::move(series)};
  chart.log_y = spans_widely(chart);
  if (chart.log_y) chart.y_label += ", logarithmic";
  return chart;
}

io::Series series_of(const LearningRecord& record, const char* name,
                     double (*value)(const LearningPoint&)) {
  io::Series s{.name = name, .points = record.points().size() <= 60};
  for (const LearningPoint& p : record.points()) {
    s.x.push_back(double(p.step));
    s.y.push_back(value(p));
  }
  return s;
}

}  // namespace

std::vector<io::LineChart> learning_charts(const LearningRecord& record) {
  std::vector<io::LineChart> charts{
      chart_of("Loss in training", "mean since the measurement before",
               {series_of(record, "loss", [](const LearningPoint& p) { return p.loss; })})};
  const LearningPoint* best = record.best();
  if (best == nullptr) return charts;
  std::vector<io::Series> errors{
      series_of(record, "CER", [](const LearningPoint& p) { return 100 * p.cer; }),
      series_of(record, "words not exact",
                [](const LearningPoint& p) { return 100 * (1 - p.exact); })};
  const LearningPoint* kept = record.kept();
  errors.push_back({.name = message("kept: step ", kept->step),
                    .x = {double(kept->step)},
                    .y = {100 * kept->cer},
                    .points = true});
  charts.push_back(
      chart_of("Errors on validation words", "% of characters, % of words", std::move(errors)));
  return charts;
}

std::string learning_figure(const LearningRecord& record, FigureFormat format) {
  const std::vector<io::LineChart> charts = learning_charts(record);
  const int height = int(charts.size()) * (kHeight + kGap);
  const auto canvas = format == FigureFormat::png ? png_canvas(kWidth, height)
                                                  : svg_canvas(kWidth, height, "Learning curve");
  for (std::size_t i = 0; i < charts.size(); ++i) {
    draw_chart(*canvas, charts[i], 0, int(i) * (kHeight + kGap), kWidth, kHeight);
  }
  return canvas->bytes();
}

}  // namespace talweg::ocr
