// Numbers and text for files: the same bytes whatever the locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace talweg::io {

/// `text` with & < > " ' replaced by entities, safe as HTML or XML text and inside a quoted
/// attribute. Control characters, which XML forbids, and bytes that are not UTF-8 become U+FFFD.
std::string escape(std::string_view text);

/// `value` with at most `decimals` digits after the point and no trailing zeros: 1.50 -> "1.5",
/// -0.001 with 2 decimals -> "0"; "nan", "inf" and "-inf" as such.
std::string format_number(double value, int decimals = 2);

/// `value` with about `significant` digits, for people: 0.00012 -> "1.2e-4", 12345.6 -> "12346".
std::string format_short(double value, int significant = 4);

/// 1234567 -> "1,234,567".
std::string format_grouped(uint64_t value);

/// RFC 4648 base64, with padding and without line breaks.
std::string base64(std::string_view bytes);

}  // namespace talweg::io
