#include "ocr/demo_figures.h"

#include <algorithm>
#include <limits>

#include "core/io/colormap.h"
#include "core/io/svg.h"

namespace talweg::ocr {

namespace {

/// Path cells as a MatrixPanel wants them: (label position, window).
std::vector<std::pair<int, int>> cells_of(const std::vector<int32_t>& path) {
  std::vector<std::pair<int, int>> cells;
  for (std::size_t i = 0; i < path.size(); ++i) cells.emplace_back(path[i], int(i));
  return cells;
}

/// Every tenth window's number; the others stay blank.
std::vector<std::string> window_labels(int windows) {
  std::vector<std::string> labels(static_cast<std::size_t>(windows));
  for (int i = 0; i < windows; i += 5) labels[std::size_t(i)] = std::to_string(i);
  return labels;
}

io::MatrixPanel label_panel(const AlignedWord& word, const std::string& title) {
  io::MatrixPanel panel;
  panel.title = title;
  panel.x_label = "window";
  panel.y_label = "label";
  panel.rows = int(word.label.size());
  panel.cols = word.map.windows;
  panel.row_labels = word.names;
  panel.col_labels = window_labels(panel.cols);
  panel.cell_width = std::min(26.0, 820.0 / panel.cols);
  panel.cell_height = 22;
  panel.values.resize(std::size_t(panel.rows) * std::size_t(panel.cols));
  return panel;
}

std::string energy_text(double energy) { return io::format_number(energy, 1); }

std::vector<double> running_mean(const std::vector<double>& values, std::size_t first,
                                 std::size_t last) {
  constexpr std::size_t kWindow = 15;
  std::vector<double> means;
  for (std::size_t i = first; i < last; ++i) {
    const std::size_t from = std::max(first, i < kWindow ? 0 : i - kWindow + 1);
    double sum = 0;
    for (std::size_t k = from; k <= i; ++k) sum += values[k];
    means.push_back(sum / double(i - from + 1));
  }
  return means;
}

}  // namespace

io::Gray8 sample_sheet(const ClassicTask& task, const std::vector<std::string>& words,
                       uint64_t seed) {
  constexpr int kGap = 6;
  constexpr uint8_t kPaper = 96;
  std::vector<std::vector<io::Gray8>> rows(kVariants.size());
  int width = kGap;
  for (const std::string& word : words) {
    for (std::size_t v = 0; v < kVariants.size(); ++v) {
      Rng rng = Rng(seed).split(v).split(rows[v].size());
      rows[v].push_back(task.render(word, kVariants[v], rng));
    }
    width += rows[0].back().width + kGap;
  }
  const int height = task.geometry().height;
  io::Gray8 sheet(width, int(rows.size()) * (height + kGap) + kGap, kPaper);
  for (std::size_t v = 0; v < rows.size(); ++v) {
    int x = kGap;
    for (const io::Gray8& image : rows[v]) {
      for (int r = 0; r < image.height; ++r) {
        for (int c = 0; c < image.width; ++c) {
          sheet.at(x + c, kGap + int(v) * (height + kGap) + r) = image.at(c, r);
        }
      }
      x += image.width + kGap;
    }
  }
  return sheet;
}

std::string energy_strip(const io::Gray8& image, const EnergyMap& map, const Alphabet& alphabet,
                         const std::string& title) {
  constexpr double kLeft = 26, kTop = 26, kCell = 11, kGap = 8;
  const double scale = kCell / map.window_width;
  const double strip_height = image.height * scale, width = map.windows * kCell;
  const double y0 = kTop + strip_height + kGap;
  std::vector<float> by_symbol(map.values.size());
  for (int i = 0; i < map.windows; ++i) {
    for (int a = 0; a < map.symbols; ++a) {
      by_symbol[std::size_t(a) * std::size_t(map.windows) + std::size_t(i)] = map.row(i)[a];
    }
  }
  io::Svg svg(kLeft + width + 4, y0 + map.symbols * kCell + 6, title);
  svg.text(kLeft, 16, title, {.size = 13, .bold = true});
  svg.open_clip(kLeft, kTop, width, strip_height);
  svg.image(kLeft, kTop, image.width * scale, strip_height, io::encode_png(image));
  svg.close_clip();
  const io::HeatMap heat = io::heat_map(by_symbol, map.symbols, map.windows);
  svg.image(kLeft, y0, width, map.symbols * kCell, io::encode_png(heat.image));
  for (int a = 0; a < map.symbols; ++a) {
    svg.text(kLeft - 8, y0 + (a + 0.8) * kCell, alphabet.symbol_name(a),
             {.size = 10, .anchor = io::Svg::Anchor::kMiddle, .mono = true});
  }
  for (int i = 0; i < map.windows; ++i) {
    const auto row = map.row(i);
    const auto low = std::min_element(row.begin(), row.end()) - row.begin();
    svg.circle(kLeft + (i + 0.5) * kCell, y0 + (double(low) + 0.5) * kCell, 2, "#ff5fa2");
  }
  return svg.str();
}

std::string path_matrix(const AlignedWord& word) {
  io::MatrixPanel panel = label_panel(word, "Energy of label position j at window i");
  for (int j = 0; j < panel.rows; ++j) {
    for (int i = 0; i < panel.cols; ++i) {
      panel.values[std::size_t(j * panel.cols) + std::size_t(i)] =
          word.map.row(i)[std::size_t(word.label[std::size_t(j)])];
    }
  }
  panel.paths = {
      {"bad path, E = " + energy_text(word.bad_energy), cells_of(word.bad_path), "#35c2a0"},
      {"best path, F = " + energy_text(word.best.energy), cells_of(word.best.path), "#ff5fa2"}};
  return io::draw(panel);
}

std::string dp_figure(const AlignedWord& word) {
  io::MatrixPanel panel = label_panel(word, "D(i, j): least energy of a path that ends there");
  const std::vector<double> d =
      ebm::dp_matrix(word.map.values.data(), word.map.windows, word.map.symbols, word.label,
                     {std::numeric_limits<double>::infinity(), word.rule});
  for (int i = 0; i < panel.cols; ++i) {
    for (int j = 0; j < panel.rows; ++j) {
      panel.values[std::size_t(j * panel.cols) + std::size_t(i)] =
          float(d[std::size_t(i * panel.rows) + std::size_t(j)]);
    }
  }
  panel.paths = {{"best path, read from the end", cells_of(word.best.path), "#ff5fa2"}};
  return io::draw(panel);
}

std::string loss_chart(const DemoRun& run) {
  io::LineChart chart;
  chart.title = "Loss";
  chart.x_label = "step";
  chart.y_label = "nats a window";
  chart.log_y = true;
  const std::size_t split =
      std::min(run.losses.size(), std::size_t(run.options.plan.character_steps));
  for (const auto& [name, first, last] :
       {std::tuple{"stage 1: single characters", std::size_t(0), split},
        std::tuple{"stage 2: words, along the best path", split, run.losses.size()}}) {
    io::Series series;
    series.name = name;
    series.y = running_mean(run.losses, first, last);
    for (std::size_t i = first; i < last; ++i) series.x.push_back(double(i + 1));
    chart.series.push_back(std::move(series));
  }
  return io::draw(chart);
}

std::string error_chart(const DemoRun& run) {
  io::LineChart chart;
  chart.title = "Errors on fresh words";
  chart.x_label = "step";
  chart.y_label = "CER, %";
  chart.y_min = 0;
  for (std::size_t v = 0; v < kVariants.size(); ++v) {
    io::Series series;
    series.name = std::string(variant_name(kVariants[v]));
    series.points = true;
    for (const CurvePoint& p : run.curve) {
      series.x.push_back(double(p.step));
      series.y.push_back(100 * p.cer[v]);
    }
    chart.series.push_back(std::move(series));
  }
  return io::draw(chart);
}

std::string length_chart(const DemoRun& run) {
  io::LineChart chart;
  chart.title = "Words read without an error, by length";
  chart.x_label = "letters (training: 1 to 8)";
  chart.y_label = "exact words, %";
  chart.y_max = 100;
  for (std::size_t v = 0; v < kVariants.size(); ++v) {
    io::Series series;
    series.name = std::string(variant_name(kVariants[v]));
    for (const auto& [length, score] : run.lengths[v].by_length) {
      series.x.push_back(length);
      series.y.push_back(100 * score.exact_rate());
      series.low.push_back(100 * score.exact_interval.low);
      series.high.push_back(100 * score.exact_interval.high);
    }
    chart.series.push_back(std::move(series));
  }
  return io::draw(chart);
}

}  // namespace talweg::ocr
