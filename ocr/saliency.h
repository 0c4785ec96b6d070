// Which pixels make a word cheap? The gradient of its free energy with respect to the image.
#pragma once

#include <string>
#include <vector>

#include "ocr/align_figure.h"
#include "ocr/recognizer.h"

namespace talweg::ocr {

/// dF/dx for every pixel of the image as the model sees it, 32 rows, ink 1 on background 0. Positive:
/// ink there makes the text more expensive.
struct Saliency {
  std::string text;
  double beta = 0, energy = 0;  ///< F_beta of the text
  int height = 0, width = 0;
  std::vector<float> ink, gradient;  ///< [height, width]
};

/// The gradient of F_beta(text | image), beta in (0, inf]; at infinity that of the best path alone.
/// Throws Error where the text does not fit the image.
Saliency saliency(const Recognizer& recognizer, const io::Gray8& image, const std::string& text,
                  double beta);

/// The image, and below it the same with the gradient over it: red where ink makes the text more
/// expensive, blue where it makes it cheaper, full colour at the largest |gradient|. The bytes of a
/// file.
std::string saliency_figure(const Saliency& saliency, FigureFormat format);

}  // namespace talweg::ocr
