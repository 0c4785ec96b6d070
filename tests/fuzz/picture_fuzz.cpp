// Picture files: any bytes, and PNG files behind right checksums, are refused in a sentence or are a
// picture that the model can be shown.
#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/io/image.h"
#include "ocr/image_prep.h"
#include "tests/core/io/image_files.h"
#include "tests/fuzz/input.h"

namespace talweg::io {
namespace {

using fuzz::require;

constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1A\n";

/// No file this small decodes to more: deflate at its densest, 1032 bytes for one (zlib's manual,
/// "Maximum compression factor").
int64_t most_pixels(size_t bytes) { return 8 * 1032 * int64_t(bytes); }

void check_prepared(const Gray8& image) {
  try {
    const ocr::InkImage ink = ocr::prepare_image(image);
    require(ink.ink.size() == size_t(ink.height) * size_t(ink.width), "an ink image is whole");
    const auto sane = [](float v) { return -1 <= v && v <= 1.5f; };
    require(std::ranges::all_of(ink.ink, sane), "ink lies between -1 and 1.5, and is no NaN");
  } catch (const Error&) {  // too wide for the model
  }
}

void check_bytes(std::string_view bytes) {
  Gray8 image;
  try {
    image = decode_gray(bytes, "PICTURE");
  } catch (const IoError& e) {
    require(std::string_view(e.what()).starts_with("PICTURE: "), "a refusal says of what");
    return;
  }
  const int64_t pixels = int64_t(image.width) * image.height;
  require(image.width > 0 && image.height > 0 && pixels <= kMaxPixels, "a picture has pixels");
  require(image.pixels.size() == size_t(pixels), "a picture is whole");
  require(pixels <= most_pixels(bytes.size()), "a picture's pixels are in its file");
  constexpr int64_t kSmall = 1 << 14;
  if (pixels > kSmall) return;
  require(decode_gray(encode_png(image), "COPY").pixels == image.pixels, "a copy is the same");
  check_prepared(image);
}

/// Makes chunks of whatever follows the signature: lengths that lead past the end are cut, checksums
/// made right, an end put behind.
std::string with_right_checksums(std::string_view bytes) {
  std::string png(kPngSignature);
  bytes.remove_prefix(std::min(bytes.size(), kPngSignature.size()));
  constexpr size_t kHead = 8, kSum = 4;
  while (bytes.size() > kHead) {
    uint32_t promised = 0;
    for (size_t i = 0; i < 4; ++i) promised = promised << 8 | static_cast<unsigned char>(bytes[i]);
    const size_t length = std::min<size_t>(promised, bytes.size() - kHead);
    png += png_chunk(std::string(bytes.substr(4, 4)), std::string(bytes.substr(kHead, length)));
    bytes.remove_prefix(std::min(bytes.size(), kHead + length + kSum));
  }
  return png + png_chunk("IEND", "");
}

Gray8 a_picture() {
  Gray8 image(24, 12, 250);
  for (int x = 3; x < 20; ++x) image.at(x, 3 + x % 7) = uint8_t(x);
  return image;
}

Rgb8 a_coloured_picture() {
  Rgb8 image(17, 9);
  image.line(2, 2, 14, 6, {200, 10, 30}, 2);
  return image;
}

/// PNG's colour types and depths, 5 x 3 pixels each; the last is interlaced.
std::vector<std::string> png_files() {
  std::vector<std::string> files;
  constexpr struct {
    int depth, color_type, bits;
  } kKinds[] = {{1, 0, 1},   {2, 0, 2},  {4, 0, 4},   {8, 0, 8},  {16, 0, 16}, {8, 2, 24},
                {16, 2, 48}, {8, 4, 16}, {16, 4, 32}, {8, 6, 32}, {16, 6, 64}};
  for (const auto& kind : kKinds) {
    std::string rows;
    for (int y = 0; y < 3; ++y) {
      rows += char(y + 1);  // the filter
      for (int i = 0; i < (5 * kind.bits + 7) / 8; ++i) rows += char(17 * i + y);
    }
    files.push_back(png_file(5, 3, kind.depth, kind.color_type, rows));
  }
  const std::string ihdr = big_endian(3) + big_endian(2) + std::string("\x02\x03\0\0\0", 5);
  const std::string rows("\0\x1B\0\xE4", 4);
  files.push_back(std::string(kPngSignature) + png_chunk("IHDR", ihdr) +
                  png_chunk("PLTE", "rgbRGB012xyz") + png_chunk("tRNS", "\x01\x80") +
                  png_chunk("IDAT", zlib_stored(rows)) + png_chunk("IEND", ""));
  std::string interlaced = files[3];
  interlaced[28] = 1;
  files.push_back(with_right_checksums(interlaced));
  return files;
}

/// Baseline and progressive, one component and three, sampled alike and not.
std::vector<std::string> jpeg_files() {
  const std::string gray = jpeg_file();
  const size_t frame = gray.find("\xFF\xC0"), scan = gray.find("\xFF\xDA");
  std::string progressive = gray;
  progressive[frame + 1] = '\xC2';
  progressive[scan + 8] = 0;  // the DC coefficients alone
  std::vector<std::string> files{gray, progressive};
  for (const char sampling : {'\x11', '\x21', '\x22'}) {
    const std::string components = std::string{1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0};
    files.push_back(gray.substr(0, frame) + std::string("\xFF\xC0\0\x11\x08\0\x08\0\x08\x03", 10) +
                    components + gray.substr(frame + 13, scan - frame - 13) +
                    std::string("\xFF\xDA\0\x0C\x03\x01\0\x02\0\x03\0\0\x3F\0", 14) +
                    std::string(6, '\x7E') + "\xFF\xD9");
  }
  return files;
}

}  // namespace
}  // namespace talweg::io

talweg::fuzz::Corpus talweg::fuzz::corpus() {
  using namespace talweg::io;
  Corpus corpus{{encode_png(a_picture()), encode_png(a_coloured_picture()),
                 bmp_file(3, -2, std::string(24, 'x')), bmp_file(2, 2, std::string(16, 'y')),
                 "P4 9 2\n\x81\x80\x7E\x01", "P5 3 2 255\nabcdef", "P5 # note\n2 1 65535\nabcd",
                 "P6 2 1 100\nabcdef"},
                6000};
  for (auto* files : {&png_files, &jpeg_files}) {
    for (std::string& file : files()) corpus.seeds.push_back(std::move(file));
  }
  return corpus;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talweg::io;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_bytes(bytes);
  if (bytes.starts_with("\x89PNG")) check_bytes(with_right_checksums(bytes));
  return 0;
}
