#include "core/io/pnm.h"

#include <algorithm>

#include "core/error.h"

namespace talweg::io {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads the header's numbers one after the other.
class HeaderReader {
 public:
  HeaderReader(std::string_view bytes, const std::string& origin)
      : bytes_(bytes), origin_(origin) {}

  /// The next number, after white space and comments (# to the end of the line).
  int64_t number() {
    while (!at_end() && (is_space(bytes_[at_]) || bytes_[at_] == '#')) {
      if (bytes_[at_] == '#') {
        while (!at_end() && bytes_[at_] != '\n') ++at_;
      } else {
        ++at_;
      }
    }
    constexpr int64_t kTooLarge = 1'000'000'000;
    int64_t value = 0;
    const size_t first = at_;
    for (; !at_end() && is_digit(bytes_[at_]) && value < kTooLarge; ++at_) {
      value = 10 * value + (bytes_[at_] - '0');
    }
    if (first == at_ || value >= kTooLarge) damaged();
    return value;
  }

  /// What follows the one white space character that ends the header.
  std::string_view rest() {
    if (at_end() || !is_space(bytes_[at_])) damaged();
    return bytes_.substr(at_ + 1);
  }

  [[noreturn]] void damaged() const {
    throw IoError(
        message(origin_, ": the header of this PNM picture is damaged; convert it to PNG again"));
  }

 private:
  bool at_end() const { return at_ >= bytes_.size(); }

  std::string_view bytes_;
  const std::string& origin_;
  size_t at_ = 2;  // after the magic number
};

int sample(std::string_view data, size_t i, bool wide) {
  const auto byte = [&](size_t k) { return int(static_cast<unsigned char>(data[k])); };
  return wide ? byte(2 * i) << 8 | byte(2 * i + 1) : byte(i);
}

void expect_complete(std::string_view data, uint64_t needed, const std::string& origin) {
  if (data.size() >= needed) return;
  throw IoError(message(origin, ": picture is truncated: its header promises ",
                        format_grouped(needed), " bytes of pixels, ", format_grouped(data.size()),
                        " are there; fetch it again"));
}

/// One bit a pixel, rows padded to bytes, 1 = black.
void read_bits(std::string_view data, Gray8& image, const std::string& origin) {
  const size_t stride = (size_t(image.width) + 7) / 8;
  expect_complete(data, stride * size_t(image.height), origin);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const int byte = sample(data, size_t(y) * stride + size_t(x) / 8, false);
      image.at(x, y) = (byte >> (7 - x % 8) & 1) ? 0 : 255;
    }
  }
}

void read_samples(std::string_view data, int channels, int64_t max_value, Gray8& image,
                  const std::string& origin) {
  const bool wide = max_value > 255;
  const size_t pixels = image.pixels.size();
  expect_complete(data, pixels * size_t(channels) * (wide ? 2 : 1), origin);
  const auto scaled = [&](size_t i) {
    const int64_t v = std::min<int64_t>(sample(data, i, wide), max_value);
    return int((v * 255 + max_value / 2) / max_value);
  };
  for (size_t i = 0; i < pixels; ++i) {
    image.pixels[i] = channels == 1 ? uint8_t(scaled(i))
                                    : luma(scaled(3 * i), scaled(3 * i + 1), scaled(3 * i + 2));
  }
}

}  // namespace

bool looks_like_pnm(std::string_view bytes) {
  return bytes.size() >= 3 && bytes[0] == 'P' && bytes[1] >= '4' && bytes[1] <= '6' &&
         (is_space(bytes[2]) || bytes[2] == '#');
}

void check_picture_size(int64_t width, int64_t height, const std::string& origin) {
  if (width <= 0 || height <= 0) {
    throw IoError(message(origin, ": picture has no pixels: its header says ", width, " x ", height,
                          "; export it again"));
  }
  if (width > kMaxPixels / height) {
    throw IoError(message(origin, ": picture is too large: ", width, " x ", height,
                          " pixels, at most ", format_grouped(uint64_t{kMaxPixels}),
                          " pixels are read; scale it down"));
  }
}

Gray8 decode_pnm(std::string_view bytes, const std::string& origin) {
  HeaderReader header(bytes, origin);
  const char kind = bytes[1];
  const int64_t width = header.number(), height = header.number();
  const int64_t max_value = kind == '4' ? 1 : header.number();
  const std::string_view data = header.rest();
  if (max_value < 1 || max_value > 65535) header.damaged();
  check_picture_size(width, height, origin);
  // Allocated only once the pixels are known to be there: the smallest take one bit.
  expect_complete(data, uint64_t((width * height + 7) / 8), origin);
  Gray8 image{int(width), int(height)};
  if (kind == '4') {
    read_bits(data, image, origin);
  } else {
    read_samples(data, kind == '5' ? 1 : 3, max_value, image, origin);
  }
  return image;
}

}  // namespace talweg::io
