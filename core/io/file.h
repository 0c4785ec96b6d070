// Whole files in, whole files out. A file is either the old one or the new one, never half of one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace talweg::io {

/// Nothing this project reads is larger; a larger file is a mistake in the name, not a wish.
inline constexpr uint64_t kMaxFileBytes = uint64_t{4} << 30;

/// The bytes of the file `path`, possibly none. Throws IoError, in one sentence, when the file is
/// missing, is a folder, can't be read, or holds more than `max_bytes`.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = kMaxFileBytes);

/// Makes `path` hold exactly `bytes`: a temporary in the same folder is written, flushed to disk
/// and renamed over `path`, so that a reader (or a crash) sees the old file or the new one. Throws
/// IoError naming the path, the system's reason and the remedy; then the temporary is gone and the
/// old file untouched. Never makes folders.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// Makes the folder `path` and the folders above it; one that stands already is fine. Throws
/// IoError when a file is in the way or the disk refuses.
void make_directories(const std::filesystem::path& path);

}  // namespace talweg::io
