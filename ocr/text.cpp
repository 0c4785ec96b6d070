#include "ocr/text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <unordered_set>

#include "core/error.h"

namespace talweg::ocr {
namespace {

std::string byte_name(unsigned char byte) {
  char buffer[8];
  std::snprintf(buffer, sizeof buffer, "0x%02X", byte);
  return buffer;
}

bool is_scalar_value(char32_t c) { return c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF); }

// Length of the sequence that `lead` opens, 0 if it opens none (RFC 3629, section 4).
int sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

bool shows(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0xAD;
  const bool invisible = c == ' ' || (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) ||
                         c == 0x2060 || c == 0x3000 || c == 0xFEFF;
  const bool combining = c >= 0x300 && c <= 0x36F;
  return is_scalar_value(c) && !control && !invisible && !combining;
}

}  // namespace

std::u32string decode_utf8(std::string_view bytes) {
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // smaller values are overlong
  std::u32string text;
  text.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const auto place = [&](size_t offset) {
      return message("at offset ", offset, " (character ", text.size() + 1, ")");
    };
    const auto lead = static_cast<unsigned char>(bytes[at]);
    const int length = sequence_length(lead);
    if (length == 0) {
      throw_error("[text] byte ", byte_name(lead), " ", place(at),
                  " can't start a UTF-8 character; save the text as UTF-8");
    }
    if (at + size_t(length) > bytes.size()) {
      throw_error("[text] the UTF-8 character ", place(at), " needs ", length,
                  " bytes, but the text ends after ", bytes.size() - at);
    }
    char32_t c = length == 1 ? lead : lead & (0x7Fu >> length);
    for (int i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(bytes[at + size_t(i)]);
      if ((next & 0xC0) != 0x80) {
        throw_error("[text] byte ", byte_name(next), " ", place(at + size_t(i)),
                    " doesn't continue the UTF-8 character before it; save the text as UTF-8");
      }
      c = (c << 6) | (next & 0x3Fu);
    }
    if (c < kLeast[length] || !is_scalar_value(c)) {
      throw_error("[text] the bytes ", place(at), " encode ", code_point_name(c),
                  ", which is not allowed in UTF-8 in this form");
    }
    text += c;
    at += size_t(length);
  }
  return text;
}

std::string to_nfc(std::string_view bytes) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::ranges::all_of(bytes, is_ascii)) return std::string(bytes);
  decode_utf8(bytes);  // says what is wrong better than the library does
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                   static_cast<utf8proc_ssize_t>(bytes.size()), &mapped,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(mapped, std::free);
  if (length == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  expect(length >= 0, "[text] the text can't be normalised: ", utf8proc_errmsg(length));
  return {reinterpret_cast<const char*>(mapped), static_cast<size_t>(length)};
}

std::string encode_utf8(char32_t c) {
  expect(is_scalar_value(c), "[text] ", code_point_name(c), " is no character and has no UTF-8");
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | (c >> 6)), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | (c >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0)};
}

std::string encode_utf8(std::u32string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (char32_t c : text) bytes += encode_utf8(c);
  return bytes;
}

std::string code_point_name(char32_t code_point) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "U+%04X", static_cast<unsigned>(code_point));
  return buffer;
}

std::string describe(char32_t code_point) {
  const std::string name = code_point_name(code_point);
  return shows(code_point) ? "'" + encode_utf8(code_point) + "' (" + name + ")" : name;
}

bool is_corrupt(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool mark = c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
                    (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
  const bool no_character = (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
  return control || mark || no_character || c == 0xFFFD || !is_scalar_value(c);
}

std::string describe_all(std::u32string_view text, int limit) {
  std::u32string distinct;
  std::unordered_set<char32_t> seen;
  for (char32_t c : text) {
    if (seen.insert(c).second) distinct += c;
  }
  std::string list;
  for (size_t i = 0; i < distinct.size(); ++i) {
    if (int(i) == limit) return list + message(" and ", distinct.size() - i, " more");
    list += (i ? ", " : "") + describe(distinct[i]);
  }
  return list;
}

std::vector<TextLine> lines_of(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  std::vector<TextLine> lines;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    std::string_view line = bytes.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back({static_cast<int>(lines.size()) + 1, line});
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  }
  return lines;
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find('\t', begin), line.size());
    cells.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return cells;
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace talweg::ocr
