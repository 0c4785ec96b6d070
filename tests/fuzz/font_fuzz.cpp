// Fonts: any bytes, and installed fonts with a few bytes changed in a table, are refused in a sentence
// or draw letters.
#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/typeface.h"
#include "tests/fuzz/input.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

using fuzz::Input;
using fuzz::require;

/// The smallest installed font that begins so; "" where there is none.
std::string smallest_font(std::string_view beginning) {
  constexpr uintmax_t kLarge = 400'000;
  std::string smallest;
  uintmax_t least = kLarge;
  for (const std::string& folder : system_font_folders()) {
    for (const std::string& file : fonts_in(folder)) {
      const uintmax_t size = std::filesystem::file_size(file);
      if (size >= least) continue;
      std::string bytes = io::read_file(file);
      if (bytes.starts_with(beginning)) least = size, smallest = std::move(bytes);
    }
  }
  return smallest;
}

/// Whole fonts to be damaged: the classic task's, which has TrueType outlines, instructions and
/// kerning, and one each of the other kinds, where they are installed.
const std::vector<std::string>& fonts() {
  static const std::vector<std::string> kFonts = [] {
    std::vector<std::string> list{io::read_file(find_font())};
    for (const char* beginning : {"OTTO", "\x80\x01", "ttcf"}) {
      if (std::string font = smallest_font(beginning); !font.empty()) list.push_back(font);
    }
    return list;
  }();
  return kFonts;
}

uint32_t big_endian(std::string_view b, size_t at) {
  uint32_t x = 0;
  for (size_t k = at; k < at + 4; ++k) x = x << 8 | static_cast<unsigned char>(b[k]);
  return x;
}

/// Where the tables of an sfnt lie, its directory first; the whole file where it is none.
std::vector<std::pair<size_t, size_t>> pieces_of(std::string_view font) {
  constexpr size_t kHead = 12, kEntry = 16;
  const bool sfnt = font.starts_with("OTTO") || font.starts_with(std::string_view("\0\1\0\0", 4));
  if (!sfnt) return {{0, font.size()}};
  const size_t tables = big_endian(font, 2) & 0xFFFF;
  std::vector<std::pair<size_t, size_t>> pieces{{0, kHead + kEntry * tables}};
  for (size_t at = kHead; at < pieces[0].second; at += kEntry) {
    pieces.emplace_back(big_endian(font, at + 8), big_endian(font, at + 12));
  }
  return pieces;
}

/// A font with up to 16 places of its tables overwritten, small tables as often as large ones.
std::string damaged_font(Input& in) {
  std::string font = fonts()[size_t(in.below(std::ssize(fonts())))];
  const auto pieces = pieces_of(font);
  for (int64_t n = 1 + in.below(16); n > 0; --n) {
    const auto [begin, length] = pieces[size_t(in.below(std::ssize(pieces)))];
    const size_t at = begin + in.bits<uint32_t>() % std::max<size_t>(length, 1);
    for (int64_t k = 1 + in.below(4); k > 0; --k) {
      if (at + size_t(k) < font.size()) font[at + size_t(k)] = static_cast<char>(in.byte());
    }
  }
  return font;
}

void check_glyph(const Glyph& g, double size) {
  const int most = int(8 * size) + 2;
  require(g.coverage.size() == size_t(g.width) * size_t(g.height), "a glyph is whole");
  require(g.width <= 2 * most && g.height <= 2 * most, "a glyph is no larger than letters are");
}

void check_letters(const Font& font) {
  for (const char32_t letter : {U'a', U'g', U'i', U'\u00e9'}) {
    for (const int size : {1, 20, 48}) {
      try {
        check_glyph(font.rasterise(letter, size), size);
        check_glyph(font.rasterise_unhinted(letter, size + 0.5), size + 0.5);
      } catch (const IoError&) {
      }
    }
  }
  require(fuzz::is_finite(font.kerning(U'A', U'V', 20)), "kerning is a number");
}

void check_typeface(const Font& font) {
  try {
    const Typeface face(font, U"Valey");
    const Ink ink = face.set(U"Valey", {});
    require(ink.coverage.size() == size_t(ink.width) * size_t(ink.height), "ink is whole");
    require(std::ranges::all_of(ink.coverage, [](float c) { return 0 <= c && c <= 1; }),
            "coverage lies between 0 and 1");
  } catch (const IoError&) {  // unfit for words
  } catch (const Error& e) {  // a letter that it was asked for may be missing
    require(std::string_view(e.what()).starts_with("[render] "), "only the setting may fail");
  }
}

}  // namespace
}  // namespace talweg::ocr

talweg::fuzz::Corpus talweg::fuzz::corpus() {
  Corpus corpus{{}, 400};
  for (char font = 0; size_t(font) < ocr::fonts().size(); ++font) {
    for (char table = 0; table < 20; ++table) {
      for (char place = 0; place < 40; place += 8) {
        corpus.seeds.push_back(std::string{char(1 + table % 4), font, 0, table, place, 0, 0, 0, 3} +
                               "\xFF\x7F\xFF\x7F");
      }
    }
  }
  return corpus;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talweg;
  static const ocr::ScratchFolder folder;
  fuzz::Input in(data, size);
  const int64_t way = in.below(8);
  const std::string bytes = way == 0 ? std::string(in.rest()) : ocr::damaged_font(in);
  const std::string path = folder.write("damaged.ttf", bytes);
  try {
    const ocr::Font font = ocr::Font::load(path, way == 1 ? 1 : 0);
    ocr::check_letters(font);
    if (way == 2) ocr::check_typeface(font);
  } catch (const IoError& e) {
    fuzz::require(std::string_view(e.what()).starts_with("[font] " + path), "it says which font");
  }
  return 0;
}
