#include "ocr/align_figure.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/io/colormap.h"
#include "ocr/font.h"
#include "ocr/text.h"

namespace talweg::ocr {

namespace {

constexpr int kCell = 14, kMargin = 20, kGap = 10, kBar = 5;
constexpr io::Rgb kPaper{255, 255, 255}, kInk{30, 34, 40}, kPath{255, 95, 162};
constexpr io::Rgb kBars[] = {{42, 120, 214}, {230, 110, 20}};

/// Writes names of symbols, if there is a font to write with.
class Labels {
 public:
  Labels() {
    try {
      font_ = Font::load(find_font());
    } catch (const IoError&) {
      // A figure without names is still a figure.
    }
  }

  /// Centres the first character of `name` in a cell of the margin whose top is at row `y`.
  void write(io::Rgb8& canvas, const std::string& name, int y, int height) const {
    const std::u32string letters = decode_utf8(name);
    if (!font_ || letters.empty() || !font_->has(letters[0])) return;
    const Glyph glyph = font_->rasterise(letters[0], std::min(height, 14));
    const int left = (kMargin - glyph.width) / 2, baseline = y + height * 3 / 4;
    for (int r = 0; r < glyph.height; ++r) {
      for (int c = 0; c < glyph.width; ++c) {
        const uint8_t covered = glyph.coverage[std::size_t(r) * std::size_t(glyph.width) + c];
        if (covered >= 96) canvas.set(left + c, baseline - glyph.top + r, kInk);
      }
    }
  }

 private:
  std::optional<Font> font_;
};

/// The source image stretched so that one window is kCell pixels wide.
void draw_image(io::Rgb8& canvas, const AlignedWord& word, int top, int height) {
  const double scale = kCell / word.map.window_width;
  for (int y = 0; y < height; ++y) {
    const int source_y = std::min(word.image.height - 1, int(y / scale));
    for (int x = 0; x < word.map.windows * kCell; ++x) {
      const int source_x = std::min(word.image.width - 1, int(x / scale));
      const uint8_t v = word.image.at(source_x, source_y);
      canvas.set(kMargin + x, top + y, {v, v, v});
    }
  }
}

/// Transposes l[L, columns...] by `value(i, row)` into a heat map of rows x windows.
template <class Value> io::Rgb8 matrix(int rows, int windows, const Value& value) {
  std::vector<float> values;
  for (int row = 0; row < rows; ++row) {
    for (int i = 0; i < windows; ++i) values.push_back(value(i, row));
  }
  return io::heat_map(values, rows, windows, kCell).image;
}

}  // namespace

AlignedWord align_word(const Recognizer& recognizer, const io::Gray8& image,
                       const std::string& text) {
  const Alphabet& alphabet = recognizer.alphabet();
  AlignedWord word{text, image, recognizer.energies(image), {}, {}, {}, {}, 0};
  word.label = ebm::expand(alphabet.encode(text), alphabet.between(), recognizer.topology());
  for (int32_t symbol : word.label) word.names.push_back(alphabet.symbol_name(symbol));
  const int64_t windows = word.map.windows, length = int64_t(word.label.size());
  word.best = ebm::viterbi(word.map.values.data(), windows, word.map.symbols, word.label,
                           ebm::path_rule(recognizer.topology()));
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

io::Rgb8 align_figure(const AlignedWord& word, const Alphabet& alphabet) {
  const int windows = word.map.windows, symbols = word.map.symbols, places = int(word.label.size());
  const int strip = int(std::lround(word.image.height * kCell / word.map.window_width));
  const int bars = kGap + strip, energies = bars + kBar + kGap,
            paths = energies + symbols * kCell + kGap;
  io::Rgb8 canvas(kMargin + windows * kCell + kGap, paths + places * kCell + kGap, kPaper);
  const Labels labels;

  draw_image(canvas, word, kGap, strip);
  for (int i = 0; i < windows; ++i) {
    const int32_t j = word.best.path[std::size_t(i)];
    if (j % 2 == 0) canvas.fill_rect(kMargin + i * kCell, bars, kCell, kBar, kBars[j / 2 % 2]);
  }
  canvas.blit(
      matrix(symbols, windows, [&](int i, int a) { return word.map.row(i)[std::size_t(a)]; }),
      kMargin, energies);
  for (int a = 0; a < symbols; ++a) {
    labels.write(canvas, alphabet.symbol_name(a), energies + a * kCell, kCell);
  }
  const auto place = [&](int i, int j) {
    return word.map.row(i)[std::size_t(word.label[std::size_t(j)])];
  };
  canvas.blit(matrix(places, windows, place), kMargin, paths);
  for (int j = 0; j < places; ++j) {
    labels.write(canvas, word.names[std::size_t(j)], paths + j * kCell, kCell);
  }
  const auto centre = [&](int i) {
    return std::pair(kMargin + i * kCell + kCell / 2,
                     paths + word.best.path[std::size_t(i)] * kCell + kCell / 2);
  };
  for (int i = 0; i + 1 < windows; ++i) {
    const auto [x0, y0] = centre(i);
    const auto [x1, y1] = centre(i + 1);
    canvas.line(x0, y0, x1, y1, kPath, 3);
  }
  return canvas;
}

}  // namespace talweg::ocr
