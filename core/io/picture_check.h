// What stb lets pass in silence: picture files that are cut short, damaged, promise more pixels than
// their bytes can hold, or name colours that their palette lacks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace talweg::io {

/// "PNG", "JPEG" or "BMP". Throws IoError, in one sentence, where the bytes begin as no such picture,
/// or as one that is truncated, damaged or too large, as far as a look at its frame can tell.
const char* checked_kind(std::string_view bytes, const std::string& origin);

/// Throws IoError unless a checked picture of this kind may have that many pixels in so many bytes.
void check_density(const char* kind, int64_t width, int64_t height, size_t bytes,
                   const std::string& origin);

/// A checked picture whose palette has fewer than 256 colours, with black behind them; nothing where
/// there is no such palette. For a colour that is not there stb shows what lies in memory.
std::optional<std::string> with_whole_palette(std::string_view bytes);

/// Throws IoError: the picture is damaged, and why.
[[noreturn]] void damaged_picture(const std::string& origin, const char* kind,
                                  std::string_view why);

}  // namespace talweg::io
