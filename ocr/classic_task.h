// The classic task: random words in one font, drawn without anti-aliasing on an 18 x 32 px cell a
// letter, as in the energy-based-models coursework this reader grew from.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/image.h"
#include "core/rng.h"
#include "ocr/font.h"
#include "ocr/ink.h"

namespace talweg::ocr {

/// plain: the pen starts at x = 0. jitter: at x = 0 ... 7 px, equally likely. noise: jitter, then
/// each pixel is set with probability 0.1.
enum class Variant { kPlain, kJitter, kNoise };

/// "plain", "jitter" or "noise".
std::string_view variant_name(Variant variant);
/// The inverse. Throws Error listing the three names.
Variant parse_variant(std::string_view name);

/// The drawing's measures in pixels. At height 32 they are the coursework's; other heights scale
/// them, rounded to whole pixels.
struct TaskGeometry {
  int height = 32;
  int pixel_size = 20;  // of the em
  int baseline = 22;    // row below the letters' feet
  int cell = 18;        // canvas width a letter
  int max_jitter = 7;

  /// Throws Error unless 8 <= height <= 1024.
  static TaskGeometry for_height(int height);
};

/// Draws words: white (255) on black (0), every pixel one of the two, set where a glyph covers at
/// least half of it. Glyphs are rasterised once, at construction; afterwards the object is
/// immutable and any number of threads may render with it.
class ClassicTask {
 public:
  /// Prepares `letters` of `font` for images of `height` rows. Throws IoError if the font lacks
  /// any.
  ClassicTask(const Font& font, std::u32string_view letters, int height = 32);
  /// The task as set: Anonymous Pro, a-z, 32 rows. Throws IoError if the font is not installed.
  static ClassicTask standard();

  /// The image of a UTF-8 word, `height` rows by 18 columns a letter (scaled with the height). A
  /// font whose word, at the greatest jitter, needs more gets a wider canvas; one that reaches left
  /// of its pen starts later by that much. Every draw comes from `rng`, none for Variant::kPlain.
  /// `boxes`, if given, receives one box a character.
  /// Throws Error on an empty word or a character that was not prepared.
  io::Gray8 render(std::string_view word, Variant variant, Rng& rng,
                   std::vector<CharBox>* boxes = nullptr) const;

  const TaskGeometry& geometry() const { return geometry_; }

 private:
  struct Placed {
    const Glyph* glyph;
    int x;  // of the bitmap's left column, before the jitter
  };
  struct Layout {
    std::vector<Placed> glyphs;
    int canvas_width = 0;
  };
  Layout lay_out(std::string_view word) const;

  TaskGeometry geometry_;
  std::map<char32_t, Glyph> glyphs_;  // coverage already binarised to 0 or 255
};

}  // namespace talweg::ocr
