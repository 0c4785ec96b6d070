#include "ocr/typeface.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "ocr/text.h"
#include "ocr/typeface_check.h"

namespace talweg::ocr {
namespace {

constexpr std::u32string_view kFrameLetters = U"Ahgjp";
constexpr double kFirstSize = 48;  // px an em, to find out the size at which the frame fits

struct Frame {
  int top = 0, bottom = 0;  // rows above the baseline: of the highest row, below the lowest
};

Frame frame_of(const Font& font, double pixel_size) {
  Frame frame;
  for (char32_t c : kFrameLetters) {
    const Glyph glyph = font.rasterise_unhinted(c, pixel_size);
    frame.top = std::max(frame.top, glyph.top);
    frame.bottom = std::min(frame.bottom, glyph.top - glyph.height);
  }
  return frame;
}

// The em in pixels at which 'Ahgjp' is kFrame rows high.
double size_for_frame(const Font& font) {
  font.require(kFrameLetters);
  const Frame frame = frame_of(font, kFirstSize);
  const int height = frame.top - frame.bottom;
  if (frame.top <= 0 || height < 8) {
    throw IoError(message("[font] ", font.path(), ": 'Ahgjp' has no ink to speak of; the face is ",
                          "no use for drawing words"));
  }
  return std::clamp(kFirstSize * Typeface::kFrame / height, 4.0, 400.0);
}

bool same_ink(const Glyph& a, const Glyph& b) {
  return a.width == b.width && a.height == b.height && a.top == b.top && a.coverage == b.coverage;
}

bool has_ink(const Glyph& glyph) {
  return std::any_of(glyph.coverage.begin(), glyph.coverage.end(),
                     [](uint8_t v) { return v > 64; });
}

std::map<char32_t, Glyph> rasterise_all(const Font& font, std::u32string_view letters, double em) {
  const Glyph missing = font.rasterise_missing(em);
  std::map<char32_t, Glyph> glyphs;
  for (char32_t c : letters) {
    if (c == U' ' || !font.has(c)) continue;
    Glyph glyph = font.rasterise_unhinted(c, em);
    if (has_ink(glyph) && glyph.advance > 0 && !same_ink(glyph, missing)) {
      glyphs.emplace(c, std::move(glyph));
    }
  }
  return glyphs;
}

}  // namespace

TypeStyle draw_type_style(Rng& rng) {
  TypeStyle style;
  style.kerning = rng.uniform() < 0.9;
  const double kind = rng.uniform();
  if (kind < 0.15) style.tracking = rng.uniform(-0.04, 0);
  if (kind > 0.65) style.tracking = rng.uniform(0, 0.06);
  if (kind > 0.93) style.tracking = rng.uniform(0.06, 0.35);
  style.word_space = rng.uniform() < 0.5 ? 1 : rng.uniform(0.7, 1.8);
  return style;
}

Typeface::Typeface(const Font& font, std::u32string_view letters)
    : name_(font.name()), family_(font.family()), path_(font.path()) {
  const double em = size_for_frame(font);
  // What is looked at to judge the face is drawn whether or not it is asked for.
  constexpr std::u32string_view kJudged =
      U"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::u32string needed(kJudged);
  for (char32_t c : letters) {
    if (kJudged.find(c) == std::u32string_view::npos) needed += c;
  }
  const std::map<char32_t, Glyph> glyphs = rasterise_all(font, needed, em);
  if (const std::string fault = typeface_fault(glyphs); !fault.empty()) {
    throw IoError(message("[font] ", path_, " (", name_, ") is left out, because ", fault));
  }
  em_ = float(em);
  const Frame frame = frame_of(font, em);
  top_ = frame.top;
  bottom_ = frame.bottom;
  x_height_ = glyphs.at(U'x').top;
  const float blank = font.has(U' ') ? float(font.rasterise_unhinted(U' ', em).advance) / 64 : 0;
  letters_.push_back({U' ', 0, 0, 0, 0, blank > 0.05f * em_ ? blank : em_ / 4, 0});
  for (const auto& [code, glyph] : glyphs) {
    if (letters.find(code) == std::u32string_view::npos) continue;
    letters_.push_back({code, int16_t(glyph.left), int16_t(glyph.top), int16_t(glyph.width),
                        int16_t(glyph.height), float(glyph.advance) / 64,
                        uint32_t(coverage_.size())});
    coverage_.insert(coverage_.end(), glyph.coverage.begin(), glyph.coverage.end());
  }
  std::sort(letters_.begin(), letters_.end(),
            [](const Letter& a, const Letter& b) { return a.code < b.code; });
  coverage_.shrink_to_fit();
  // A step of a third of an em puts one letter on top of the other: such tables are damaged.
  const double limit = em / 3;
  for (const Letter& left : letters_) {
    for (const Letter& right : letters_) {
      const double step = font.kerning(left.code, right.code, em);
      if (step != 0 && std::abs(step) <= limit) {
        pairs_.push_back({left.code, right.code, float(step)});
      }
    }
  }
}

const Typeface::Letter* Typeface::find(char32_t letter) const {
  const auto at = std::lower_bound(letters_.begin(), letters_.end(), letter,
                                   [](const Letter& a, char32_t code) { return a.code < code; });
  return at != letters_.end() && at->code == letter ? &*at : nullptr;
}

float Typeface::kerning(char32_t left, char32_t right) const {
  const auto at =
      std::lower_bound(pairs_.begin(), pairs_.end(), std::pair(left, right),
                       [](const KerningPair& a, const std::pair<char32_t, char32_t>& b) {
                         return std::pair(a.left, a.right) < b;
                       });
  return at != pairs_.end() && at->left == left && at->right == right ? at->step : 0;
}

bool Typeface::covers(std::u32string_view text) const {
  return std::all_of(text.begin(), text.end(), [this](char32_t c) { return has(c); });
}

bool Typeface::fixed_pitch() const {
  constexpr float kAlike = 0.02f;  // of the advance
  const Letter *narrow = find(U'i'), *wide = find(U'W'), *usual = find(U'n');
  if (narrow == nullptr || wide == nullptr || usual == nullptr) return false;
  return std::abs(narrow->advance - usual->advance) <= kAlike * usual->advance &&
         std::abs(wide->advance - usual->advance) <= kAlike * usual->advance;
}

std::vector<Typeface::Placed> Typeface::lay_out(std::u32string_view text,
                                                const TypeStyle& style) const {
  std::vector<Placed> placed;
  placed.reserve(text.size());
  float pen = 0;
  char32_t before = 0;
  for (char32_t c : text) {
    const Letter* letter = find(c);
    expect(letter != nullptr, "[render] ", name_, " has no ", describe(c),
           "; choose another face or leave the letter out");
    if (style.kerning && before != 0) pen += kerning(before, c);
    placed.push_back({letter, int(std::lround(pen)) + letter->left});
    pen += letter->advance * (c == U' ' ? float(style.word_space) : 1.0f);
    pen += float(style.tracking) * em_;
    before = c;
  }
  return placed;
}

CharBox Typeface::extent_of(const std::vector<Placed>& placed) const {
  CharBox box;
  bool first = true;
  for (const auto& [letter, x] : placed) {
    if (letter->width == 0) continue;
    const int y0 = top_ - letter->top;
    const CharBox one{x, y0, x + letter->width, y0 + letter->height};
    box = first ? one
                : CharBox{std::min(box.x0, one.x0), std::min(box.y0, one.y0),
                          std::max(box.x1, one.x1), std::max(box.y1, one.y1)};
    first = false;
  }
  return box;
}

CharBox Typeface::extent(std::u32string_view text, const TypeStyle& style) const {
  return extent_of(lay_out(text, style));
}

Ink Typeface::set(std::u32string_view text, const TypeStyle& style) const {
  const std::vector<Placed> placed = lay_out(text, style);
  const CharBox extent = extent_of(placed);
  expect(extent.x0 < extent.x1, "[render] a text without ink has no image");
  constexpr int kMargin = (kFrame + 2) / 3;
  const int frame = top_ - bottom_, left = extent.x0 - kMargin;
  Ink ink;
  ink.ascent = kMargin + std::max(0, -extent.y0);
  ink.descent = ink.ascent + frame;
  ink.baseline = ink.ascent + top_;
  ink.width = extent.x1 - extent.x0 + 2 * kMargin;
  ink.height = ink.ascent + std::max(frame, extent.y1) + kMargin;
  ink.x_height = x_height_;
  ink.coverage.assign(size_t(ink.width) * size_t(ink.height), 0.0f);
  ink.boxes.reserve(placed.size());
  for (const Placed& p : placed) {
    const Letter& letter = *p.letter;
    const int x0 = p.x - left;
    const int y0 = ink.baseline - letter.top;
    if (letter.width == 0) {
      const int x = std::clamp(x0, 0, ink.width);
      ink.boxes.push_back({x, ink.baseline, x, ink.baseline});
      continue;
    }
    for (int y = 0; y < letter.height; ++y) {
      const uint8_t* from = &coverage_[letter.offset + size_t(y) * size_t(letter.width)];
      float* to = &ink.coverage[size_t(y0 + y) * size_t(ink.width) + size_t(x0)];
      for (int x = 0; x < letter.width; ++x) {
        to[x] = std::min(1.0f, to[x] + float(from[x]) * (1.0f / 255));
      }
    }
    ink.boxes.push_back({x0, y0, x0 + letter.width, y0 + letter.height});
  }
  return ink;
}

uint64_t Typeface::fingerprint() const {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  const auto add = [&](uint64_t value) { hash = (hash ^ value) * 1099511628211u; };
  for (const Letter& letter : letters_) {
    add(letter.code), add(uint64_t(letter.width)), add(uint64_t(letter.height));
    add(uint64_t(std::lround(letter.advance * 4)));
  }
  for (uint8_t value : coverage_) add(value);
  return hash;
}

}  // namespace talweg::ocr
