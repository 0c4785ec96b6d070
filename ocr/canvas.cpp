#include "ocr/canvas.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/io/colormap.h"
#include "core/io/svg.h"
#include "ocr/font.h"
#include "ocr/text.h"

namespace talweg::ocr {

namespace {

constexpr io::Rgb kPaper{255, 255, 255}, kInk{30, 34, 40};

/// The colour of `ink` covering `part` of `under`.
io::Rgb blend(io::Rgb under, io::Rgb ink, double part) {
  const auto mix = [part](uint8_t a, uint8_t b) {
    return uint8_t(std::lround(a + (double(b) - a) * part));
  };
  return {mix(under.r, ink.r), mix(under.g, ink.g), mix(under.b, ink.b)};
}

class PngCanvas : public Canvas {
 public:
  PngCanvas(int width, int height) : image_(width, height, kPaper) {
    try {
      font_ = Font::load(find_font());
    } catch (const IoError&) {
      // Without names, then.
    }
  }

  void rect(int x, int y, int w, int h, io::Rgb color) override {
    image_.fill_rect(x, y, w, h, color);
  }

  void line(int x0, int y0, int x1, int y1, io::Rgb color, int thickness) override {
    image_.line(x0, y0, x1, y1, color, thickness);
  }

  void text(int x, int y, std::string_view text, int size, Anchor anchor) override {
    if (!font_) return;
    std::vector<Glyph> glyphs;
    int width = 0;
    for (char32_t letter : decode_utf8(text)) {
      const char32_t shown = font_->has(letter) ? letter : U'?';
      if (!font_->has(shown)) continue;
      glyphs.push_back(font_->rasterise(shown, size));
      width += glyphs.back().advance / 64;
    }
    int pen = x - (anchor == Anchor::kStart ? 0 : anchor == Anchor::kMiddle ? width / 2 : width);
    for (const Glyph& g : glyphs) {
      draw(g, pen, y);
      pen += g.advance / 64;
    }
  }

  void picture(int x, int y, int w, int h, const io::Gray8& image, double source_w) override {
    for (int row = 0; row < h; ++row) {
      const int from_y = std::min(image.height - 1, row * image.height / h);
      for (int column = 0; column < w; ++column) {
        const int from_x = int((column + 0.5) * source_w / w);
        const uint8_t v = from_x < image.width ? image.at(from_x, from_y) : 255;
        image_.set(x + column, y + row, {v, v, v});
      }
    }
  }

  void heat(int x, int y, int cell, int rows, int cols, std::span<const float> values,
            std::pair<double, double> range) override {
    image_.blit(io::heat_map(values, rows, cols, cell, range).image, x, y);
  }

  std::string bytes() const override { return io::encode_png(image_); }

 private:
  void draw(const Glyph& g, int pen, int baseline) {
    for (int r = 0; r < g.height; ++r) {
      for (int c = 0; c < g.width; ++c) {
        const int x = pen + g.left + c, y = baseline - g.top + r;
        if (x < 0 || y < 0 || x >= image_.width || y >= image_.height) continue;
        const double covered = g.coverage[std::size_t(r) * std::size_t(g.width) + std::size_t(c)];
        image_.set(x, y, blend(image_.at(x, y), kInk, covered / 255));
      }
    }
  }

  io::Rgb8 image_;
  std::optional<Font> font_;
};

class SvgCanvas : public Canvas {
 public:
  SvgCanvas(int width, int height, const std::string& description)
      : svg_(width, height, description) {
    svg_.rect(0, 0, width, height, io::css_color(kPaper));
  }

  void rect(int x, int y, int w, int h, io::Rgb color) override {
    svg_.rect(x, y, w, h, io::css_color(color));
  }

  void line(int x0, int y0, int x1, int y1, io::Rgb color, int thickness) override {
    svg_.line(x0, y0, x1, y1, {.color = io::css_color(color), .width = double(thickness)});
  }

  /// Smaller than asked for: the viewers' monospaced fonts are wider than ours, and drawings leave
  /// room for ours.
  void text(int x, int y, std::string_view text, int size, Anchor anchor) override {
    const auto at = anchor == Anchor::kStart    ? io::Svg::Anchor::kStart
                    : anchor == Anchor::kMiddle ? io::Svg::Anchor::kMiddle
                                                : io::Svg::Anchor::kEnd;
    svg_.text(x, y, text,
              {.size = 0.85 * size, .anchor = at, .mono = true, .color = io::css_color(kInk)});
  }

  void picture(int x, int y, int w, int h, const io::Gray8& image, double source_w) override {
    svg_.open_clip(x, y, w, h);
    svg_.image(x, y, image.width * w / source_w, h, io::encode_png(image));
    svg_.close_clip();
  }

  void heat(int x, int y, int cell, int rows, int cols, std::span<const float> values,
            std::pair<double, double> range) override {
    // Drawn at full size: not every viewer keeps the edges of enlarged pixels.
    svg_.image(x, y, cols * cell, rows * cell,
               io::encode_png(io::heat_map(values, rows, cols, cell, range).image));
  }

  std::string bytes() const override { return svg_.str(); }

 private:
  io::Svg svg_;
};

}  // namespace

std::unique_ptr<Canvas> png_canvas(int width, int height) {
  return std::make_unique<PngCanvas>(width, height);
}

std::unique_ptr<Canvas> svg_canvas(int width, int height, const std::string& description) {
  return std::make_unique<SvgCanvas>(width, height, description);
}

}  // namespace talweg::ocr
