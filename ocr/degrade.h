// A drawn word as a page, a light and a camera would have shown it.
#pragma once

#include <vector>

#include "core/io/image.h"
#include "core/rng.h"
#include "ocr/degradation.h"
#include "ocr/ink.h"

namespace talweg::ocr {

/// The image of `ink` under the degradations `d`, d.frame.height rows: strokes are worn, the sheet
/// is warped and cropped, printed on a page, lit and photographed. What is left to chance comes
/// from `rng`. `boxes`, if given, receives ink.boxes moved along with the warp and clipped to the
/// image; a space's box stays empty.
/// Throws Error if the coverage does not fill the ink's sides or the height is not in 8 ... 256.
io::Gray8 degrade(const Ink& ink, const Degradation& d, Rng& rng,
                  std::vector<CharBox>* boxes = nullptr);

}  // namespace talweg::ocr
