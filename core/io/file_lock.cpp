#include "core/io/file_lock.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "core/error.h"
#include "core/io/temporary.h"

namespace fs = std::filesystem;

namespace talweg::io {
namespace {

/// One mark for all the names of a place; none for a device or a pipe, which many may write.
fs::path mark_of(const fs::path& written) {
  std::error_code ec;
  fs::path place = fs::weakly_canonical(written, ec);
  if (ec) place = fs::absolute(written);
  const fs::file_status status = fs::status(place, ec);
  if (fs::is_directory(status)) return place / ".talweg.lock";
  if (fs::exists(status) && !fs::is_regular_file(status)) return {};
  return place.parent_path() / ("." + place.filename().string() + ".lock");
}

/// The process number that the holder wrote down, with a word before it; nothing where it can't be
/// told.
std::string holder(const Descriptor& mark) {
  std::array<char, 32> text;
  const ssize_t n = ::pread(mark.get(), text.data(), text.size(), 0);
  return n > 0 ? " (process " + std::string(text.data(), std::size_t(n)) + ")" : "";
}

/// Nobody else fills the folder now: what killed ones left unfinished in it can go.
void clear_away(const fs::path& folder) {
  std::error_code ec;
  for (fs::directory_iterator i(folder, ec), end; !ec && i != end; i.increment(ec)) {
    const std::string name = i->path().filename().string();
    if (name.starts_with('.') && name.ends_with(kTemporary)) remove_abandoned(i->path());
  }
}

}  // namespace

FileLock::FileLock(const fs::path& written) : mark_(mark_of(written)), file_(-1) {
  if (mark_.empty()) return;
  // Between opening the mark and locking it, its holder may have removed it: then it is made again.
  do {
    file_ = Descriptor(::open(mark_.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (!file_.ok()) {
      throw IoError(message(written.string(), ": can't be locked with ", mark_.string(), ": ",
                            std::generic_category().message(errno)));
    }
    const bool mine = file_.lock();
    if (!mine && errno == EWOULDBLOCK) {
      throw IoError(message(written.string(), ": another talweg", holder(file_),
                            " is writing there; wait until it ends, or name another place"));
    }
  } while (!file_.is_at(mark_));
  // Who holds it is told as a courtesy: on a full disk there is no room, and the lock holds anyway.
  const Descriptor note(::open(mark_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW));
  const std::string number = std::to_string(::getpid());
  if (note.ok()) [[maybe_unused]]
    const auto n = ::write(note.get(), number.data(), number.size());
  std::error_code ec;
  if (fs::is_directory(written, ec)) clear_away(written);
}

FileLock::~FileLock() {
  if (!mark_.empty()) ::unlink(mark_.c_str());  // while the lock is still held
}

}  // namespace talweg::io
