#include "ocr/typeface_check.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace {

using Glyphs = std::map<char32_t, Glyph>;

constexpr uint8_t kHalfCovered = 128;
constexpr std::string_view kLettersAndDigits =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

const Glyph* find(const Glyphs& glyphs, char32_t letter) {
  const auto found = glyphs.find(letter);
  return found == glyphs.end() ? nullptr : &found->second;
}

std::string missing_letters(const Glyphs& glyphs) {
  std::u32string needed;
  for (char32_t c : U"AHIOXhgjplnox") {
    if (c != 0 && find(glyphs, c) == nullptr) needed += c;
  }
  if (!needed.empty()) return "it lacks " + describe_all(needed);
  std::u32string missing;
  for (char c : kLettersAndDigits) {
    if (find(glyphs, char32_t(c)) == nullptr) missing += char32_t(c);
  }
  if (5 * missing.size() > kLettersAndDigits.size()) return "it lacks " + describe_all(missing);
  return "";
}

// Both the shape over its box and the box's proportions: 'l' and 'I' may share the former.
bool same_drawing(const Glyph& a, const Glyph& b) {
  constexpr double kSame = 0.75;
  const double aspect = (double(a.width) / a.height) / (double(b.width) / b.height);
  return aspect > 0.7 && aspect < 1.4 && likeness(shape_of(a), shape_of(b)) > kSame;
}

std::string capitals_for_lower_case(const Glyphs& glyphs) {
  constexpr int kAllowed = 5;
  std::u32string same;
  for (char32_t c : U"abdefghmnqrtl") {
    const Glyph* small = find(glyphs, c);
    const Glyph* large = find(glyphs, c - 32);
    if (c != 0 && small && large && same_drawing(*small, *large)) same += c;
  }
  if (same.size() <= kAllowed) return "";
  return message("it draws capitals for ", describe_all(same));
}

// The middle one of the heights of those `letters` that there are.
int middle_height(const Glyphs& glyphs, std::u32string_view letters) {
  std::vector<int> heights;
  for (char32_t c : letters) {
    if (const Glyph* glyph = find(glyphs, c)) heights.push_back(glyph->height);
  }
  std::nth_element(heights.begin(), heights.begin() + ptrdiff_t(heights.size() / 2), heights.end());
  return heights[heights.size() / 2];
}

std::string odd_proportions(const Glyphs& glyphs) {
  const double small = middle_height(glyphs, U"acemnorsuvwxz");
  const double tall = middle_height(glyphs, U"bdhkl") / small;
  const double capital = middle_height(glyphs, U"AEHMNORUVX") / small;
  const auto percent = [](double ratio) { return std::round(ratio * 100); };
  if (tall < 1.08) {
    return message("its 'bdhkl' are ", percent(tall), " % as high as its 'acemn', as capitals are");
  }
  int descending = 0;
  for (char32_t c : U"gpqy") {
    const Glyph* glyph = find(glyphs, c);
    descending += glyph != nullptr && glyph->height - glyph->top > 0.1 * small;
  }
  if (descending < 2) return "its 'gpqy' stand on the line, as capitals do";
  if (capital > 0.8 && capital < 4) return "";
  return message("its capitals are ", percent(capital), " % as high as its 'acemn'");
}

// The most strokes that a row in the middle third crosses, in at least half of those rows.
int strokes_across(const Glyph& glyph) {
  std::vector<int> counts;
  for (int y = glyph.height / 3; y < glyph.height - glyph.height / 3; ++y) {
    const uint8_t* row = &glyph.coverage[size_t(y) * size_t(glyph.width)];
    int count = 0;
    bool inside = false;
    for (int x = 0; x < glyph.width; ++x) {
      const bool ink = row[x] >= kHalfCovered;
      count += ink && !inside;
      inside = ink;
    }
    counts.push_back(count);
  }
  if (counts.empty()) return 0;
  std::nth_element(counts.begin(), counts.begin() + ptrdiff_t(counts.size() / 2), counts.end());
  return counts[counts.size() / 2];
}

std::string outlines(const Glyphs& glyphs) {
  constexpr struct {
    char32_t letter;
    int strokes;
  } kUsual[] = {{U'I', 1}, {U'l', 1}, {U'H', 2}, {U'n', 2}};
  int doubled = 0;
  for (const auto& [letter, strokes] : kUsual) {
    doubled += strokes_across(*find(glyphs, letter)) >= 2 * strokes;
  }
  return doubled >= 3 ? "its letters are outlines" : "";
}

// Connected parts of the ink, counted as a flood fill finds them; specks of 2 px and less are none.
int parts(const Glyph& glyph) {
  std::vector<bool> left(glyph.coverage.size());
  for (size_t i = 0; i < left.size(); ++i) left[i] = glyph.coverage[i] >= kHalfCovered / 2;
  int count = 0;
  std::vector<int> stack;
  for (int start = 0; start < int(left.size()); ++start) {
    if (!left[size_t(start)]) continue;
    int size = 0;
    stack.push_back(start);
    left[size_t(start)] = false;
    while (!stack.empty()) {
      const int at = stack.back();
      stack.pop_back();
      ++size;
      const int x = at % glyph.width, y = at / glyph.width;
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
          if (x + dx < 0 || x + dx >= glyph.width || y + dy < 0 || y + dy >= glyph.height) continue;
          const int next = (y + dy) * glyph.width + x + dx;
          if (!left[size_t(next)]) continue;
          left[size_t(next)] = false;
          stack.push_back(next);
        }
      }
    }
    count += size > 2;
  }
  return count;
}

std::string fallen_to_pieces(const Glyphs& glyphs) {
  constexpr int kParts = 3;
  int broken = 0;
  for (char32_t c : {U'H', U'l', U'n', U'o', U'X'}) broken += parts(*find(glyphs, c)) > kParts;
  return broken >= 3 ? "its letters are made of dots or stripes" : "";
}

std::string odd_ink(const Glyphs& glyphs) {
  double sum = 0;
  int count = 0;
  for (char c : kLettersAndDigits) {
    const Glyph* glyph = find(glyphs, char32_t(c));
    if (glyph == nullptr) continue;
    int64_t ink = 0;
    for (uint8_t value : glyph->coverage) ink += value;
    sum += double(ink) / (255.0 * double(glyph->coverage.size()));
    ++count;
  }
  const double share = sum / count;
  if (share >= 0.03 && share <= 0.85) return "";
  return message("its letters fill ", std::round(share * 100), " % of their boxes");
}

}  // namespace

Shape12 shape_of(const Glyph& glyph) {
  Shape12 shape{};
  if (glyph.coverage.empty()) return shape;
  // Each source pixel goes to the cell that its middle falls in; cells that get none, where the
  // glyph is smaller than the grid, take the pixel under their own middle.
  std::array<float, kShapeSide * kShapeSide> weight{};
  const auto cell = [](int i, int size) { return (2 * i + 1) * kShapeSide / (2 * size); };
  for (int y = 0; y < glyph.height; ++y) {
    for (int x = 0; x < glyph.width; ++x) {
      const int to = cell(y, glyph.height) * kShapeSide + cell(x, glyph.width);
      shape[size_t(to)] += float(glyph.coverage[size_t(y) * size_t(glyph.width) + size_t(x)]) / 255;
      weight[size_t(to)] += 1;
    }
  }
  for (int row = 0; row < kShapeSide; ++row) {
    for (int column = 0; column < kShapeSide; ++column) {
      const auto i = size_t(row * kShapeSide + column);
      if (weight[i] > 0) {
        shape[i] /= weight[i];
      } else {
        const int y = (2 * row + 1) * glyph.height / (2 * kShapeSide);
        const int x = (2 * column + 1) * glyph.width / (2 * kShapeSide);
        shape[i] = float(glyph.coverage[size_t(y) * size_t(glyph.width) + size_t(x)]) / 255;
      }
    }
  }
  return shape;
}

double likeness(const Shape12& a, const Shape12& b) {
  double mean_a = 0, mean_b = 0;
  for (size_t i = 0; i < a.size(); ++i) mean_a += a[i], mean_b += b[i];
  mean_a /= double(a.size()), mean_b /= double(b.size());
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

std::string typeface_fault(const Glyphs& glyphs) {
  for (auto test : {missing_letters, capitals_for_lower_case, odd_proportions, outlines,
                    fallen_to_pieces, odd_ink}) {
    if (std::string fault = test(glyphs); !fault.empty()) return fault;
  }
  return "";
}

}  // namespace talweg::ocr
