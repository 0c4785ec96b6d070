// A matrix as a heat map with labels, paths over it and a bar that says what the colours mean.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/io/colormap.h"
#include "core/io/svg.h"
#include "core/io/svg_layout.h"

namespace talweg::io {
namespace {

constexpr double kBarWidth = 12, kBarGap = 16, kBarLabels = 60;

void check(const MatrixPanel& panel) {
  const size_t rows = size_t(panel.rows), cols = size_t(panel.cols);
  expect(panel.rows > 0 && panel.cols > 0 && panel.values.size() == rows * cols, "[matrix_panel] ",
         panel.rows, " x ", panel.cols, " cells expected, found ", panel.values.size(), " values");
  expect(panel.row_labels.empty() || panel.row_labels.size() == rows, "[matrix_panel] ",
         panel.row_labels.size(), " row labels must be none or ", rows);
  expect(panel.col_labels.empty() || panel.col_labels.size() == cols, "[matrix_panel] ",
         panel.col_labels.size(), " column labels must be none or ", cols);
  for (const PathOverlay& path : panel.paths) {
    for (const auto& [row, col] : path.cells) {
      expect(0 <= row && row < panel.rows && 0 <= col && col < panel.cols, "[matrix_panel] path ",
             path.name, " leaves the ", rows, " x ", cols, " matrix at (", row, ", ", col, ")");
    }
  }
}

/// Where the cells lie, in pixels.
struct Grid {
  double left, top, cell_width, cell_height;
  int rows, cols;

  double right() const { return left + cell_width * cols; }
  double bottom() const { return top + cell_height * rows; }
  double center_x(int col) const { return left + cell_width * (col + 0.5); }
  double center_y(int row) const { return top + cell_height * (row + 0.5); }
};

double widest_label(const std::vector<std::string>& labels) {
  double widest = 0;
  for (const std::string& label : labels) widest = std::max(widest, text_width(label, kTickSize));
  return widest;
}

/// Only every n-th label is written, so that neighbours do not touch.
int label_stride(double needed, double cell) { return std::max(1, int(std::ceil(needed / cell))); }

void draw_labels(Svg& svg, const MatrixPanel& panel, const Grid& grid) {
  const int row_stride = label_stride(kTickSize + 1, grid.cell_height);
  for (int r = 0; r < int(panel.row_labels.size()); r += row_stride) {
    svg.text(grid.left - 6, grid.center_y(r) + 4, panel.row_labels[size_t(r)],
             {.size = kTickSize, .anchor = Svg::Anchor::kEnd, .mono = true});
  }
  const int col_stride = label_stride(widest_label(panel.col_labels) + 6, grid.cell_width);
  for (int c = 0; c < int(panel.col_labels.size()); c += col_stride) {
    svg.text(grid.center_x(c), grid.bottom() + 14, panel.col_labels[size_t(c)],
             {.size = kTickSize, .anchor = Svg::Anchor::kMiddle, .mono = true});
  }
  const double below = panel.col_labels.empty() ? 16 : 32;
  svg.text((grid.left + grid.right()) / 2, grid.bottom() + below, panel.x_label,
           {.size = kLabelSize, .anchor = Svg::Anchor::kMiddle});
  svg.text(14, (grid.top + grid.bottom()) / 2, panel.y_label,
           {.size = kLabelSize, .anchor = Svg::Anchor::kMiddle, .rotate = -90});
}

void draw_values(Svg& svg, const MatrixPanel& panel, const Grid& grid, const Rgb8& colors) {
  const double size = std::clamp(std::min(grid.cell_height * 0.5, grid.cell_width * 0.32), 4., 13.);
  for (int r = 0; r < grid.rows; ++r) {
    for (int c = 0; c < grid.cols; ++c) {
      const Rgb behind = colors.at(c, r);
      const bool dark = 0.299 * behind.r + 0.587 * behind.g + 0.114 * behind.b < 128;
      const float v = panel.values[size_t(r) * size_t(grid.cols) + size_t(c)];
      svg.text(
          grid.center_x(c), grid.center_y(r) + size * 0.36, format_short(v, 3),
          {.size = size, .anchor = Svg::Anchor::kMiddle, .color = dark ? "#ffffff" : "#10151c"});
    }
  }
}

/// A dark casing under each path keeps it apart from any colour of the map.
void draw_path(Svg& svg, const PathOverlay& path, const Grid& grid) {
  Svg::Points line;
  for (const auto& [row, col] : path.cells)
    line.emplace_back(grid.center_x(col), grid.center_y(row));
  if (line.empty()) return;
  const double width = std::clamp(std::min(grid.cell_width, grid.cell_height) * 0.2, 1.5, 4.0);
  svg.polyline(line, {.color = "#10151c", .width = width + 2, .opacity = 0.6});
  svg.polyline(line, {.color = path.color, .width = width});
  svg.circle(line.front().first, line.front().second, width * 1.2, path.color);
  svg.circle(line.back().first, line.back().second, width * 1.2, path.color);
}

void draw_color_bar(Svg& svg, const Grid& grid, double low, double high) {
  constexpr int kSteps = 64;
  Rgb8 bar(1, kSteps);
  for (int i = 0; i < kSteps; ++i) bar.set(0, i, energy_color(1 - double(i) / (kSteps - 1)));
  const double x = grid.right() + kBarGap, height = grid.bottom() - grid.top;
  svg.image(x, grid.top, kBarWidth, height, encode_png(bar));
  const auto label = [&](double y, double value) {
    svg.text(x + kBarWidth + 5, y, format_short(value, 3), {.size = kTickSize, .opacity = 0.8});
  };
  label(grid.top + 9, high);
  if (height >= 60) label(grid.top + height / 2 + 4, (low + high) / 2);
  label(grid.bottom(), low);
}

}  // namespace

std::string draw(const MatrixPanel& panel) {
  check(panel);
  const HeatMap map = heat_map(panel.values, panel.rows, panel.cols, 1, panel.range);

  std::vector<Legend::Entry> entries;
  for (const PathOverlay& path : panel.paths) entries.push_back({path.name, path.color, false});
  Grid grid{.left = 10 + widest_label(panel.row_labels) * 1.1 + (panel.y_label.empty() ? 0 : 18),
            .top = 0,
            .cell_width = panel.cell_width,
            .cell_height = panel.cell_height,
            .rows = panel.rows,
            .cols = panel.cols};
  // Narrow matrices still need room for their title and their legend.
  const double content = std::max({grid.right() + kBarGap + kBarWidth + kBarLabels - grid.left,
                                   text_width(panel.title, kTitleSize) * 1.1, 220.0});
  const Legend legend(entries, content);
  const double title_height = panel.title.empty() ? 6 : kTitleHeight;
  grid.top = title_height + legend.height();
  const double below = (panel.col_labels.empty() ? 6 : 20) + (panel.x_label.empty() ? 0 : 18);

  Svg svg(grid.left + content, grid.bottom() + below, panel.title);
  svg.text(grid.left, 18, panel.title, {.size = kTitleSize, .bold = true});
  legend.draw(svg, grid.left, title_height);
  svg.image(grid.left, grid.top, grid.right() - grid.left, grid.bottom() - grid.top,
            encode_png(map.image));
  if (panel.print_values) draw_values(svg, panel, grid, map.image);
  for (const PathOverlay& path : panel.paths) draw_path(svg, path, grid);
  draw_labels(svg, panel, grid);
  draw_color_bar(svg, grid, map.low, map.high);
  return svg.str();
}

}  // namespace talweg::io
