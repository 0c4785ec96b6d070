#include "ocr/classic_task.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "ocr/alphabet.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace {

constexpr uint8_t kInk = 255;
constexpr uint8_t kHalfCovered = 128;
constexpr double kNoiseShare = 0.1;

// Ink where at least half a pixel is covered, then cropped to the rows and columns with ink.
Glyph binarise_and_crop(const Glyph& grey) {
  const auto is_ink = [&](int x, int y) {
    return grey.coverage[size_t(y) * size_t(grey.width) + size_t(x)] >= kHalfCovered;
  };
  int x0 = grey.width, y0 = grey.height, x1 = 0, y1 = 0;
  for (int y = 0; y < grey.height; ++y) {
    for (int x = 0; x < grey.width; ++x) {
      if (!is_ink(x, y)) continue;
      x0 = std::min(x0, x), x1 = std::max(x1, x + 1);
      y0 = std::min(y0, y), y1 = std::max(y1, y + 1);
    }
  }
  Glyph binary;
  binary.advance = grey.advance;
  if (x0 >= x1) return binary;
  binary.left = grey.left + x0;
  binary.top = grey.top - y0;
  binary.width = x1 - x0;
  binary.height = y1 - y0;
  for (int y = y0; y < y1; ++y) {
    for (int x = x0; x < x1; ++x) binary.coverage.push_back(is_ink(x, y) ? kInk : 0);
  }
  return binary;
}

// Sets the glyph's ink on the image and returns its box. Rows outside the canvas (an accent on a
// capital, say) are cut off.
CharBox stamp(const Glyph& glyph, int x, int top_row, io::Gray8& image) {
  const int y0 = std::clamp(top_row, 0, image.height);
  const int y1 = std::clamp(top_row + glyph.height, 0, image.height);
  for (int y = y0; y < y1; ++y) {
    const uint8_t* from = &glyph.coverage[size_t(y - top_row) * size_t(glyph.width)];
    uint8_t* to = &image.pixels[size_t(y) * size_t(image.width) + size_t(x)];
    for (int i = 0; i < glyph.width; ++i) to[i] |= from[i];
  }
  return {x, y0, x + glyph.width, y1};
}

void add_noise(io::Gray8& image, Rng& rng) {
  for (uint8_t& pixel : image.pixels) {
    if (rng.uniform() < kNoiseShare) pixel = kInk;
  }
}

}  // namespace

std::string_view variant_name(Variant variant) {
  switch (variant) {
    case Variant::kPlain:
      return "plain";
    case Variant::kJitter:
      return "jitter";
    case Variant::kNoise:
      return "noise";
  }
  return "unknown";
}

Variant parse_variant(std::string_view name) {
  for (Variant variant : {Variant::kPlain, Variant::kJitter, Variant::kNoise}) {
    if (variant_name(variant) == name) return variant;
  }
  throw Error(message("[render] there is no variant '", name, "'; use plain, jitter or noise"));
}

TaskGeometry TaskGeometry::for_height(int height) {
  expect(8 <= height && height <= 1024, "[render] height ", height, " must be 8 ... 1024 px");
  const TaskGeometry set;
  const auto scaled = [&](int measure) {
    return static_cast<int>(std::lround(double(measure) * height / set.height));
  };
  return {height, scaled(set.pixel_size), scaled(set.baseline), scaled(set.cell),
          scaled(set.max_jitter)};
}

ClassicTask::ClassicTask(const Font& font, std::u32string_view letters, int height)
    : geometry_(TaskGeometry::for_height(height)) {
  font.require(letters);
  for (char32_t c : letters) {
    glyphs_.emplace(c, binarise_and_crop(font.rasterise(c, geometry_.pixel_size)));
  }
}

ClassicTask ClassicTask::standard() {
  return ClassicTask(Font::load(find_font(kDefaultFont)), letters_of_spec("a-z"));
}

ClassicTask::Layout ClassicTask::lay_out(std::string_view word) const {
  const std::u32string letters = decode_utf8(word);
  expect(!letters.empty(), "[render] an empty word has no image");
  Layout layout;
  int pen = 0, left = 0, right = 0;  // the pen in 1/64 px, the ink's extent in px
  for (char32_t c : letters) {
    const auto found = glyphs_.find(c);
    expect(found != glyphs_.end(), "[render] ", describe(c), " in '", word,
           "' is not among the letters prepared for rendering");
    const Glyph& glyph = found->second;
    const int x = ((pen + 32) >> 6) + glyph.left;
    layout.glyphs.push_back({&glyph, x});
    left = std::min(left, x);
    right = std::max(right, x + glyph.width);
    pen += glyph.advance;
  }
  for (Placed& placed : layout.glyphs) placed.x -= left;
  layout.canvas_width = std::max(geometry_.cell * static_cast<int>(letters.size()),
                                 right - left + geometry_.max_jitter);
  return layout;
}

io::Gray8 ClassicTask::render(std::string_view word, Variant variant, Rng& rng,
                              std::vector<CharBox>* boxes) const {
  const Layout layout = lay_out(word);
  const int positions = geometry_.max_jitter + 1;
  const int shift = variant == Variant::kPlain ? 0 : int(rng.below(uint64_t(positions)));
  io::Gray8 image(layout.canvas_width, geometry_.height);
  if (boxes != nullptr) boxes->clear();
  for (const Placed& placed : layout.glyphs) {
    const int top_row = geometry_.baseline - placed.glyph->top;
    const CharBox box = stamp(*placed.glyph, placed.x + shift, top_row, image);
    if (boxes != nullptr) boxes->push_back(box);
  }
  if (variant == Variant::kNoise) add_noise(image, rng);
  return image;
}

}  // namespace talweg::ocr
