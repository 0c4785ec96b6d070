#include "ocr/char_boxes.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace talweg::ocr {

namespace {

constexpr float kInk = 0.2F;         // from here on a pixel belongs to a letter
constexpr double kBend = 0.1;        // what a step aside costs a seam, in pixels of ink
constexpr double kOffMiddle = 0.02;  // what a pixel at an end of the seam's range costs
constexpr int kReach = 24;           // columns that a letter may reach out from its middle
constexpr int kGap = 5;              // columns without ink behind which something else begins

/// For every row the first column that is right of a cut.
using Cut = std::vector<int>;

class InkFitter {
 public:
  InkFitter(const InkImage& image, int source_height, std::span<CharReading> characters)
      : image_(image), row_scale_(double(source_height) / image.height), characters_(characters) {
    for (std::size_t k = 0; k < characters.size(); ++k) {
      if (characters[k].text != " ") inked_.push_back(k);
    }
  }

  void fit() {
    for (CharReading& c : characters_) c.y1 = row_scale_ * image_.height;
    if (inked_.empty()) return;
    Cut left(std::size_t(image_.height), std::max(0, middle(inked_.front()) - kReach));
    for (std::size_t i = 0; i < inked_.size(); ++i) {
      const bool last = i + 1 == inked_.size();
      const Cut right = last ? Cut(left.size(), std::min(image_.width, middle(inked_[i]) + kReach))
                             : seam(middle(inked_[i]), middle(inked_[i + 1]));
      set_box(inked_[i], left, right, i == 0, last);
      left = right;
    }
    stretch_spaces();
  }

 private:
  float ink(int row, int column) const {
    return image_.ink[std::size_t(row) * std::size_t(image_.width) + std::size_t(column)];
  }

  /// The column under the middle of a character's windows.
  int middle(std::size_t k) const {
    const double x = (characters_[k].x0 + characters_[k].x1) / 2 / image_.source_scale;
    return std::clamp(int(x), 0, image_.width - 1);
  }

  /// The cheapest way from the top to the bottom through the columns from `first` to `last`.
  Cut seam(int first, int last) const {
    last = std::max(first, last);
    const int n = last - first + 1;
    const double centre = (n - 1) / 2.0;
    std::vector<double> cost(std::size_t(n), 0.0), above;
    std::vector<std::vector<int>> from;
    for (int row = 0; row < image_.height; ++row) {
      above = cost;
      from.emplace_back(std::size_t(n));
      for (int j = 0; j < n; ++j) {
        int best = j;
        for (int near : {j - 1, j + 1}) {
          if (near < 0 || near >= n) continue;
          const double here = above[std::size_t(best)] + (best == j ? 0 : kBend);
          if (above[std::size_t(near)] + kBend < here) best = near;
        }
        from.back()[std::size_t(j)] = best;
        const double off = centre > 0 ? std::abs(j - centre) / centre : 0;
        cost[std::size_t(j)] = above[std::size_t(best)] + (best == j ? 0 : kBend) +
                               double(ink(row, first + j)) + kOffMiddle * off;
      }
    }
    Cut cut(std::size_t(image_.height));
    int j = int(std::ranges::min_element(cost) - cost.begin());
    for (int row = image_.height - 1; row >= 0; --row) {
      cut[std::size_t(row)] = first + j;
      j = from[std::size_t(row)][std::size_t(j)];
    }
    return cut;
  }

  /// The box of the ink between two cuts. At the ends of the word, what stands behind a gap is not the
  /// word's: a speck, a neighbour's sliver.
  void set_box(std::size_t k, const Cut& left, const Cut& right, bool first, bool last) {
    const int begin = *std::ranges::min_element(left), end = *std::ranges::max_element(right);
    std::vector<bool> inked(std::size_t(std::max(0, end - begin)), false);
    for (int row = 0; row < image_.height; ++row) {
      for (int x = left[std::size_t(row)]; x < right[std::size_t(row)]; ++x) {
        if (ink(row, x) >= kInk) inked[std::size_t(x - begin)] = true;
      }
    }
    const auto found = std::ranges::find(inked, true);
    if (found == inked.end()) return;
    int x0 = begin + int(found - inked.begin()), x1 = end;
    while (!inked[std::size_t(x1 - 1 - begin)]) --x1;
    if (first) x0 = reach(inked, begin, middle(k), -1, x0);
    if (last) x1 = reach(inked, begin, middle(k), +1, x1 - 1) + 1;
    int y0 = image_.height, y1 = 0;
    for (int row = 0; row < image_.height; ++row) {
      for (int x = std::max(x0, left[std::size_t(row)]); x < std::min(x1, right[std::size_t(row)]);
           ++x) {
        if (ink(row, x) < kInk) continue;
        y0 = std::min(y0, row);
        y1 = row + 1;
      }
    }
    CharReading& c = characters_[k];
    c.x0 = x0 * image_.source_scale;
    c.x1 = x1 * image_.source_scale;
    if (y1 > y0) {
      c.y0 = y0 * row_scale_;
      c.y1 = y1 * row_scale_;
    }
  }

  /// The last column with ink from `from` in a direction, up to `end`, before a wide gap.
  static int reach(const std::vector<bool>& inked, int begin, int from, int step, int end) {
    int furthest = from;
    bool any = false;
    for (int x = from; x != end + step; x += step) {
      const int i = x - begin;
      if (i < 0 || i >= int(inked.size())) break;
      if (inked[std::size_t(i)]) {
        furthest = x;
        any = true;
      } else if (any && std::abs(x - furthest) > kGap) {
        return furthest;
      }
    }
    return any ? furthest : end;
  }

  void stretch_spaces() {
    for (std::size_t k = 0; k < characters_.size(); ++k) {
      CharReading& c = characters_[k];
      if (c.text != " ") continue;
      const auto after = std::ranges::upper_bound(inked_, k);
      if (after == inked_.begin() || after == inked_.end()) continue;
      const double x0 = characters_[*(after - 1)].x1, x1 = characters_[*after].x0;
      if (x1 <= x0) continue;
      const std::size_t spaces = *after - *(after - 1) - 1, i = k - *(after - 1) - 1;
      c.x0 = x0 + (x1 - x0) * double(i) / double(spaces);
      c.x1 = x0 + (x1 - x0) * double(i + 1) / double(spaces);
    }
  }

  const InkImage& image_;
  double row_scale_;
  std::span<CharReading> characters_;
  std::vector<std::size_t> inked_;  // the characters that are no spaces
};

}  // namespace

void fit_to_ink(const InkImage& image, int source_height, std::span<CharReading> characters) {
  InkFitter(image, source_height, characters).fit();
}

}  // namespace talweg::ocr
