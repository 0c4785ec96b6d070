// Files that are written under a name of their own and renamed when they are whole: whose they are.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "core/io/descriptor.h"

namespace talweg::io {

/// What their names end with, so that nobody else's files are taken for ours.
inline constexpr const char* kTemporary = ".talweg-tmp";

/// Removes the temporary `name` if who wrote it was killed: a writer that lives has it locked.
inline bool remove_abandoned(const std::filesystem::path& name) {
  const Descriptor left(::open(name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return left.ok() && left.lock() && left.is_at(name) && ::unlink(name.c_str()) == 0;
}

}  // namespace talweg::io
