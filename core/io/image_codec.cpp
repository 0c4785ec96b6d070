// Between picture files and pixels: stb decodes and encodes; what stb lets pass in silence
// (truncated or damaged files) is found here first.
#include <array>
#include <climits>
#include <cstdlib>
#include <memory>

#include "core/error.h"
#include "core/io/file.h"
#include "core/io/image.h"
#include "core/io/pnm.h"

namespace {

// A small file can promise a huge picture; no single request of the decoder may pass this.
constexpr size_t kMaxAllocation = size_t{1} << 30;
void* limited_malloc(size_t size) { return size > kMaxAllocation ? nullptr : std::malloc(size); }
void* limited_realloc(void* p, size_t size) {
  return size > kMaxAllocation ? nullptr : std::realloc(p, size);
}

}  // namespace

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_MALLOC limited_malloc
#define STBI_REALLOC limited_realloc
#define STBI_FREE std::free
#include <stb_image.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

namespace talweg::io {
namespace {

constexpr std::string_view kPngMagic = "\x89PNG";
constexpr std::string_view kJpegMagic = "\xFF\xD8\xFF";
constexpr std::string_view kBmpMagic = "BM";
constexpr uint64_t kMaxPictureFile = uint64_t{1} << 29;

uint32_t byte_at(std::string_view bytes, size_t i) { return static_cast<unsigned char>(bytes[i]); }
uint32_t big_endian(std::string_view b, size_t i) {
  return byte_at(b, i) << 24 | byte_at(b, i + 1) << 16 | byte_at(b, i + 2) << 8 | byte_at(b, i + 3);
}
uint32_t little_endian(std::string_view b, size_t i) {
  return byte_at(b, i + 3) << 24 | byte_at(b, i + 2) << 16 | byte_at(b, i + 1) << 8 | byte_at(b, i);
}

[[noreturn]] void truncated(const std::string& origin, const char* kind) {
  throw IoError(message(origin, ": ", kind,
                        " picture is truncated: the file ends before the picture does; fetch or "
                        "export it again"));
}

[[noreturn]] void damaged(const std::string& origin, const char* kind, std::string_view why) {
  throw IoError(
      message(origin, ": ", kind, " picture is damaged (", why, "); fetch or export it again"));
}

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}

/// CRC-32 as PNG uses it (ISO 3309); source: PNG specification, annex D.
uint32_t crc32(std::string_view bytes) {
  static constexpr auto kTable = crc_table();
  uint32_t c = ~0u;
  for (size_t i = 0; i < bytes.size(); ++i) c = kTable[(c ^ byte_at(bytes, i)) & 0xFF] ^ (c >> 8);
  return ~c;
}

/// Walks the chunks (length, type, data, checksum) up to IEND: stb checks neither the sums nor the
/// end.
void check_png(std::string_view bytes, const std::string& origin) {
  constexpr size_t kSignature = 8, kFrame = 12;
  for (size_t at = kSignature; at + kFrame <= bytes.size();) {
    const size_t length = big_endian(bytes, at);
    if (length > bytes.size() - at - kFrame) break;
    const std::string_view type = bytes.substr(at + 4, 4);
    if (crc32(bytes.substr(at + 4, 4 + length)) != big_endian(bytes, at + 8 + length)) {
      damaged(origin, "PNG", "a checksum does not match");
    }
    if (type == "IEND") return;
    at += kFrame + length;
  }
  truncated(origin, "PNG");
}

/// The last scan must be followed by the end-of-image marker. Inside a scan 0xFF is followed by 0
/// or by a restart marker, so neither pattern turns up by chance.
void check_jpeg(std::string_view bytes, const std::string& origin) {
  const size_t scan = bytes.rfind("\xFF\xDA");
  if (scan == bytes.npos || bytes.find("\xFF\xD9", scan) == bytes.npos) truncated(origin, "JPEG");
}

/// The pixel rows, each padded to 4 bytes, must lie inside the file.
void check_bmp(std::string_view bytes, const std::string& origin) {
  constexpr size_t kHeaders = 30, kOldHeaderSize = 12;
  if (bytes.size() < kHeaders) truncated(origin, "BMP");
  const uint64_t pixels_at = little_endian(bytes, 10);
  if (little_endian(bytes, 14) == kOldHeaderSize) return;  // OS/2, sides of 16 bits: left to stb
  const int64_t width = int32_t(little_endian(bytes, 18));
  const int64_t height = std::abs(int64_t{int32_t(little_endian(bytes, 22))});
  check_picture_size(width, height, origin);
  const uint64_t bits = byte_at(bytes, 28);
  const uint64_t stride = (uint64_t(width) * bits + 31) / 32 * 4;
  if (pixels_at + stride * uint64_t(height) > bytes.size()) truncated(origin, "BMP");
}

/// Finds the kind of picture and checks what stb does not.
const char* checked_kind(std::string_view bytes, const std::string& origin) {
  if (bytes.starts_with(kPngMagic)) return check_png(bytes, origin), "PNG";
  if (bytes.starts_with(kJpegMagic)) return check_jpeg(bytes, origin), "JPEG";
  if (bytes.starts_with(kBmpMagic)) return check_bmp(bytes, origin), "BMP";
  throw IoError(message(origin,
                        ": not a picture this program reads (PNG, JPEG, BMP, binary PBM/PGM/PPM); "
                        "convert it to PNG"));
}

/// Grey of one pixel of 1 (grey), 2 (grey, alpha), 3 (rgb) or 4 (rgb, alpha) channels, over white.
uint8_t gray_over_white(const uint8_t* p, int channels) {
  const int gray = channels < 3 ? p[0] : luma(p[0], p[1], p[2]);
  if (channels % 2 == 1) return uint8_t(gray);
  return over_white(gray, p[channels - 1]);
}

std::string encode_pixels(int width, int height, int channels, const std::vector<uint8_t>& pixels) {
  expect(width > 0 && height > 0 && width <= kMaxPixels / height,
         "[encode_png] sides must be positive and hold at most ", kMaxPixels, " pixels, found ",
         width, " x ", height);
  expect(pixels.size() == size_t(width) * size_t(height) * size_t(channels), "[encode_png] ", width,
         " x ", height, " pixels of ", channels, " bytes expected, found ", pixels.size(),
         " bytes");
  std::string png;
  const auto append = [](void* out, void* data, int size) {
    static_cast<std::string*>(out)->append(static_cast<const char*>(data), size_t(size));
  };
  if (!stbi_write_png_to_func(append, &png, width, height, channels, pixels.data(),
                              width * channels)) {
    throw IoError(message("[encode_png] out of memory for ", width, " x ", height, " pixels"));
  }
  return png;
}

}  // namespace

Gray8 decode_gray(std::string_view bytes, const std::string& origin) {
  if (bytes.empty()) {
    throw IoError(message(origin, ": picture is empty (0 bytes); fetch or export it again"));
  }
  if (looks_like_pnm(bytes)) return decode_pnm(bytes, origin);
  const char* kind = checked_kind(bytes, origin);
  if (bytes.size() > kMaxPictureFile) damaged(origin, kind, "the file is too large");

  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = int(bytes.size());
  int width = 0, height = 0, channels = 0;
  if (!stbi_info_from_memory(data, size, &width, &height, &channels)) {
    damaged(origin, kind, stbi_failure_reason());
  }
  check_picture_size(width, std::abs(int64_t{height}), origin);
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &channels, 0), stbi_image_free);
  if (!pixels) damaged(origin, kind, stbi_failure_reason());

  Gray8 image(width, height);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = gray_over_white(pixels.get() + i * size_t(channels), channels);
  }
  return image;
}

Gray8 load_gray(const std::filesystem::path& path) {
  return decode_gray(read_file(path, kMaxPictureFile), path.string());
}

std::string encode_png(const Gray8& image) {
  return encode_pixels(image.width, image.height, 1, image.pixels);
}

std::string encode_png(const Rgb8& image) {
  return encode_pixels(image.width, image.height, 3, image.pixels);
}

void save_png(const std::filesystem::path& path, const Gray8& image) {
  write_file_atomically(path, encode_png(image));
}

void save_png(const std::filesystem::path& path, const Rgb8& image) {
  write_file_atomically(path, encode_png(image));
}

std::string png_data_uri(std::string_view png) { return "data:image/png;base64," + base64(png); }

}  // namespace talweg::io
