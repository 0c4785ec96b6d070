// Picture files made by hand for the tests, so that every header field can lie.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace talweg::io {

inline std::string big_endian(uint32_t v) {
  return {char(v >> 24), char(v >> 16), char(v >> 8), char(v)};
}

inline std::string little_endian(uint32_t v, int bytes = 4) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += char(v >> (8 * i));
  return text;
}

/// Bit by bit, from the definition.
inline uint32_t plain_crc32(std::string_view bytes) {
  uint32_t c = ~0u;
  for (const char byte : bytes) {
    c ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) ? 0xEDB88320u ^ (c >> 1) : c >> 1;
  }
  return ~c;
}

inline std::string png_chunk(const std::string& type, const std::string& data) {
  return big_endian(uint32_t(data.size())) + type + data + big_endian(plain_crc32(type + data));
}

/// zlib data (RFC 1950) in one stored block, at most 65535 bytes.
inline std::string zlib_stored(const std::string& raw) {
  uint32_t a = 1, b = 0;
  for (const char byte : raw) {
    a = (a + static_cast<unsigned char>(byte)) % 65521;
    b = (b + a) % 65521;
  }
  const uint32_t n = uint32_t(raw.size());
  return std::string("\x78\x01\x01") + little_endian(n, 2) + little_endian(~n, 2) + raw +
         big_endian(b << 16 | a);
}

/// A PNG file; `rows` are the scan lines, each with its filter byte before it.
inline std::string png_file(uint32_t width, uint32_t height, int depth, int color_type,
                            const std::string& rows) {
  const std::string header = big_endian(width) + big_endian(height) + char(depth) +
                             char(color_type) + std::string(3, '\0');
  return "\x89PNG\r\n\x1A\n" + png_chunk("IHDR", header) + png_chunk("IDAT", zlib_stored(rows)) +
         png_chunk("IEND", "");
}

/// A BMP file of 24 bits a pixel; `rows` from the bottom up, each padded to 4 bytes.
inline std::string bmp_file(int32_t width, int32_t height, const std::string& rows) {
  const uint32_t headers = 54;
  return "BM" + little_endian(headers + uint32_t(rows.size())) + little_endian(0) +
         little_endian(headers) + little_endian(40) + little_endian(uint32_t(width)) +
         little_endian(uint32_t(height)) + little_endian(1, 2) + little_endian(24, 2) +
         std::string(24, '\0') + rows;
}

/// The smallest JPEG file: 8 x 8 grey pixels, all 191. One Huffman code each for DC (six bits
/// follow) and AC (end of block); the DC value 63 times the quantiser 8 lies 504 / 8 above 128.
inline std::string jpeg_file() {
  const auto segment = [](char marker, const std::string& data) {
    const uint32_t length = uint32_t(data.size()) + 2;
    return std::string{'\xFF', marker, char(length >> 8), char(length)} + data;
  };
  const auto huffman = [&](char table, char symbol) {
    return segment('\xC4', std::string{table, 1} + std::string(15, '\0') + symbol);
  };
  return std::string("\xFF\xD8") + segment('\xDB', '\0' + std::string(64, '\x08')) +
         segment('\xC0', std::string("\x08\0\x08\0\x08\x01\x01\x11\0", 9)) + huffman('\x00', 6) +
         huffman('\x10', 0) + segment('\xDA', std::string("\x01\x01\x00\x00\x3F\x00", 6)) +
         "\x7E\xFF\xD9";
}

}  // namespace talweg::io
