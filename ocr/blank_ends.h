// The empty paper before and behind a line: no letter stands there.
#pragma once

#include "ocr/decoder.h"
#include "ocr/image_prep.h"

namespace talweg::ocr {

/// The columns [first, last) of a prepared image between its outermost ink; first = last where there is none.
struct InkedColumns {
  int first = 0, last = 0;
};
InkedColumns inked_columns(const InkImage& image);

/// Settles that windows wholly more than a line's height (kModelHeight columns) before the first or behind the
/// last ink show BETWEEN: all letters cost +inf there. What is read can only gain by it, and probabilities
/// gain what they mean: each window of empty paper doubts a little, 3e-4 or so, and a thousand of them
/// together would leave a sure word three quarters of its probability. For topologies that allow BETWEEN
/// anywhere (margins, ctc). `stride` is the number of the prepared image's columns a window.
void settle_blank_ends(const InkedColumns& ink, double stride, int32_t between, EnergyMap& map);

}  // namespace talweg::ocr
