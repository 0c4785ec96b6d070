#include "ocr/font.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kMaxFontBytes = uint64_t{256} << 20;
// No letter is larger than this many ems; a damaged font may claim anything.
constexpr int kMaxEms = 8;

// TrueType, OpenType with CFF outlines, collections, Type 1 as text and as PFB. Files of FreeType's other
// drivers hold bitmaps, or unpack to sizes that they choose themselves.
bool looks_like_font(std::string_view bytes) {
  constexpr std::array<std::string_view, 6> kBeginnings{
      std::string_view("\0\1\0\0", 4), "true", "OTTO", "ttcf", "%!", "\x80\x01"};
  return std::ranges::any_of(kBeginnings, [&](auto b) { return bytes.starts_with(b); });
}

std::string reason(FT_Error error) {
  const char* text = FT_Error_String(error);  // null where FreeType was built without the texts
  return text != nullptr ? text : message("FreeType error ", error);
}

bool is_font_file(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  });
  return ending == ".ttf" || ending == ".otf" || ending == ".ttc" || ending == ".pfb";
}

// Every font file below `folder`, sorted; nothing if the folder is absent. Unreadable subfolders
// are passed over.
std::vector<std::string> font_files(const fs::path& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code unreadable;
    if (is_font_file(it->path()) && it->is_regular_file(unreadable)) {
      files.push_back(it->path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The folders of the freedesktop.org convention, the system's before the user's.
std::vector<fs::path> font_folders() {
  std::vector<fs::path> folders = {"/usr/share/fonts", "/usr/share/texmf/fonts",
                                   "/usr/local/share/fonts"};
  if (const char* home = std::getenv("HOME"); home != nullptr) {
    folders.push_back(fs::path(home) / ".local/share/fonts");
    folders.push_back(fs::path(home) / ".fonts");
  }
  return folders;
}

}  // namespace

void Font::Close::operator()(FT_LibraryRec_* library) const { FT_Done_FreeType(library); }
void Font::Close::operator()(FT_FaceRec_* face) const { FT_Done_Face(face); }

Font Font::load(const std::string& path, int index) {
  Font font;
  font.path_ = path;
  font.bytes_ = std::make_unique<const std::string>(io::read_file(path, kMaxFontBytes));
  if (!looks_like_font(*font.bytes_)) {
    throw IoError(message("[font] ", path, " is not a font of a kind that is read here; give a ",
                          "TrueType, OpenType or Type 1 file"));
  }
  FT_Library library = nullptr;
  if (FT_Error error = FT_Init_FreeType(&library); error != 0) {
    throw IoError(message("[font] FreeType does not start: ", reason(error)));
  }
  font.library_.reset(library);
  FT_Face face = nullptr;
  const auto* data = reinterpret_cast<const FT_Byte*>(font.bytes_->data());
  const auto size = static_cast<FT_Long>(font.bytes_->size());
  if (FT_Error error = FT_New_Memory_Face(library, data, size, index, &face); error != 0) {
    throw IoError(message("[font] ", path, index == 0 ? "" : message(", face ", index),
                          " is not a font, or a damaged one (", reason(error),
                          "); give a TrueType or OpenType file"));
  }
  font.face_.reset(face);
  if (!FT_IS_SCALABLE(face)) {
    throw IoError(message("[font] ", path, " holds bitmaps only; give a font with outlines"));
  }
  return font;
}

std::string Font::name() const {
  const std::string family = face_->family_name ? face_->family_name : "unnamed";
  return face_->style_name ? family + " " + face_->style_name : family;
}

std::string Font::family() const { return face_->family_name ? face_->family_name : "unnamed"; }

int Font::face_count() const { return static_cast<int>(face_->num_faces); }

bool Font::has(char32_t letter) const { return FT_Get_Char_Index(face_.get(), letter) != 0; }

void Font::require(std::u32string_view letters) const {
  std::u32string missing;
  for (char32_t c : letters) {
    if (!has(c)) missing += c;
  }
  if (!missing.empty()) {
    throw IoError(message("[font] ", path_, " has no glyph for ", describe_all(missing),
                          "; choose another font or leave these letters out"));
  }
}

void Font::set_pixel_size(double pixel_size) const {
  expect(1 <= pixel_size && pixel_size <= 1024, "[font] pixel size ", pixel_size,
         " must be 1 ... 1024");
  // In 1/64 px; at 72 dots an inch a point is a pixel.
  const auto size = static_cast<FT_F26Dot6>(std::lround(pixel_size * 64));
  if (FT_Error error = FT_Set_Char_Size(face_.get(), 0, size, 72, 72); error != 0) {
    throw IoError(
        message("[font] ", path_, " can't be scaled to ", pixel_size, " px: ", reason(error)));
  }
}

Glyph Font::load_glyph(uint32_t index, double pixel_size, int32_t flags,
                       const std::string& what) const {
  set_pixel_size(pixel_size);
  const auto demand = [&](FT_Error error) {
    if (error == 0) return;
    throw IoError(message("[font] ", path_, ": the glyph of ", what, " is damaged (", reason(error),
                          "); choose another font"));
  };
  // NO_BITMAP: embedded bitmaps of some fonts differ in style from their outlines.
  demand(FT_Load_Glyph(face_.get(), index, flags | FT_LOAD_NO_BITMAP));
  const FT_GlyphSlot slot = face_->glyph;
  demand(slot->format == FT_GLYPH_FORMAT_OUTLINE ? 0 : FT_Err_Invalid_Glyph_Format);
  // 16.16 px -> 1/64 px. The unhinted advance: hinting rounds it to whole pixels (10.92 -> 11).
  const FT_Fixed advance = (slot->linearHoriAdvance + 512) >> 10;
  FT_BBox box;
  FT_Outline_Get_CBox(&slot->outline, &box);
  // Looked at before there is a bitmap, which FreeType makes up to 1 GB large.
  const FT_Pos limit = FT_Pos(64 * std::ceil(kMaxEms * pixel_size));
  const bool sane = -limit <= box.xMin && box.xMax <= limit && -limit <= box.yMin &&
                    box.yMax <= limit && 0 <= advance && advance <= limit;
  if (!sane) {
    throw IoError(message("[font] ", path_, ": the glyph of ", what, " is larger than ", kMaxEms,
                          " ems; the font is damaged"));
  }
  demand(FT_Render_Glyph(slot, FT_RENDER_MODE_NORMAL));
  const FT_Bitmap& bitmap = slot->bitmap;
  Glyph glyph;
  glyph.left = slot->bitmap_left;
  glyph.top = slot->bitmap_top;
  glyph.width = static_cast<int>(bitmap.width);
  glyph.height = static_cast<int>(bitmap.rows);
  glyph.advance = static_cast<int>(advance);
  glyph.coverage.reserve(size_t(glyph.width) * size_t(glyph.height));
  for (int row = 0; row < glyph.height; ++row) {
    const uint8_t* line = bitmap.buffer + ptrdiff_t(row) * bitmap.pitch;
    glyph.coverage.insert(glyph.coverage.end(), line, line + glyph.width);
  }
  return glyph;
}

Glyph Font::rasterise(char32_t letter, int pixel_size) const {
  require({&letter, 1});
  return load_glyph(FT_Get_Char_Index(face_.get(), letter), pixel_size, FT_LOAD_DEFAULT,
                    describe(letter));
}

Glyph Font::rasterise_unhinted(char32_t letter, double pixel_size) const {
  require({&letter, 1});
  return load_glyph(FT_Get_Char_Index(face_.get(), letter), pixel_size, FT_LOAD_NO_HINTING,
                    describe(letter));
}

Glyph Font::rasterise_missing(double pixel_size) const {
  return load_glyph(0, pixel_size, FT_LOAD_NO_HINTING, "missing letters");
}

double Font::kerning(char32_t left, char32_t right, double pixel_size) const {
  if (!FT_HAS_KERNING(face_.get()) || face_->units_per_EM == 0) return 0;
  FT_Vector units{0, 0};
  const FT_Face face = face_.get();
  FT_Get_Kerning(face, FT_Get_Char_Index(face, left), FT_Get_Char_Index(face, right),
                 FT_KERNING_UNSCALED, &units);
  return double(units.x) * pixel_size / face->units_per_EM;
}

std::string find_font(std::string_view name) {
  const fs::path wanted(name);
  std::error_code absent;
  if (fs::is_regular_file(wanted, absent)) return wanted.string();
  std::string looked_in;
  for (const fs::path& folder : font_folders()) {
    for (const std::string& file : font_files(folder)) {
      const fs::path path(file);
      if (path.filename() == wanted || path.stem() == wanted) return file;
    }
    looked_in += (looked_in.empty() ? "" : ", ") + folder.string();
  }
  const bool is_default = name == kDefaultFont || name == fs::path(kDefaultFont).stem();
  throw IoError(message("[font] there is no font '", name, "' here or in ", looked_in, "; ",
                        is_default ? "install the package fonts-anonymous-pro"
                                   : "give the path of a TrueType or OpenType file"));
}

std::vector<std::string> system_font_folders() {
  std::vector<std::string> folders;
  for (const fs::path& folder : font_folders()) {
    if (!font_files(folder).empty()) folders.push_back(folder.string());
  }
  if (folders.empty()) throw IoError("[font] this system has no fonts; name some");
  return folders;
}

std::vector<std::string> fonts_in(const std::string& folder) {
  std::error_code absent;
  if (!fs::is_directory(folder, absent)) {
    throw IoError(message("[font] there is no folder ", folder, "; give a folder of fonts"));
  }
  std::vector<std::string> files = font_files(folder);
  if (files.empty()) {
    throw IoError(message("[font] ", folder, " holds no .ttf, .otf, .ttc or .pfb file"));
  }
  return files;
}

}  // namespace talweg::ocr
