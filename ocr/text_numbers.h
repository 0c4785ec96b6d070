// Numbers as they are written down.
#pragma once

#include <string>

#include "core/rng.h"

namespace talweg::ocr {

/// A number, amount, date, time, price, share, telephone number, code, address on the web or the
/// like, in printable ASCII, £ and €.
std::u32string random_number_text(Rng& rng);

}  // namespace talweg::ocr
