#include "ocr/image_prep.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>

#include "core/error.h"

namespace talweg::ocr {
namespace {

constexpr float kLeastInk = -1.0f, kMostInk = 1.5f;
constexpr float kLeastContrast = 16;  // grey levels between a page and its ink

// One output pixel of a resampled axis: weights (of sum 1) on the source pixels from `first` on.
struct Tap {
  int first = 0;
  std::vector<float> weights;
};

// The share of [from, to) that falls on each source pixel, over its length.
Tap area_tap(double from, double to, int source_size) {
  Tap tap;
  tap.first = static_cast<int>(from);
  const int last = std::min(static_cast<int>(std::ceil(to)), source_size);
  for (int i = tap.first; i < last; ++i) {
    const double overlap = std::min(to, i + 1.0) - std::max(from, double(i));
    tap.weights.push_back(float(overlap / (to - from)));
  }
  return tap;
}

// Linear interpolation between the two source pixels whose centres surround `centre`; beyond the
// outermost centres the edge pixel alone.
Tap linear_tap(double centre, int source_size) {
  const double at = std::clamp(centre, 0.0, source_size - 1.0);
  const int first = std::min(static_cast<int>(at), std::max(source_size - 2, 0));
  const auto fraction = float(at - first);
  if (source_size == 1) return {0, {1.0f}};
  return {first, {1.0f - fraction, fraction}};
}

std::vector<Tap> taps(int source_size, int size) {
  const double step = double(source_size) / size;  // source pixels an output pixel
  std::vector<Tap> axis;
  axis.reserve(size_t(size));
  for (int i = 0; i < size; ++i) {
    axis.push_back(source_size > size ? area_tap(i * step, (i + 1) * step, source_size)
                                      : linear_tap((i + 0.5) * step - 0.5, source_size));
  }
  return axis;
}

std::vector<float> resample_rows(const std::vector<float>& source, int height, int width,
                                 int new_height) {
  if (new_height == height) return source;
  std::vector<float> result(size_t(new_height) * size_t(width), 0.0f);
  const std::vector<Tap> axis = taps(height, new_height);
  for (int y = 0; y < new_height; ++y) {
    float* to = &result[size_t(y) * size_t(width)];
    for (size_t k = 0; k < axis[size_t(y)].weights.size(); ++k) {
      const float weight = axis[size_t(y)].weights[k];
      const float* from = &source[(size_t(axis[size_t(y)].first) + k) * size_t(width)];
      for (int x = 0; x < width; ++x) to[x] += weight * from[x];
    }
  }
  return result;
}

std::vector<float> resample_columns(const std::vector<float>& source, int height, int width,
                                    int new_width) {
  if (new_width == width) return source;
  std::vector<float> result(size_t(height) * size_t(new_width), 0.0f);
  const std::vector<Tap> axis = taps(width, new_width);
  for (int y = 0; y < height; ++y) {
    const float* from = &source[size_t(y) * size_t(width)];
    for (int x = 0; x < new_width; ++x) {
      const Tap& tap = axis[size_t(x)];
      float& to = result[size_t(y) * size_t(new_width) + size_t(x)];
      for (size_t k = 0; k < tap.weights.size(); ++k) {
        to += tap.weights[k] * from[size_t(tap.first) + k];
      }
    }
  }
  return result;
}

int border_median(const io::Gray8& image) {
  std::vector<uint8_t> border;
  for (int x = 0; x < image.width; ++x) {
    border.push_back(image.at(x, 0));
    border.push_back(image.at(x, image.height - 1));
  }
  for (int y = 1; y + 1 < image.height; ++y) {
    border.push_back(image.at(0, y));
    border.push_back(image.at(image.width - 1, y));
  }
  const auto middle = border.begin() + ptrdiff_t(border.size() / 2);
  std::nth_element(border.begin(), middle, border.end());
  return *middle;
}

// Every pixel's deviation from the background, positive towards the ink.
std::vector<float> ink_deviation(const io::Gray8& image) {
  const int background = border_median(image);
  int64_t brighter = 0, darker = 0;
  for (int pixel : image.pixels) {
    (pixel > background ? brighter : darker) += std::abs(pixel - background);
  }
  const float sign = darker > brighter ? -1.0f : 1.0f;
  std::vector<float> deviation;
  deviation.reserve(image.pixels.size());
  for (int pixel : image.pixels) deviation.push_back(sign * float(pixel - background));
  return deviation;
}

// The element of rank `rank` (0 = largest).
float ranked(std::vector<float> values, size_t rank) {
  const auto at = values.begin() + ptrdiff_t(rank);
  std::nth_element(values.begin(), at, values.end(), std::greater<>());
  return *at;
}

// The deviation of full ink, as described at prepare_image; 0 if there is no ink.
float ink_level(const std::vector<float>& deviation) {
  constexpr size_t kSpecks = 4;
  float peak = ranked(deviation, std::min(kSpecks, deviation.size() - 1));
  if (peak <= 0) peak = ranked(deviation, 0);  // hardly any ink: a full stop, perhaps
  if (peak <= 0) return 0;
  std::vector<float> inked;
  for (float d : deviation) {
    if (d > peak / 2) inked.push_back(d);
  }
  return ranked(inked, inked.size() / 4);
}

// Whether the picture has two grey levels or one, as a mask has.
bool is_mask(const io::Gray8& image) {
  const auto ends = std::ranges::minmax(image.pixels);
  return std::ranges::all_of(image.pixels,
                             [&](uint8_t p) { return p == ends.min || p == ends.max; });
}

}  // namespace

int model_width(int width, int height) {
  expect(width > 0 && height > 0, "[image] an image of ", width, " x ", height,
         " px has nothing to read");
  const double scaled = std::round(double(width) * kModelHeight / height);
  expect(scaled <= kMaxModelWidth, "[image] an image of ", width, " x ", height, " px is ", scaled,
         " px wide when scaled to ", kModelHeight, " rows; at most ", kMaxModelWidth,
         " are read, so cut it into words or lines");
  return std::max(1, static_cast<int>(scaled));
}

InkImage prepare_image(const io::Gray8& image) {
  InkImage result;
  result.width = model_width(image.width, image.height);
  expect(image.pixels.size() == size_t(image.width) * size_t(image.height), "[image] ",
         image.pixels.size(), " pixels do not fill an image of ", image.width, " x ", image.height);
  result.source_scale = double(image.width) / result.width;
  result.ink = resample_rows(ink_deviation(image), image.height, image.width, kModelHeight);
  result.ink = resample_columns(result.ink, kModelHeight, image.width, result.width);
  float level = ink_level(result.ink);
  if (level < kLeastContrast && !is_mask(image)) level = kLeastContrast;
  for (float& value : result.ink) {
    value = level > 0 ? std::clamp(value / level, kLeastInk, kMostInk) : 0.0f;
  }
  return result;
}

}  // namespace talweg::ocr
