#include "ocr/blank_ends.h"

#include <algorithm>
#include <limits>

namespace talweg::ocr {

InkedColumns inked_columns(const InkImage& image) {
  constexpr float kInk = 0.2F;  // from here on a pixel is no noise of a printed line
  const auto inked = [&](int column) {
    for (int row = 0; row < image.height; ++row) {
      if (image.ink[std::size_t(row) * std::size_t(image.width) + std::size_t(column)] >= kInk) {
        return true;
      }
    }
    return false;
  };
  InkedColumns ink{0, image.width};
  while (ink.first < ink.last && !inked(ink.first)) ++ink.first;
  while (ink.last > ink.first && !inked(ink.last - 1)) --ink.last;
  return ink;
}

void settle_blank_ends(const InkedColumns& ink, double stride, int32_t between, EnergyMap& map) {
  constexpr float kNever = std::numeric_limits<float>::infinity();
  const bool none = ink.first == ink.last;
  for (int i = 0; i < map.windows; ++i) {
    const bool before = (i + 1) * stride <= ink.first - kModelHeight;
    const bool behind = i * stride >= ink.last + kModelHeight;
    if (!none && !before && !behind) continue;
    float* energies = map.values.data() + std::size_t(i) * std::size_t(map.symbols);
    const float kept = energies[between];
    std::fill_n(energies, map.symbols, kNever);
    energies[between] = kept;
  }
}

}  // namespace talweg::ocr
