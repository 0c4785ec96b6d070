// Where the ink of each character of a reading is: finer than the windows that showed it.
#pragma once

#include <span>

#include "ocr/decoder.h"
#include "ocr/image_prep.h"

namespace talweg::ocr {

/// Moves each character's box from its windows to its ink, in pixels of the source image, which is
/// `source_height` rows high.
///
/// Between the middles of two neighbours the image is cut from top to bottom along the way that
/// crosses least ink and bends least (a seam: S. Avidan, A. Shamir, "Seam carving for content-aware
/// image resizing", 2007), near the middle of a gap where several are as good; so a slanted or
/// undercut letter keeps its parts. A character's box is what ink lies between its two cuts. A space
/// reaches from the ink before it to the ink behind it. A character without ink keeps its windows, and
/// all rows. What reaches beyond the middle of a neighbour, as the arm of a T over a full stop, is cut off
/// there.
void fit_to_ink(const InkImage& image, int source_height, std::span<CharReading> characters);

}  // namespace talweg::ocr
