#include "core/io/picture_check.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/error.h"
#include "core/io/pnm.h"

namespace talweg::io {
namespace {

constexpr std::string_view kPngMagic = "\x89PNG";
constexpr std::string_view kJpegMagic = "\xFF\xD8\xFF";
constexpr std::string_view kBmpMagic = "BM";
constexpr size_t kPalette = 256;

uint32_t byte_at(std::string_view bytes, size_t i) { return static_cast<unsigned char>(bytes[i]); }
uint32_t big_endian(std::string_view b, size_t i) {
  return byte_at(b, i) << 24 | byte_at(b, i + 1) << 16 | byte_at(b, i + 2) << 8 | byte_at(b, i + 3);
}
uint32_t little_endian16(std::string_view b, size_t i) {
  return byte_at(b, i + 1) << 8 | byte_at(b, i);
}
uint32_t little_endian(std::string_view b, size_t i) {
  return byte_at(b, i + 3) << 24 | byte_at(b, i + 2) << 16 | byte_at(b, i + 1) << 8 | byte_at(b, i);
}
template <int kBytes> std::string big_endian_text(uint32_t v) {
  std::string text;
  for (int i = kBytes; i-- > 0;) text += char(v >> (8 * i));
  return text;
}

[[noreturn]] void truncated(const std::string& origin, const char* kind) {
  throw IoError(message(origin, ": ", kind,
                        " picture is truncated: the file ends before the picture does; fetch or "
                        "export it again"));
}

// --- PNG ---

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

/// A chunk: length, type, data, checksum.
struct Chunk {
  size_t begin;  // of its length
  std::string_view type, data;
  uint32_t sum;
};

constexpr size_t kSignature = 8, kFrame = 12;

/// The chunk that begins at `at`; nothing where the file ends before it does.
std::optional<Chunk> chunk_at(std::string_view bytes, size_t at) {
  if (at > bytes.size() || bytes.size() - at < kFrame) return {};
  const size_t length = big_endian(bytes, at);
  if (length > bytes.size() - at - kFrame) return {};
  return Chunk{at, bytes.substr(at + 4, 4), bytes.substr(at + 8, length),
               big_endian(bytes, at + 8 + length)};
}
size_t end_of(const Chunk& chunk) { return chunk.begin + kFrame + chunk.data.size(); }

/// Bits of a pixel as its row is packed, by IHDR's depth and colour type; 1 where they are damaged.
uint64_t packed_bits(std::string_view ihdr) {
  constexpr std::array<uint64_t, 7> kChannels{1, 0, 3, 1, 2, 0, 4};
  const uint32_t type = byte_at(ihdr, 9);
  return std::max<uint64_t>(1, (type < kChannels.size() ? kChannels[type] : 0) * byte_at(ihdr, 8));
}

/// A decoder must know it: its name begins with a capital. stb refuses others too, but writes their
/// name where all threads do.
bool is_foreign(std::string_view type) {
  constexpr std::array<std::string_view, 5> kKnown{"IHDR", "PLTE", "IDAT", "IEND", "CgBI"};
  return (type[0] & 0x20) == 0 && std::ranges::find(kKnown, type) == kKnown.end();
}

/// Walks the chunks up to IEND: stb checks neither the sums nor the end. Deflate makes at most 1032
/// bytes of one (zlib's manual), so that a picture larger than that isn't there.
void check_png(std::string_view bytes, const std::string& origin) {
  constexpr size_t kHeader = 13;
  constexpr uint64_t kDensest = 1032;
  uint64_t packed = 0, data = 0;
  for (auto chunk = chunk_at(bytes, kSignature); chunk; chunk = chunk_at(bytes, end_of(*chunk))) {
    if (crc32(bytes.substr(chunk->begin + 4, 4 + chunk->data.size())) != chunk->sum) {
      damaged_picture(origin, "PNG", "a checksum does not match");
    }
    if (is_foreign(chunk->type)) damaged_picture(origin, "PNG", "it has a chunk of no known kind");
    if (chunk->type == "IHDR" && chunk->data.size() == kHeader) {
      const int64_t width = big_endian(chunk->data, 0), height = big_endian(chunk->data, 4);
      if (width > 0 && height > 0) check_picture_size(width, height, origin);  // else stb says it
      packed = (uint64_t(width) * packed_bits(chunk->data) + 7) / 8 * uint64_t(height);
    }
    if (chunk->type == "IDAT") data += chunk->data.size();
    if (chunk->type != "IEND") continue;
    if (packed > kDensest * data) truncated(origin, "PNG");
    return;
  }
  truncated(origin, "PNG");
}

std::optional<std::string> png_with_whole_palette(std::string_view bytes) {
  for (auto chunk = chunk_at(bytes, kSignature); chunk; chunk = chunk_at(bytes, end_of(*chunk))) {
    if (chunk->type != "PLTE") continue;
    if (chunk->data.size() >= 3 * kPalette || chunk->data.size() % 3 != 0) return {};
    std::string body = "PLTE" + std::string(chunk->data);
    body.resize(4 + 3 * kPalette);
    return std::string(bytes.substr(0, chunk->begin)) + big_endian_text<4>(3 * kPalette) + body +
           big_endian_text<4>(crc32(body)) + std::string(bytes.substr(end_of(*chunk)));
  }
  return {};
}

// --- JPEG ---

constexpr uint32_t kHuffman = 0xC4, kEnd = 0xD9, kScan = 0xDA;

/// Between the scans' codes, where 0xFF is followed by 0 or by a restart marker.
bool is_code(uint32_t marker) { return marker == 0 || (marker >= 0xD0 && marker <= 0xD7); }

/// Huffman tables: 16 counts of codes, by length, then a value a code. Of more than 256 codes stb
/// writes behind its table's end.
void check_huffman(std::string_view tables, const std::string& origin) {
  constexpr size_t kHead = 17, kMostCodes = 256;
  while (!tables.empty()) {
    size_t codes = 0;
    for (size_t i = 1; i < std::min(kHead, tables.size()); ++i) codes += byte_at(tables, i);
    if (tables.size() < kHead + codes || codes > kMostCodes) {
      damaged_picture(origin, "JPEG", "a Huffman table is broken");
    }
    tables.remove_prefix(kHead + codes);
  }
}

/// Walks from marker to marker up to the end of the image, past at least one scan. A progressive
/// picture has some ten scans; each more is a walk over all pixels, for which a few bytes suffice.
void check_jpeg(std::string_view bytes, const std::string& origin) {
  constexpr int kMostScans = 500;
  int scans = 0;
  for (size_t at = bytes.find('\xFF', 2); at < bytes.size(); at = bytes.find('\xFF', at)) {
    at = bytes.find_first_not_of('\xFF', at);
    if (at >= bytes.size()) break;
    const uint32_t marker = byte_at(bytes, at++);
    if (is_code(marker)) continue;
    if (marker == kEnd && scans == 0) break;
    if (marker == kEnd) return;
    if (bytes.size() - at < 2) break;
    const size_t length = byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
    if (length < 2) damaged_picture(origin, "JPEG", "a segment has no length");
    if (length > bytes.size() - at) break;
    if (marker == kHuffman) check_huffman(bytes.substr(at + 2, length - 2), origin);
    if (marker == kScan && ++scans > kMostScans) {
      damaged_picture(origin, "JPEG", "it has too many scans");
    }
    at += length;
  }
  truncated(origin, "JPEG");
}

// --- BMP ---

constexpr size_t kFileHeader = 14, kOldHeader = 12;

/// The pixel rows, each padded to 4 bytes, must lie inside the file.
void check_bmp(std::string_view bytes, const std::string& origin) {
  constexpr size_t kHeaders = 30;
  if (bytes.size() < kHeaders) truncated(origin, "BMP");
  const bool old = little_endian(bytes, 14) == kOldHeader;  // OS/2's, with sides of 16 bits
  const int64_t width =
      old ? int64_t(little_endian16(bytes, 18)) : int32_t(little_endian(bytes, 18));
  const int64_t height = old ? int64_t(little_endian16(bytes, 20))
                             : std::abs(int64_t{int32_t(little_endian(bytes, 22))});
  check_picture_size(width, height, origin);
  const uint64_t bits = little_endian16(bytes, old ? 24 : 28);
  // Of such a palette stb reads the wrong part.
  if (old && bits < 24) damaged_picture(origin, "BMP", "OS/2's palettes are not read");
  const uint64_t stride = (uint64_t(width) * bits + 31) / 32 * 4;
  if (little_endian(bytes, 10) + stride * uint64_t(height) > bytes.size()) {
    truncated(origin, "BMP");
  }
}

std::optional<std::string> bmp_with_whole_palette(std::string_view bytes) {
  const size_t pixels_at = little_endian(bytes, 10), header = little_endian(bytes, 14);
  constexpr size_t kLargestHeader = 124, kEntry = 4;
  const bool has_palette = little_endian16(bytes, 28) < 16 && header <= kLargestHeader &&
                           kFileHeader + header + kEntry <= pixels_at && pixels_at <= bytes.size();
  if (!has_palette) return {};
  const size_t entries = (pixels_at - kFileHeader - header) / kEntry;
  if (entries >= kPalette) return {};
  const size_t end = kFileHeader + header + kEntry * entries;
  const size_t added = kEntry * (kPalette - entries);
  std::string whole(bytes.substr(0, end));
  whole += std::string(added, '\0') + std::string(bytes.substr(end));
  for (int i = 0; i < 4; ++i) whole[size_t(10 + i)] = char((pixels_at + added) >> (8 * i));
  return whole;
}

}  // namespace

void damaged_picture(const std::string& origin, const char* kind, std::string_view why) {
  throw IoError(
      message(origin, ": ", kind, " picture is damaged (", why, "); fetch or export it again"));
}

const char* checked_kind(std::string_view bytes, const std::string& origin) {
  if (bytes.starts_with(kPngMagic)) return check_png(bytes, origin), "PNG";
  if (bytes.starts_with(kJpegMagic)) return check_jpeg(bytes, origin), "JPEG";
  if (bytes.starts_with(kBmpMagic)) return check_bmp(bytes, origin), "BMP";
  throw IoError(message(origin,
                        ": not a picture this program reads (PNG, JPEG, BMP, binary PBM/PGM/PPM); "
                        "convert it to PNG"));
}

void check_density(const char* kind, int64_t width, int64_t height, size_t bytes,
                   const std::string& origin) {
  check_picture_size(width, height, origin);
  // A block of 8 x 8 samples takes a bit at least; the other kinds were counted where the sizes are.
  constexpr int64_t kDensest = 8 * 64;
  const bool jpeg = std::string_view(kind) == "JPEG";
  if (jpeg && width * height > kDensest * int64_t(bytes)) truncated(origin, kind);
}

std::optional<std::string> with_whole_palette(std::string_view bytes) {
  if (bytes.starts_with(kPngMagic)) return png_with_whole_palette(bytes);
  if (bytes.starts_with(kBmpMagic)) return bmp_with_whole_palette(bytes);
  return {};
}

}  // namespace talweg::io
