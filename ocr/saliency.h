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

/// The gradient of the gap F_beta(text | image) - F_beta(all words | image) = -log p(text | image) / beta: what
/// speaks for the text and against all others, where saliency() does not ask for others. Its `energy` is the
/// gap. beta in (0, inf). Throws as saliency does.
Saliency gap_saliency(const Recognizer& recognizer, const io::Gray8& image, const std::string& text,
                      double beta);

/// The gradient averaged over each pixel and its neighbours, by (1 2 1) / 4 along both axes: single pixels
/// differ as a network's strides have it, strokes as its letters do.
Saliency smoothed(Saliency saliency);

/// The gradient over the faint image, pixel by pixel: red where ink makes the text more expensive, blue where it
/// makes it cheaper, full colour at the largest |gradient|, below it the share |g|^gamma of it.
io::Rgb8 saliency_picture(const Saliency& saliency, double gamma = 0.5);

/// The image, and below it saliency_picture, enlarged. The bytes of a file.
std::string saliency_figure(const Saliency& saliency, FigureFormat format);

}  // namespace talweg::ocr
