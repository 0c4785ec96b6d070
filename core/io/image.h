// Pictures: grey ones are what the recognizer reads, coloured ones are what reports show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/text.h"

namespace talweg::io {

/// A colour in sRGB, 0 ... 255 a channel.
struct Rgb {
  uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Rgb&) const = default;
};

/// A grey picture, row by row from the top left, 0 = black, 255 = white.
struct Gray8 {
  int width = 0, height = 0;
  std::vector<uint8_t> pixels;

  Gray8() = default;
  /// A picture of one value. Throws Error if a side is negative.
  Gray8(int width, int height, uint8_t value = 0);

  uint8_t& at(int x, int y) { return pixels[size_t(y) * size_t(width) + size_t(x)]; }
  uint8_t at(int x, int y) const { return pixels[size_t(y) * size_t(width) + size_t(x)]; }
};

/// A colour picture to draw on: r, g, b bytes a pixel, row by row from the top left. Everything
/// drawn is clipped to the canvas.
struct Rgb8 {
  int width = 0, height = 0;
  std::vector<uint8_t> pixels;

  Rgb8() = default;
  /// A canvas of one colour. Throws Error if a side is negative.
  Rgb8(int width, int height, Rgb color = {255, 255, 255});

  Rgb at(int x, int y) const;
  /// Sets one pixel; outside the canvas nothing happens.
  void set(int x, int y, Rgb color);
  void fill_rect(int x, int y, int w, int h, Rgb color);
  /// Copies `source` with its top left corner at (x, y), every pixel a scale x scale square.
  void blit(const Gray8& source, int x, int y, int scale = 1);
  void blit(const Rgb8& source, int x, int y, int scale = 1);
  /// A straight line between pixel centres, drawn with a square pen of `thickness` pixels.
  void line(int x0, int y0, int x1, int y1, Rgb color, int thickness = 1);
};

/// The largest picture read, in pixels; checked in the header, before anything is decoded.
inline constexpr int64_t kMaxPixels = int64_t{64} << 20;

/// Decodes PNG, JPEG, BMP or binary PBM/PGM/PPM to grey: luma 0.299 r + 0.587 g + 0.114 b,
/// transparent pixels over white, 16 bits reduced to 8, EXIF rotation ignored. `origin` names the
/// source in messages. Throws IoError, in one sentence, when the bytes are empty, no such picture,
/// truncated, damaged or too large.
Gray8 decode_gray(std::string_view bytes, const std::string& origin);

/// decode_gray of a file's bytes. Throws IoError also when the file is missing or can't be read.
Gray8 load_gray(const std::filesystem::path& path);

/// The picture as a PNG file's bytes. Throws Error if it is empty or its sides and bytes disagree.
std::string encode_png(const Gray8& image);
std::string encode_png(const Rgb8& image);

/// Writes a PNG file atomically. Throws as encode_png and write_file_atomically do.
void save_png(const std::filesystem::path& path, const Gray8& image);
void save_png(const std::filesystem::path& path, const Rgb8& image);

/// "data:image/png;base64,..." for the bytes of a PNG file.
std::string png_data_uri(std::string_view png);

}  // namespace talweg::io
