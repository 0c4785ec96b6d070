// Between picture files and pixels: stb decodes and encodes; what it lets pass in silence is found
// first (picture_check.h).
#include <cstdlib>
#include <memory>

#include "core/error.h"
#include "core/io/file.h"
#include "core/io/image.h"
#include "core/io/picture_check.h"
#include "core/io/pnm.h"

namespace {

// A small file can promise a huge picture; no single request of the decoder may pass this. What a
// damaged file leaves undecoded is 0, and not what lay in memory: the same bytes, the same picture.
constexpr size_t kMaxAllocation = size_t{1} << 30;
void* limited_malloc(size_t size) { return size > kMaxAllocation ? nullptr : std::calloc(1, size); }
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

constexpr uint64_t kMaxPictureFile = uint64_t{1} << 29;

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
  if (bytes.size() > kMaxPictureFile) damaged_picture(origin, kind, "the file is too large");
  const std::optional<std::string> whole = with_whole_palette(bytes);
  if (whole) bytes = *whole;

  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = int(bytes.size());
  int width = 0, height = 0, channels = 0;
  if (!stbi_info_from_memory(data, size, &width, &height, &channels)) {
    damaged_picture(origin, kind, stbi_failure_reason());
  }
  check_density(kind, width, std::abs(int64_t{height}), bytes.size(), origin);
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &channels, 0), stbi_image_free);
  if (!pixels) damaged_picture(origin, kind, stbi_failure_reason());

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
