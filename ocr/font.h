// Fonts through FreeType: any TrueType, OpenType or Type 1 face, its glyphs as grey-scale bitmaps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct FT_FaceRec_;
struct FT_LibraryRec_;

namespace talweg::ocr {

/// One rasterised character. Pixel (column c, row r) of the bitmap lies at x = pen + left + c and
/// y = baseline - top + r, with y growing downwards.
struct Glyph {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  int advance = 0;                // the pen's step in 1/64 px
  std::vector<uint8_t> coverage;  // row-major [height, width]; 255 = wholly covered
};

/// An open font face. Movable; not thread-safe (FreeType's faces are not): one a thread, or
/// rasterise first and share the glyphs.
class Font {
 public:
  /// Opens a font file, or face `index` of a collection (.ttc). Throws IoError if it is missing, is
  /// no font, has no such face, or no scalable outlines.
  static Font load(const std::string& path, int index = 0);

  const std::string& path() const { return path_; }
  /// "Anonymous Pro Regular": family and style as the font itself says.
  std::string name() const;
  /// "Anonymous Pro".
  std::string family() const;
  /// Faces in the file: more than 1 in a collection.
  int face_count() const;

  bool has(char32_t letter) const;
  /// Throws IoError naming the font and each of `letters` that it has no glyph for.
  void require(std::u32string_view letters) const;

  /// Rasterises one character at `pixel_size` pixels an em, hinted as FreeType does by default, at
  /// a whole-pixel pen position. Throws IoError if the font lacks the glyph or it is damaged.
  Glyph rasterise(char32_t letter, int pixel_size) const;
  /// The same without hinting, as the outline is, at any size: letters keep their true shapes and
  /// distances.
  Glyph rasterise_unhinted(char32_t letter, double pixel_size) const;
  /// What the font draws in place of a letter that it lacks, unhinted.
  Glyph rasterise_missing(double pixel_size) const;

  /// By how much the pair stands wider than the advances say, in pixels; mostly 0 or below. From the
  /// font's table 'kern'; what a GPOS table says is not read, FreeType leaves that to text shapers.
  double kerning(char32_t left, char32_t right, double pixel_size) const;

 private:
  struct Close {
    void operator()(FT_LibraryRec_* library) const;
    void operator()(FT_FaceRec_* face) const;
  };
  Font() = default;
  void set_pixel_size(double pixel_size) const;
  Glyph load_glyph(uint32_t index, double pixel_size, int32_t flags, const std::string& what) const;

  // Declared in the order of need, so destroyed in reverse: a face reads the file's bytes, and dies
  // before its library.
  std::string path_;
  std::unique_ptr<const std::string> bytes_;  // on the heap: moving the Font must not move them
  std::unique_ptr<FT_LibraryRec_, Close> library_;
  std::unique_ptr<FT_FaceRec_, Close> face_;
};

/// The font of the classic task, as a file name.
inline constexpr std::string_view kDefaultFont = "Anonymous Pro.ttf";

/// The path of a font: `name` itself if such a file exists, else the file of that name ("Anonymous
/// Pro.ttf", or without its ending) in the system's font folders. Throws IoError saying where it
/// looked; for the default font it names the package to install.
std::string find_font(std::string_view name = kDefaultFont);

/// The folders where systems keep fonts, those that exist: /usr/share/fonts, that of TeX, /usr/local
/// and the user's own.
std::vector<std::string> system_font_folders();

/// All font files (.ttf, .otf, .ttc, .pfb) in a folder and its subfolders, sorted by path. Throws IoError
/// if the folder does not exist or holds none.
std::vector<std::string> fonts_in(const std::string& folder);

}  // namespace talweg::ocr
