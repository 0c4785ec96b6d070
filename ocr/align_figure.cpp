#include "ocr/align_figure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "core/io/colormap.h"
#include "core/io/text.h"
#include "ocr/canvas.h"

namespace talweg::ocr {

namespace {

constexpr int kCell = 14, kMargin = 26, kGap = 14, kBar = 6, kTitle = 20, kText = 14, kSmall = 13;
constexpr io::Rgb kPath{255, 95, 162};
constexpr io::Rgb kBars[] = {{42, 120, 214}, {230, 110, 20}};

std::string number(double value) { return std::isinf(value) ? "\u221e" : io::format_short(value); }

/// v[windows, rows] as a heat map has it: [rows, windows].
template <class Value> std::vector<float> by_rows(int rows, int windows, const Value& value) {
  std::vector<float> values;
  values.reserve(std::size_t(rows) * std::size_t(windows));
  for (int row = 0; row < rows; ++row) {
    for (int i = 0; i < windows; ++i) values.push_back(float(value(i, row)));
  }
  return values;
}

/// Draws the parts, each at a place of its own.
class Figure {
 public:
  Figure(const AlignedWord& word, const Alphabet& alphabet, std::size_t temperatures,
         FigureFormat format)
      : word_(word),
        alphabet_(alphabet),
        windows_(word.map.windows),
        places_(int(word.label.size())),
        strip_(int(std::lround(word.image.height * kCell / word.map.window_width))),
        column_(kMargin + windows_ * kCell + 2 * kGap),
        below_image_(kGap + kTitle + strip_ + kBar + kGap) {
    const int energies = below_image_ + kTitle + word.map.symbols * kCell;
    const int paths = below_image_ + 2 * kTitle + 2 * places_ * kCell + kGap;
    const int width = column_ * int(1 + temperatures), height = std::max(energies, paths) + kGap;
    canvas_ = format == FigureFormat::png
                  ? png_canvas(width, height)
                  : svg_canvas(width, height, "'" + word.text + "' aligned with its image");
  }

  void draw_energies() {
    draw_image(kMargin, word_.text + ",  F = " + number(word_.best.energy));
    title(kMargin, below_image_, "energy of each symbol; dots: the best path");
    const int top = below_image_ + kTitle;
    const auto values = by_rows(word_.map.symbols, windows_,
                                [&](int i, int a) { return word_.map.row(i)[std::size_t(a)]; });
    canvas_->heat(kMargin, top, kCell, word_.map.symbols, windows_, values,
                  io::finite_range(values));
    for (int a = 0; a < word_.map.symbols; ++a) name(0, top, a, alphabet_.symbol_name(a));
    for (int i = 0; i < windows_; ++i) {
      const int32_t symbol = word_.label[std::size_t(word_.best.path[std::size_t(i)])];
      canvas_->rect(kMargin + i * kCell + kCell / 2 - 2, top + symbol * kCell + kCell / 2 - 2, 5, 5,
                    kPath);
    }
  }

  void draw_paths(const PathsAt& at, int column) {
    const int left = column * column_;
    const auto cell = [&](const std::vector<double>& values) {
      return by_rows(places_, windows_, [&](int i, int j) {
        return values[std::size_t(i) * std::size_t(places_) + std::size_t(j)];
      });
    };
    draw_image(left + kMargin, "\u03b2 = " + number(at.beta) + ",  F = " + number(at.energy));
    const auto matrix = cell(at.matrix);
    int top = below_image_;
    title(left + kMargin, top, "D: free energy of the paths up to here");
    top += kTitle;
    canvas_->heat(left + kMargin, top, kCell, places_, windows_, matrix, io::finite_range(matrix));
    names(left, top);
    draw_best(left, top);
    top += places_ * kCell + kGap;
    title(left + kMargin, top, "posterior: dark is probable");
    top += kTitle;
    // Dark is 1, as dark is the valley elsewhere.
    auto posterior = cell(at.posterior);
    for (float& p : posterior) p = 1 - p;
    canvas_->heat(left + kMargin, top, kCell, places_, windows_, posterior, {0, 1});
    names(left, top);
  }

  std::string bytes() const { return canvas_->bytes(); }

 private:
  void title(int x, int y, const std::string& text) {
    canvas_->text(x, y + kText, text, kText, Canvas::Anchor::kStart);
  }

  /// The source image stretched so that one window is a cell wide, a bar under each character.
  void draw_image(int x, const std::string& text) {
    title(x, kGap / 2, text);
    const int top = kGap + kTitle;
    canvas_->picture(x, top, windows_ * kCell, strip_, word_.image,
                     windows_ * word_.map.window_width);
    const auto spans = spans_of(word_);
    for (std::size_t k = 0; k < spans.size(); ++k) {
      canvas_->rect(x + spans[k].first * kCell, top + strip_,
                    (spans[k].last + 1 - spans[k].first) * kCell, kBar, kBars[k % 2]);
    }
  }

  void name(int left, int top, int row, const std::string& text) {
    canvas_->text(left + kMargin - 5, top + row * kCell + kCell - 3, text, kSmall,
                  Canvas::Anchor::kEnd);
  }

  void names(int left, int top) {
    for (int j = 0; j < places_; ++j) name(left, top, j, word_.names[std::size_t(j)]);
  }

  void draw_best(int left, int top) {
    const auto centre = [&](int i) {
      return std::pair(left + kMargin + i * kCell + kCell / 2,
                       top + word_.best.path[std::size_t(i)] * kCell + kCell / 2);
    };
    for (int i = 0; i + 1 < windows_; ++i) {
      const auto [x0, y0] = centre(i);
      const auto [x1, y1] = centre(i + 1);
      canvas_->line(x0, y0, x1, y1, kPath, 3);
    }
  }

  const AlignedWord& word_;
  const Alphabet& alphabet_;
  int windows_, places_, strip_, column_, below_image_;
  std::unique_ptr<Canvas> canvas_;
};

}  // namespace

AlignedWord align_word(const Recognizer& recognizer, const io::Gray8& image,
                       const std::string& text) {
  const Alphabet& alphabet = recognizer.alphabet();
  AlignedWord word;
  word.text = text;
  word.image = image;
  word.map = recognizer.energies(image);
  word.between = alphabet.between();
  word.label = ebm::expand(alphabet.encode(text), word.between, recognizer.topology());
  word.rule = ebm::path_rule(recognizer.topology());
  for (int32_t symbol : word.label) word.names.push_back(alphabet.symbol_name(symbol));
  const int64_t windows = word.map.windows, length = int64_t(word.label.size());
  word.best =
      ebm::viterbi(word.map.values.data(), windows, word.map.symbols, word.label, word.rule);
  expect(word.best.status == ebm::AlignStatus::ok, "'", text,
         "' can't be aligned with its image: ", ebm::to_string(word.best.status), "; ", length,
         " label positions, ", windows, " windows");
  for (int64_t i = 0; i < windows; ++i) {
    const int64_t j = std::max<int64_t>(0, length - windows + i);
    word.bad_path.push_back(int32_t(j));
    word.bad_energy += double(word.map.row(int(i))[std::size_t(word.label[std::size_t(j)])]);
  }
  return word;
}

std::vector<AlignedSpan> spans_of(const AlignedWord& word) {
  std::vector<AlignedSpan> spans;
  for (int i = 0; i < word.map.windows; ++i) {
    const int32_t j = word.best.path[std::size_t(i)];
    if (word.label[std::size_t(j)] == word.between) continue;
    const double x0 = i * word.map.window_width;
    if (spans.empty() || spans.back().position != j) spans.push_back({j, i, i, x0, x0});
    spans.back().last = i;
    spans.back().x1 = x0 + word.map.window_width;
  }
  return spans;
}

PathsAt paths_at(const AlignedWord& word, double beta) {
  const int64_t windows = word.map.windows;
  PathsAt at{beta, 0, {}, std::vector<double>(std::size_t(windows) * word.label.size())};
  ebm::AlignScratch scratch;
  std::vector<float> by_symbol(word.map.values.size());
  at.energy = ebm::free_energy_of(word.map.values.data(), windows, word.map.symbols, word.label,
                                  beta, word.rule, scratch, by_symbol.data(), at.posterior.data())
                  .energy;
  at.matrix = ebm::dp_matrix(word.map.values.data(), windows, word.map.symbols, word.label,
                             {beta, word.rule});
  return at;
}

std::string align_figure(const AlignedWord& word, const Alphabet& alphabet,
                         std::span<const PathsAt> temperatures, FigureFormat format) {
  Figure figure(word, alphabet, temperatures.size(), format);
  figure.draw_energies();
  for (std::size_t k = 0; k < temperatures.size(); ++k) {
    figure.draw_paths(temperatures[k], int(k) + 1);
  }
  return figure.bytes();
}

}  // namespace talweg::ocr
