#include "core/study/value_summary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/io/text.h"

namespace talweg {
namespace {

constexpr int kMaxRows = 64, kMaxCols = 96;
constexpr int64_t kLineCount = 9;      // numbers that a line can hold
constexpr int64_t kTiles = 4;          // channels or images stacked in one picture
constexpr int64_t kFilterPixels = 49;  // a "picture" of at most 7 x 7 is a filter, not an image

/// A matrix seen through strides: tiles one below the other, each rows x cols.
struct View {
  int64_t tiles = 1, rows = 1, cols = 1;
  int64_t tile_stride = 0, row_stride = 0, col_stride = 1;
  std::string what;
};

std::string range_of(const char* name, int64_t count, int64_t all) {
  if (count == all && all == 1) return {};
  return message(name, " 0", count > 1 ? message("-", count - 1) : "", " of ", all);
}

View view_of(const Shape& s) {
  const int r = s.rank();
  if (r <= 1) return {1, 1, s.size(), 0, 0, 1, ""};
  if (r == 4 && s[1] * s[2] > kFilterPixels) {  // images
    const int64_t channels = s[3], image = s[1] * s[2] * channels;
    if (channels == 1) {
      const int64_t shown = std::min(s[0], kTiles);
      return {shown, s[1], s[2], image, s[2], 1, range_of("images", shown, s[0])};
    }
    const int64_t shown = std::min(channels, kTiles);
    return {shown,
            s[1],
            s[2],
            1,
            s[2] * channels,
            channels,
            message("image 0 of ", s[0], ", ", range_of("channels", shown, channels))};
  }
  if (r == 4) return {1, s[0], s.size() / std::max<int64_t>(s[0], 1), 0, s.size() / s[0], 1, ""};
  View v{1, s[r - 2], s[r - 1], 0, s[r - 1], 1, ""};
  if (r > 2) v.what = message("the first of ", s.size_between(0, r - 2));
  return v;
}

bool stronger(float a, float b) { return !(std::abs(a) <= std::abs(b)) || std::isnan(b); }

/// Blocks of a rows x cols matrix, each reduced to its element of largest magnitude.
template <class At> Thumbnail reduced(int64_t rows, int64_t cols, int to_rows, int to_cols, At at) {
  Thumbnail t{to_rows, to_cols, {}, ""};
  t.cells.assign(std::size_t(to_rows) * std::size_t(to_cols),
                 std::numeric_limits<float>::quiet_NaN());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      const float x = at(i, j);
      float& cell = t.cells[std::size_t(i * to_rows / rows * to_cols + j * to_cols / cols)];
      if (std::isfinite(x) && stronger(x, cell)) cell = x;
    }
  }
  return t;
}

template <class T> Thumbnail picture_of(const Shape& shape, const T* values) {
  const View v = view_of(shape);
  const int64_t rows = v.tiles * v.rows;
  const auto at = [&](int64_t i, int64_t j) {
    return float(values[i / v.rows * v.tile_stride + i % v.rows * v.row_stride + j * v.col_stride]);
  };
  Thumbnail t = reduced(rows, v.cols, int(std::min<int64_t>(rows, kMaxRows)),
                        int(std::min<int64_t>(v.cols, kMaxCols)), at);
  t.what = v.what;
  return t;
}

}  // namespace

template <class T> ValueSummary summarise(const Shape& shape, const T* values) {
  ValueSummary s;
  s.known = true;
  s.shape = shape;
  const int64_t n = shape.size();
  s.low = std::numeric_limits<double>::infinity(), s.high = -s.low;
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double x = double(values[i]);
    if (!std::isfinite(x)) {
      ++s.not_finite;
      continue;
    }
    s.low = std::min(s.low, x), s.high = std::max(s.high, x);
    s.mean += x;
    squares += x * x;
  }
  if (n == s.not_finite) s.low = s.high = 0;
  s.mean /= double(std::max<int64_t>(1, n - s.not_finite));
  s.norm = std::sqrt(squares);
  if (n <= ValueSummary::kWholeCount) {
    s.whole.assign(values, values + n);
  } else {
    s.picture = picture_of(shape, values);
  }
  return s;
}

template ValueSummary summarise(const Shape&, const float*);
template ValueSummary summarise(const Shape&, const double*);

Thumbnail shrunk(const Thumbnail& picture, int64_t cells) {
  int rows = picture.rows, cols = picture.cols;
  while (int64_t(rows) * cols > std::max<int64_t>(1, cells)) {
    (rows > cols ? rows : cols) = (std::max(rows, cols) + 1) / 2;
  }
  if (rows == picture.rows && cols == picture.cols) return picture;
  Thumbnail t = reduced(picture.rows, picture.cols, rows, cols, [&](int64_t i, int64_t j) {
    return picture.cells[std::size_t(i * picture.cols + j)];
  });
  t.what = picture.what;
  return t;
}

std::string to_line(const ValueSummary& value) {
  if (!value.known) return {};
  const auto number = [](double x) { return io::format_short(x); };
  const Shape& s = value.shape;
  if (s.size() == 0) return "[]";
  if (s.size() > kLineCount) {
    std::string line =
        message(number(value.low), " \u2026 ", number(value.high), ", norm ", number(value.norm));
    if (value.not_finite > 0) line += message(", ", value.not_finite, " not finite");
    return line;
  }
  if (s.rank() == 0) return number(value.whole[0]);
  std::string line = "[";
  for (std::size_t i = 0; i < value.whole.size(); ++i) {
    if (i > 0) line += s.rank() > 1 && i % std::size_t(s.back()) == 0 ? "; " : ", ";
    line += number(value.whole[i]);
  }
  return line + "]";
}

}  // namespace talweg
