// From any grey image of a word to what a model reads: ink = 1 on background = 0, 32 rows.
#pragma once

#include <vector>

#include "core/io/image.h"

namespace talweg::ocr {

inline constexpr int kModelHeight = 32;
/// Wider images are refused: a line of text is never that long, a mistaken photograph is.
inline constexpr int kMaxModelWidth = 32000;

/// A word ready for the model: row-major ink[height, width], 0 the page and 1 full ink.
struct InkImage {
  int height = kModelHeight;
  int width = 0;
  /// Columns of the source image a column here; x_source = x * source_scale.
  double source_scale = 1;
  std::vector<float> ink;
};

/// The width an image of `width` x `height` px has after scaling to kModelHeight rows, at least 1.
/// Throws Error on an image without pixels and on one that would be wider than kMaxModelWidth.
int model_width(int width, int height);

/// Brings an image to the model's form:
/// 1. Polarity: the median b of the border pixels is the background. Ink lies on the side of b
/// where
///    the deviations |p - b| sum to more, so that dark on bright and bright on dark give the same.
/// 2. Scale: to 32 rows, the width in proportion; each axis by area averaging when it shrinks,
///    bilinearly when it grows, untouched when it keeps its size.
/// 3. Contrast: b -> 0, the ink's level -> 1, clamped to [-1, 1.5]: what is brighter than the page
///    (noise, a glare) stays as far on the other side, so that noise still averages to nothing. The
///    ink's level is the upper quartile of the pixels above half the peak, the peak the fifth largest
///    deviation, so that a few specks count for nothing; 16 grey levels at least, or the grain of a
///    blank page would be ink, but where the picture has only two, as a mask of zeros and ones has.
/// A two-valued image of 32 rows comes out as exactly 0 and 1, an image of one value as all 0.
/// Throws as model_width does.
InkImage prepare_image(const io::Gray8& image);

}  // namespace talweg::ocr
