#include "ocr/word_figure.h"

#include <algorithm>

#include "core/io/colormap.h"
#include "core/io/svg.h"

namespace talweg::ocr {

std::vector<float> relative_energies(const EnergyMap& map, std::span<const int32_t> symbols) {
  std::vector<float> values(symbols.size() * std::size_t(map.windows));
  for (int i = 0; i < map.windows; ++i) {
    const auto energies = map.row(i);
    const float low = *std::ranges::min_element(energies);
    for (std::size_t r = 0; r < symbols.size(); ++r) {
      const float above = energies[std::size_t(symbols[r])] - low;
      values[r * std::size_t(map.windows) + std::size_t(i)] = std::min(above, kEnergyReach);
    }
  }
  return values;
}

io::Gray8 shrunk(const io::Gray8& image, int most_rows) {
  const int factor = (image.height + most_rows - 1) / std::max(1, most_rows);
  if (factor <= 1) return image;
  io::Gray8 small((image.width + factor - 1) / factor, (image.height + factor - 1) / factor);
  for (int y = 0; y < small.height; ++y) {
    for (int x = 0; x < small.width; ++x) {
      int sum = 0, count = 0;
      for (int v = y * factor; v < std::min((y + 1) * factor, image.height); ++v) {
        for (int u = x * factor; u < std::min((x + 1) * factor, image.width); ++u, ++count) {
          sum += image.at(u, v);
        }
      }
      small.at(x, y) = uint8_t(sum / count);
    }
  }
  return small;
}

std::string word_figure(const WordView& view, std::span<const DrawnPath> paths,
                        const std::string& description) {
  constexpr double kLeft = 30, kRow = 13, kGap = 6, kWidest = 960, kHighest = 96;
  constexpr int kMostRows = 64, kMostPixelRows = 160;
  std::vector<std::string> texts;
  for (const DrawnPath& p : paths) texts.push_back(p.spelling->text);
  const auto rows = view.telling_symbols(texts, kMostRows);
  const EnergyMap& map = view.map();
  const double cell = std::clamp(kWidest / std::max(1, map.windows), 2.0, 10.0);
  const double width = cell * map.windows, scale = cell / map.window_width;
  const double strip = std::min(view.image().height * scale, kHighest), top = strip + kGap;
  io::Svg svg(kLeft + width + 4, top + double(rows.size()) * kRow + 2, description);
  svg.open_clip(kLeft, 0, width, strip);
  svg.image(kLeft, 0, view.image().width * scale, strip,
            io::encode_png(shrunk(view.image(), kMostPixelRows)));
  svg.close_clip();
  const auto heat = io::heat_map(relative_energies(map, rows), int(rows.size()), map.windows, 1,
                                 std::pair(0.0, double(kEnergyReach)));
  svg.image(kLeft, top, width, double(rows.size()) * kRow, io::encode_png(heat.image));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    svg.text(kLeft - 5, top + (double(r) + 0.8) * kRow, view.row_name(rows[r]),
             {.size = 11, .anchor = io::Svg::Anchor::kEnd, .mono = true});
  }
  for (std::size_t p = 0; p < paths.size(); ++p) {
    io::Svg::Points points;
    for (std::size_t i = 0; i < paths[p].spelling->symbols.size(); ++i) {
      const auto row = std::ranges::find(rows, paths[p].spelling->symbols[i]) - rows.begin();
      // Side by side, so that the later of two equal paths doesn't hide the first.
      const double y = top + (double(row) + 0.5) * kRow + 2.5 * double(p);
      points.emplace_back(kLeft + (double(i) + 0.5) * cell, y);
    }
    svg.polyline(points, {.color = paths[p].color, .width = 2});
  }
  return svg.str();
}

}  // namespace talweg::ocr
