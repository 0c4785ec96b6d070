// Bytes as UTF-8 characters.
#pragma once

#include <cstddef>
#include <string_view>

namespace talweg::io {

/// The length of the character that `text` begins with (RFC 3629: none overlong, no surrogate, none above
/// U+10FFFF); 0 if there is none.
size_t utf8_length(std::string_view text);

}  // namespace talweg::io
